/** Items for the two outputs: what went well, and what a person has to look at. */

import type { IDataObject } from 'n8n-workflow';

import type { Account, Post } from '../shared/api';
import type { Result } from './operation';

/** An item for the first output. */
export function success(answer: object, more: IDataObject = {}): Result {
	return { json: { ...(answer as IDataObject), ...more }, needsAttention: false };
}

/** A post: one that failed or needs review goes to the second output. */
export function postResult(post: Post, more: IDataObject = {}): Result {
	const needsAttention = post.status === 'failed' || post.status === 'needs_review';
	return { json: { ...(post as unknown as IDataObject), ...more }, needsAttention };
}

/** What is said of an account: one whose owner has to connect it again goes to the second output. */
export function accountResult(account: Account | null, answer: object): Result {
	return {
		json: { ...(answer as IDataObject) },
		needsAttention: account?.health === 'needs_reconnect',
	};
}
