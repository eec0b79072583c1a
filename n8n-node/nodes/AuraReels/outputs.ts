/**
 * By which output a result leaves, in which shape, and whether the node fails over it.
 *
 * Version 1 of the node has two outputs: what went well, and what needs attention. From version 2 on the builder says what
 * becomes of a post that did not go out (*When a Post Fails*): the node stops with an error, as every node of n8n does
 * unless it is told otherwise; or the item leaves by the one output like all others; or by a second one. "Did not go out"
 * is also what is not known within the wait's limit: nothing that is not live leaves unmarked. `error` is filled where,
 * and only where, an item did not go well.
 */

import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { accountName } from '../shared/accounts';
import type { Post } from '../shared/api';
import { errorFacts, errorItem } from '../shared/errors';
import type { Result } from './operation';
import { type Trouble, troubleOf } from './trouble';

/** What one item led to. An item that failed while its posts were waited for still has them. */
export type Outcome = { results: Result[] } | { error: Error; results?: Result[] };

/** Puts the outcomes, one per input item, onto the outputs. */
export type Sort = (outcomes: Outcome[]) => INodeExecutionData[][];

/** How a node's results leave it. */
export interface Outputs {
	/** Whether an item that fails becomes an item, instead of ending the node. */
	goesOn: boolean;
	sort: Sort;
}

/** The first version in which the builder chooses. */
const CHOOSING = 2;

/** Chooses by the node's version and settings. */
export function outputsOf(node: IExecuteFunctions): Outputs {
	const { typeVersion } = node.getNode();
	if (typeVersion < CHOOSING) {
		return { goesOn: node.continueOnFail(), sort: (outcomes) => sortByAttention(node, outcomes) };
	}
	const chosen = node.getNodeParameter('whenPostFails', 0, 'stop') as string;
	// An agent reads what is wrong and what to do; of an error n8n would tell it the message alone.
	const goesOn = node.continueOnFail() || chosen !== 'stop' || isTool(node);
	return { goesOn, sort: (outcomes) => sortByFailure(node, outcomes, chosen, goesOn) };
}

/** Version 1. */
function sortByAttention(node: IExecuteFunctions, outcomes: Outcome[]): INodeExecutionData[][] {
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

/** One item to put out, and what went wrong with it. */
interface Sorted {
	item: number;
	json: IDataObject;
	trouble?: Trouble;
}

function sortByFailure(
	node: IExecuteFunctions,
	outcomes: Outcome[],
	chosen: string,
	goesOn: boolean,
): INodeExecutionData[][] {
	const sorted = outcomes.flatMap((outcome, item) => {
		const simplify = node.getNodeParameter('simplify', item, false) === true;
		return itemsOf(outcome, simplify).map((one): Sorted => ({ ...one, item }));
	});
	const failed = sorted.filter(({ trouble }) => trouble);
	const plain = ({ item, json }: Sorted): INodeExecutionData => ({ json, pairedItem: { item } });
	if (isTool(node)) {
		return [[...failed, ...sorted.filter(({ trouble }) => !trouble)].map(plain)];
	}
	if (chosen === 'secondOutput') {
		return [sorted.filter(({ trouble }) => !trouble).map(plain), failed.map(plain)];
	}
	if (failed.length > 0 && !goesOn) throw stopped(node, failed, sorted.length);
	const toErrorOutput =
		chosen === 'stop' && node.getNode().onError === 'continueErrorOutput' ? forErrorOutput : plain;
	return [sorted.map((one) => (one.trouble ? toErrorOutput(one) : plain(one)))];
}

/** Whether an AI agent called the node, by one of the two ways in which n8n runs a node as a tool. */
function isTool(node: IExecuteFunctions): boolean {
	return node.isToolExecution() || node.getNode().type.endsWith('Tool');
}

/** n8n moves an item to its own error output by its keys: these, and no others. */
function forErrorOutput({ item, json, trouble }: Sorted): INodeExecutionData {
	const { error, ...details } = json;
	return { json: { error, message: trouble?.sentence, details }, pairedItem: { item } };
}

function itemsOf(outcome: Outcome, simplify: boolean): Array<Omit<Sorted, 'item'>> {
	if (!('error' in outcome)) return outcome.results.map((result) => resultItem(result, simplify));
	const { status, sentence, ...facts } = errorFacts(outcome.error);
	const trouble: Trouble = { sentence, error: { rule: '', ...facts } };
	const known = (outcome.results ?? []).flatMap(({ post, more }) =>
		post ? [{ json: postItem(post, more, simplify, trouble), trouble }] : [],
	);
	if (known.length > 0) return known;
	const nothing = { id: null, platform: null, account: null, status, url: null };
	return [{ json: { ...nothing, scheduled_at: null, error: { ...trouble.error } }, trouble }];
}

function resultItem(
	{ json, post, more, isJudged }: Result,
	simplify: boolean,
): Omit<Sorted, 'item'> {
	if (!post) return { json };
	const trouble = isJudged ? troubleOf(post, more) : undefined;
	return { json: postItem(post, more, simplify, trouble), trouble };
}

/** What a post looks like on an output. */
function postItem(
	post: Post,
	more: IDataObject | undefined,
	simplify: boolean,
	trouble: Trouble | undefined,
): IDataObject {
	const error = trouble?.error ?? post.error ?? null;
	if (!simplify)
		return { ...(post as unknown as IDataObject), ...more, error: error as IDataObject | null };
	return {
		id: post.id,
		platform: post.platform,
		account: post.account ? accountName(post.account) : `account ${post.social_account_id}`,
		status: post.status,
		url: post.platform_post_url || null,
		scheduled_at: post.scheduled_at ?? null,
		error: error as IDataObject | null,
		...(post.waiting_for
			? { waiting_for: post.waiting_for, waiting_until: post.waiting_until }
			: {}),
		...(post.warnings?.length ? { warnings: post.warnings as unknown as IDataObject[] } : {}),
		...more,
	};
}

/** So many posts are named in one error. */
const MOST_NAMED = 10;

/** The error of a node that stops: of one post, or of several of a run. */
function stopped(node: IExecuteFunctions, failed: Sorted[], of: number): NodeOperationError {
	const [first] = failed;
	const said = failed.map(({ trouble }) => trouble as Trouble);
	const advice =
		of > failed.length
			? `The other ${of - failed.length} succeeded, and running the node again does not post them twice. To continue instead of stopping, change "When a Post Fails".`
			: 'To continue instead of stopping, change "When a Post Fails".';
	const sentences =
		failed.length === 1 ? [] : said.slice(0, MOST_NAMED).map(({ sentence }) => stop(sentence));
	if (failed.length > MOST_NAMED) sentences.push(`And ${failed.length - MOST_NAMED} more.`);
	const remedies = [...new Set(said.map(({ error }) => error.remediation).filter(Boolean))];
	const error = new NodeOperationError(
		node.getNode(),
		failed.length === 1 ? said[0].sentence : `${failed.length} of ${of} posts were not published`,
		{
			description: [...sentences, ...remedies.slice(0, MOST_NAMED).map(stop), advice].join(' '),
			itemIndex: first.item,
		},
	);
	// For error workflows and whoever looks at the execution.
	error.context.posts = failed.map(({ json }) => json);
	return error;
}

function stop(text: string): string {
	const sentence = text.charAt(0).toUpperCase() + text.slice(1);
	return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
