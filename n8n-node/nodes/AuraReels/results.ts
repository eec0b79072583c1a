/** What operations hand back: an answer, a post, an account. */

import type { IDataObject } from 'n8n-workflow';

import type { Account, Post } from '../shared/api';
import type { Result } from './operation';

/** An answer that cannot need anybody's attention. */
export function success(answer: object, more: IDataObject = {}): Result {
	return { json: { ...(answer as IDataObject), ...more }, needsAttention: false };
}

/** A post that is read or changed: how it stands is what was asked for. */
export function postResult(post: Post, more: IDataObject = {}): Result {
	const needsAttention = post.status === 'failed' || post.status === 'needs_review';
	return { json: { ...(post as unknown as IDataObject), ...more }, needsAttention, post, more };
}

/** A post of a list, whatever became of it. */
export function readPost(post: Post): Result {
	return { ...success(post), post };
}

/** A post that was to go out: one that did not is a failure of the node (see `outputs.ts`). */
export function judgedPost(post: Post, more: IDataObject = {}): Result {
	return { ...postResult(post, more), isJudged: true };
}

/** What is said of an account: one whose owner has to connect it again needs attention. */
export function accountResult(account: Account | null, answer: object): Result {
	return {
		json: { ...(answer as IDataObject) },
		needsAttention: account?.health === 'needs_reconnect',
	};
}
