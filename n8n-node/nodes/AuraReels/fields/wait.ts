/** Waiting for a post's outcome, on a held event stream instead of by asking again and again. */

import type { INodeProperties } from 'n8n-workflow';

import type { Post } from '../../shared/api';
import type { Result, Wait, Work } from '../operation';
import { flag, whole } from '../../shared/values';
import { judgedPost } from '../results';
import { fromVersion2, inVersion1 } from './versions';

/** How long a node waits where nothing else is said. */
const LIMIT_SECONDS = 600;

const waitForResult: INodeProperties = {
	displayName: 'Wait for Result',
	name: 'waitForResult',
	type: 'boolean',
	default: false,
	description:
		'Whether to wait until the post is published, delivered, failed, cancelled, or needs review. The core notifies the node, so there is no polling.',
};

const waitLimit: INodeProperties = {
	displayName: 'Wait Limit (Seconds)',
	name: 'waitLimitSeconds',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 86400 },
	default: LIMIT_SECONDS,
	displayOptions: { show: { waitForResult: [true] } },
	description:
		'How long to wait. A post that is not published by then counts as failed, with "wait": "limit_reached"; the core continues with it.',
};

/** For operations that look at a post. */
export const waitFields: INodeProperties[] = [waitForResult, waitLimit];

/** For those that have it go out. From version 2 on they wait unless told otherwise: else a post that fails leaves no trace. */
export const waitFieldsOfPublishing: INodeProperties[] = [
	inVersion1(waitForResult),
	fromVersion2({ ...waitForResult, default: true }),
	waitLimit,
];

/** How long to wait, in milliseconds; `undefined` for not at all. Read before anything is sent. */
export function readWait({ node, item }: Work): number | undefined {
	const waits = flag(node.getNodeParameter('waitForResult', item, false), 'Wait for Result');
	if (waits !== true) return undefined;
	const limit = node.getNodeParameter('waitLimitSeconds', item, LIMIT_SECONDS);
	return 1000 * (whole(limit, 'Wait Limit', 'Enter seconds, such as 600.') || LIMIT_SECONDS);
}

/** A post's item, now or once its outcome is known. */
export function postOrWait(
	limitMs: number | undefined,
	post: Post,
	settle: (post: Post) => Promise<Result> | Result = (settled) => judgedPost(settled),
): Promise<Result> | Result {
	if (limitMs === undefined) return settle(post);
	const wait: Wait = {
		post,
		limitMs,
		settle: async (settled, outcome) => {
			const { json, more, ...result } = await settle(settled);
			const told = { wait: outcome };
			// Whoever waits for a post wants it to go out.
			return { ...result, json: { ...json, ...told }, more: { ...more, ...told }, isJudged: true };
		},
	};
	return { ...judgedPost(post), wait };
}
