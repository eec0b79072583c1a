/**
 * Waits for posts on one held event stream.
 *
 * The stream is opened first and the posts are read once it is open, so nothing can happen unseen in between; from then
 * on the core tells. A lost stream is opened again by the native module from where it was. When the limit passes, the
 * last known state counts: what is known is never made up. When n8n stops, the wait ends with an error, so that n8n need
 * not wait for it.
 */

import type { Post } from '../shared/api';
import type { Core } from '../shared/transport';
import { call, CoreError, watch } from '../shared/transport';
import type { WaitOutcome } from './operation';

/** WatchPosts takes so many posts at a time. */
const MOST_POSTS = 100;

/** A post as it was found, and how waiting for it ended. */
export interface Settled {
	post: Post;
	outcome: WaitOutcome;
}

/** Whether nothing more is to be waited for. */
export function isFinal(post: Post): boolean {
	switch (post.status) {
		case 'published':
		case 'failed':
		case 'cancelled':
		case 'needs_review':
		case 'delivered':
			return true;
		default:
			return false;
	}
}

/** Waits for all of these posts, up to the limit. The answers come by post id. */
export async function waitForPosts(
	core: Core,
	posts: Post[],
	limitMs: number,
): Promise<Map<number, Settled>> {
	const settled = new Map<number, Settled>();
	const open: Post[] = [];
	for (const post of posts) {
		if (isFinal(post)) settled.set(post.id, { post, outcome: 'finished' });
		else open.push(post);
	}
	const groups: Post[][] = [];
	for (let at = 0; at < open.length; at += MOST_POSTS) groups.push(open.slice(at, at + MOST_POSTS));
	for (const group of await Promise.all(
		groups.map(async (group) => await waitForGroup(core, group, limitMs)),
	)) {
		for (const [id, found] of group) settled.set(id, found);
	}
	return settled;
}

async function waitForGroup(
	core: Core,
	posts: Post[],
	limitMs: number,
): Promise<Map<number, Settled>> {
	const known = new Map<number, Settled>(
		posts.map((post) => [post.id, { post, outcome: 'limit_reached' }]),
	);
	const waiting = new Set(known.keys());
	const seen = (post: Post) => {
		if (!waiting.has(post.id)) return;
		const finished = isFinal(post);
		known.set(post.id, { post, outcome: finished ? 'finished' : 'limit_reached' });
		if (finished) waiting.delete(post.id);
	};
	const read = async (id: number) => {
		// Without its attempts, as everywhere but in Get: they are long, and only wanted where they are asked for.
		seen({ ...(await call(core, 'PostService/GetPost', { id })), attempts: [] });
	};
	let finish = () => {};
	let fail: (error: Error) => void = () => {};
	const outcome = new Promise<void>((resolve, reject) => {
		finish = resolve;
		fail = reject;
	});
	const stream = watch(core, { post_ids: [...waiting] }, limitMs, async (notice) => {
		try {
			if (notice.kind === 'open') await Promise.all([...waiting].map(read));
			if (notice.kind === 'event' && notice.event.post) seen(notice.event.post);
			if (notice.kind === 'failed') fail(notice.error);
			if (notice.kind === 'limit' || notice.kind === 'stopped' || waiting.size === 0) finish();
		} catch (error) {
			// The core went away between the two: the stream is lost too, and all is read again when it is back.
			const passing = error instanceof CoreError && error.failure.code === 'UNAVAILABLE';
			if (!passing) fail(error as Error);
		}
	});
	// Where it cannot be stopped, it ends by its limit.
	const stop = () => void stream.stop().catch(() => undefined);
	core.signal?.addEventListener('abort', stop, { once: true });
	try {
		await outcome;
	} finally {
		core.signal?.removeEventListener('abort', stop);
		await stream.stop();
	}
	return known;
}
