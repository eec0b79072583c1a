/** Waiting for a post's outcome, on a held event stream instead of by asking again and again. */

import type { INodeProperties } from 'n8n-workflow';

import type { Post } from '../../shared/api';
import type { Result, Wait, Work } from '../operation';
import { judgedPost } from '../results';

export const waitFields: INodeProperties[] = [
	{
		displayName: 'Wait for Result',
		name: 'waitForResult',
		type: 'boolean',
		default: false,
		description:
			'Whether to wait until the post is published, delivered, failed, cancelled or needs review. The core tells the node when it is; nothing is polled.',
	},
	{
		displayName: 'Wait at Most (Seconds)',
		name: 'waitLimitSeconds',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 86400 },
		default: 600,
		displayOptions: { show: { waitForResult: [true] } },
		description:
			'After this time the post counts as one that did not go out in time, and "wait" says "limit_reached". The core goes on with it all the same.',
	},
];

/** A post's item, now or once its outcome is known. */
export function postOrWait(
	work: Work,
	post: Post,
	settle: (post: Post) => Promise<Result> | Result = (settled) => judgedPost(settled),
): Promise<Result> | Result {
	if (work.node.getNodeParameter('waitForResult', work.item, false) !== true) return settle(post);
	const seconds = Number(work.node.getNodeParameter('waitLimitSeconds', work.item, 600));
	const wait: Wait = {
		post,
		limitMs: seconds * 1000,
		settle: async (settled, outcome) => {
			const { json, more, ...result } = await settle(settled);
			const told = { wait: outcome };
			// Whoever waits for a post wants it to go out.
			return { ...result, json: { ...json, ...told }, more: { ...more, ...told }, isJudged: true };
		},
	};
	return { ...judgedPost(post), wait };
}
