/** Why a post that was to go out did not, or is not known to have: in one shape, that of a failed post's error. */

import type { IDataObject } from 'n8n-workflow';

import { accountName, platformName } from '../shared/accounts';
import type { Post, PostError } from '../shared/api';

/** Why a post, or the item that asked for it, did not go well. */
export interface Trouble {
	/** The sentence for the error of the node. */
	sentence: string;
	/** The same shape for everything: that of a failed post. */
	error: PostError;
}

/** What a post is waiting for, for people. */
const WAITS: Record<string, string> = {
	schedule: 'its scheduled time',
	processing: 'the platform to process the video',
	quota: "the platform's quota",
	daily_limit: "the core's daily limit",
	rate_limit: "the platform's rate limit",
	retry: 'its next automatic retry',
	reconnect: "the account's owner, who must connect it again",
	confirming: 'the next check on the platform',
	workflow: 'the scheduler workflow',
	copy: 'the copy of its video',
	restore_check: 'a check on the platform after a restore',
};

/** Why a post did not go out, or is not known to. Without a wait, one that is under way is as it should be. */
export function troubleOf(post: Post, more: IDataObject = {}): Trouble | undefined {
	const name = `Post ${post.id} on ${platformName(post.platform)}${post.account ? ` ${accountName(post.account)}` : ''}`;
	const own = (
		code: string,
		message: string,
		remediation: string,
		retryable: boolean,
	): Trouble => ({
		sentence: `${name} ${message}`,
		error: { code, rule: '', message: `${name} ${message}`, remediation, retryable },
	});
	if (post.status === 'failed') {
		const why = post.error?.message ?? post.error_message ?? '';
		const said = own('FAILED', why ? `failed: ${why}` : 'failed', '', false);
		return { ...said, error: post.error ?? said.error };
	}
	if (post.status === 'needs_review') {
		const said = own(
			'NEEDS_REVIEW',
			'needs review: it may be live',
			'Check the account, then record what you found with Post: Resolve.',
			false,
		);
		return { ...said, error: post.error ?? said.error };
	}
	if (more.wait === 'finished' && post.status === 'cancelled') {
		return own('CANCELLED', 'was cancelled during the wait', 'Nothing was published.', false);
	}
	if (more.wait === 'limit_reached') {
		const what = post.waiting_for
			? ` and is waiting for ${WAITS[post.waiting_for] ?? post.waiting_for}`
			: '';
		const until = post.waiting_for && post.waiting_until ? ` until ${post.waiting_until}` : '';
		return own(
			'WAIT_LIMIT_REACHED',
			`is still ${post.status ?? 'unknown'}${what}${until}`,
			'AuraReels continues with it. To wait longer, run the node again or increase "Wait Limit": it stays one post.',
			true,
		);
	}
	return undefined;
}
