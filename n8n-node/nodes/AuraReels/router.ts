/**
 * Runs the chosen operation for each item and sorts what comes out onto the two outputs.
 *
 * Items are worked on one after the other, so that posts are created in the items' order. What is to be waited for is
 * waited for afterwards, all posts together. An item that fails stops the node, or, where the workflow is to go on,
 * becomes an item of the second output.
 */

import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { coreFor } from '../shared/core';
import { errorItem, nodeError } from '../shared/errors';
import type { Core } from '../shared/transport';
import { account } from './actions/account';
import { platform } from './actions/platform';
import { post } from './actions/post';
import { quota } from './actions/quota';
import type { Operation, Resource, Result, Wait } from './operation';
import { waitForPosts } from './waiting';

/** Every resource, in the order in which the node lists them. */
export const RESOURCES: Resource[] = [account, platform, post, quota];

/** What one item led to: its results, or why it failed. */
type Outcome = { core: Core; results: Result[] } | { error: Error };

/** The node's `execute`. */
export async function route(node: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const operation = chosen(node);
	const outcomes: Outcome[] = [];
	for (let item = 0; item < node.getInputData().length; item++) {
		outcomes.push(
			await attempt(node, item, async () => {
				const core = await coreFor(node, item);
				return { core, results: await operation.execute({ node, item, core }) };
			}),
		);
	}
	await waitForAll(node, outcomes);

	const success: INodeExecutionData[] = [];
	const attention: INodeExecutionData[] = [];
	outcomes.forEach((outcome, item) => {
		if ('error' in outcome) {
			const json = errorItem(outcome.error) as INodeExecutionData['json'];
			attention.push({ json, pairedItem: { item } });
			return;
		}
		for (const { json, needsAttention } of outcome.results) {
			(needsAttention ? attention : success).push({ json, pairedItem: { item } });
		}
	});
	// An agent reads the first output only, and has to hear of what needs attention most of all.
	return isTool(node) ? [[...attention, ...success]] : [success, attention];
}

/** Whether an AI agent called the node, by one of the two ways in which n8n runs a node as a tool. */
function isTool(node: IExecuteFunctions): boolean {
	return node.isToolExecution() || node.getNode().type.endsWith('Tool');
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
			`There is no operation "${resource}: ${operation}"`,
			{
				description: 'Choose the operation again, or update the AuraReels package.',
			},
		);
	}
	return found;
}

/** Runs something for an item; its error ends the node unless the workflow is to go on. */
async function attempt<T extends Outcome>(
	node: IExecuteFunctions,
	item: number,
	body: () => Promise<T>,
): Promise<Outcome> {
	try {
		return await body();
	} catch (error) {
		if (!node.continueOnFail()) throw nodeError(node.getNode(), error as Error, item);
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
async function waitForAll(node: IExecuteFunctions, outcomes: Outcome[]): Promise<void> {
	const groups = new Map<string, Waiting[]>();
	outcomes.forEach((outcome, item) => {
		if ('error' in outcome) return;
		outcome.results.forEach(({ wait }, index) => {
			if (!wait) return;
			const key = JSON.stringify([outcome.core.target, wait.limitMs]);
			groups.set(key, [...(groups.get(key) ?? []), { item, index, core: outcome.core, wait }]);
		});
	});
	await Promise.all(
		[...groups.values()].map(async (group) => await waitForSome(node, outcomes, group)),
	);
}

async function waitForSome(
	node: IExecuteFunctions,
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
		if (!node.continueOnFail()) throw nodeError(node.getNode(), error as Error, item);
		for (const waiting of group) outcomes[waiting.item] = { error: error as Error };
		return;
	}
	for (const waiting of group) {
		const outcome = outcomes[waiting.item];
		const found = settled.get(waiting.wait.post.id);
		if ('error' in outcome || !found) continue;
		const after = await attempt(node, waiting.item, async () => {
			const result = await waiting.wait.settle(found.post, found.outcome);
			return { core, results: outcome.results.map((r, i) => (i === waiting.index ? result : r)) };
		});
		outcomes[waiting.item] = after;
	}
}
