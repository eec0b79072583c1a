/**
 * Runs the chosen operation for each item.
 *
 * Items are worked on one after the other, so that posts are created in the items' order. What is to be waited for is
 * waited for afterwards, all posts together. What becomes of an item that fails, and by which output each result leaves,
 * is decided in `outputs.ts`.
 */

import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { coreFor } from '../shared/core';
import { nodeError } from '../shared/errors';
import type { Core } from '../shared/transport';
import { account } from './actions/account';
import { analytics } from './actions/analytics';
import { media } from './actions/media';
import { platform } from './actions/platform';
import { post } from './actions/post';
import { quota } from './actions/quota';
import { videoJob } from './actions/video-job';
import type { Operation, Resource, Wait } from './operation';
import { type Outcome as Sortable, type Outputs, outputsOf } from './outputs';
import { waitForPosts } from './waiting';

/** Every resource, in the order in which the node lists them: what people come for first. */
export const RESOURCES: Resource[] = [post, account, media, videoJob, platform, quota, analytics];

/** What one item led to, and the core that was asked. */
type Outcome = Sortable & { core?: Core };

/** The node's `execute`. */
export async function route(node: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const operation = chosen(node);
	const outputs = outputsOf(node);
	const outcomes: Outcome[] = [];
	for (let item = 0; item < node.getInputData().length; item++) {
		outcomes.push(
			await attempt(node, outputs, item, async () => {
				const core = await coreFor(node, item);
				return { core, results: await operation.execute({ node, item, core }) };
			}),
		);
	}
	await waitForAll(node, outputs, outcomes);
	return outputs.sort(outcomes);
}

function chosen(node: IExecuteFunctions): Operation {
	const resource = node.getNodeParameter('resource', 0) as string;
	const operation = node.getNodeParameter('operation', 0) as string;
	const found = RESOURCES.find(({ option }) => option.value === resource)?.operations.find(
		({ option }) => option.value === operation,
	);
	if (!found) {
		throw new NodeOperationError(
			node.getNode(),
			`The operation "${resource}: ${operation}" does not exist`,
			{
				description: 'Select the operation again, or update the AuraReels package.',
			},
		);
	}
	return found;
}

/** Runs something for an item; its error ends the node unless the workflow is to go on. */
async function attempt(
	node: IExecuteFunctions,
	{ goesOn }: Outputs,
	item: number,
	body: () => Promise<Outcome>,
): Promise<Outcome> {
	try {
		return await body();
	} catch (error) {
		if (!goesOn) throw nodeError(node.getNode(), error as Error, item);
		return { error: error as Error };
	}
}

/** One result that waits, and where it belongs. */
interface Waiting {
	item: number;
	index: number;
	core: Core;
	wait: Wait;
}

/** Waits for everything that is to be waited for: one stream per user and limit. */
async function waitForAll(
	node: IExecuteFunctions,
	outputs: Outputs,
	outcomes: Outcome[],
): Promise<void> {
	const groups = new Map<string, Waiting[]>();
	outcomes.forEach(({ core, results }, item) => {
		results?.forEach(({ wait }, index) => {
			if (!wait || !core) return;
			const key = JSON.stringify([core.target, wait.limitMs]);
			groups.set(key, [...(groups.get(key) ?? []), { item, index, core, wait }]);
		});
	});
	await Promise.all(
		[...groups.values()].map(async (group) => await waitForSome(node, outputs, outcomes, group)),
	);
}

async function waitForSome(
	node: IExecuteFunctions,
	outputs: Outputs,
	outcomes: Outcome[],
	group: Waiting[],
): Promise<void> {
	const [{ core, item, wait }] = group;
	let settled: Awaited<ReturnType<typeof waitForPosts>>;
	try {
		settled = await waitForPosts(
			core,
			group.map(({ wait: { post } }) => post),
			wait.limitMs,
		);
	} catch (error) {
		if (!outputs.goesOn) throw nodeError(node.getNode(), error as Error, item);
		for (const waiting of group) {
			const { results } = outcomes[waiting.item];
			outcomes[waiting.item] = { error: error as Error, results };
		}
		return;
	}
	for (const waiting of group) {
		const { results, ...outcome } = outcomes[waiting.item];
		const found = settled.get(waiting.wait.post.id);
		if ('error' in outcome || !results || !found) continue;
		const after = await attempt(node, outputs, waiting.item, async () => {
			const result = await waiting.wait.settle(found.post, found.outcome);
			return { core, results: results.map((r, i) => (i === waiting.index ? result : r)) };
		});
		outcomes[waiting.item] = 'error' in after ? { ...after, results } : after;
	}
}
