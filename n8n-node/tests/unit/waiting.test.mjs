// Waiting for results on held event streams.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, asked, failure, opened, streams } from '../support/stub-native.mjs';
import { run } from '../support/fake-n8n.mjs';

const post = (id, status) => ({ id, status, attempts: [] });

/** A core whose posts have these statuses, by id, and are made in that order. */
function posts(statuses) {
	const ids = Object.keys(statuses).map(Number);
	answer({
		'PostService/PublishPosts': () => ({
			posts: [post(ids.shift(), 'publishing')],
			existed: [false],
		}),
		'PostService/GetPost': ({ id }) => post(id, statuses[id]),
	});
}

const publish = (more = {}) => ({
	resource: 'post',
	operation: 'publish',
	platform: 'instagram',
	account: { __rl: true, mode: 'id', value: '7' },
	videoUrl: 'https://example.com/a.mp4',
	waitForResult: true,
	waitLimitSeconds: 30,
	...more,
});

const event = (id, status) => ({ kind: 'event', position: 1, event: { post: post(id, status) } });
const seen = (outputs) =>
	outputs.map((items) => items.map(({ json }) => [json.id, json.status, json.wait]));

test('all posts of a run are waited for on one stream, and go to their outputs', async () => {
	posts({ 1: 'publishing', 2: 'publishing', 3: 'published' });
	const running = run([publish(), publish(), publish()]);
	const stream = await opened(1);
	assert.deepEqual(stream.request, { post_ids: [1, 2, 3] });
	assert.equal(stream.limitMs, 30_000);
	await stream.tell({ kind: 'open', position: 0 });
	await stream.tell(event(2, 'failed'));
	await stream.tell(event(1, 'confirming'));
	assert.equal(stream.stopped, false);
	await stream.tell(event(1, 'published'));
	const outputs = await running;
	assert.deepEqual(seen(outputs), [
		[
			[1, 'published', 'finished'],
			[3, 'published', 'finished'],
		],
		[[2, 'failed', 'finished']],
	]);
	assert.deepEqual(
		outputs.map((items) => items.map(({ pairedItem }) => pairedItem.item)),
		[[0, 2], [1]],
	);
	assert.equal(stream.stopped, true);
	assert.equal(streams.length, 1);
});

test('what happened before the stream was open is not missed', async () => {
	posts({ 1: 'published' });
	const running = run(publish());
	await (await opened(1)).tell({ kind: 'open', position: 0 });
	assert.deepEqual(seen(await running)[0], [[1, 'published', 'finished']]);
});

test('after the limit, what is known counts', async () => {
	posts({ 1: 'confirming' });
	const running = run(publish());
	const stream = await opened(1);
	await stream.tell({ kind: 'open', position: 0 });
	await stream.tell({ kind: 'limit' });
	assert.deepEqual(seen(await running), [[[1, 'confirming', 'limit_reached']], []]);
});

test('a stream that comes back reads the posts again', async () => {
	const statuses = { 1: 'publishing' };
	posts(statuses);
	const running = run(publish());
	const stream = await opened(1);
	await stream.tell({ kind: 'open', position: 0 });
	await stream.tell({ kind: 'lost', failure: failure('UNAVAILABLE').failure, retryInMs: 1 });
	statuses[1] = 'published';
	await stream.tell({ kind: 'open', position: 0 });
	assert.deepEqual(seen(await running)[0], [[1, 'published', 'finished']]);
});

test('a read that fails because the core goes away does not end the waiting', async () => {
	let away = true;
	answer({
		'PostService/PublishPosts': { posts: [post(1, 'publishing')], existed: [false] },
		'PostService/GetPost': () => (away ? failure('UNAVAILABLE') : post(1, 'published')),
	});
	const running = run(publish());
	const stream = await opened(1);
	await stream.tell({ kind: 'open', position: 0 });
	away = false;
	await stream.tell({ kind: 'open', position: 0 });
	assert.deepEqual(seen(await running)[0], [[1, 'published', 'finished']]);
});

test('a refusal ends the node, or the items, where the workflow is to go on', async () => {
	for (const continueOnFail of [false, true]) {
		posts({ 1: 'publishing' });
		const running = run(publish(), { continueOnFail });
		const outcome = running.catch((error) => error);
		await (
			await opened(1)
		).tell({ kind: 'failed', failure: failure('PERMISSION_DENIED', { message: 'no' }).failure });
		const found = await outcome;
		if (continueOnFail) assert.equal(found[1][0].json.details.code, 'PERMISSION_DENIED');
		else assert.equal(found.httpCode, '403');
	}
});

test('a stopped execution stops the stream', async () => {
	posts({ 1: 'publishing' });
	const stop = new AbortController();
	const running = run(publish(), { signal: stop.signal });
	const stream = await opened(1);
	stop.abort();
	await running;
	assert.equal(stream.stopped, true);
});

test('a stream takes a hundred posts; more posts take more streams', async () => {
	const ids = Array.from({ length: 150 }, (_, index) => index + 1);
	answer({
		'PostService/PublishPosts': {
			posts: ids.map((id) => post(id, 'publishing')),
			existed: ids.map(() => false),
		},
		'PostService/GetPost': ({ id }) => post(id, 'published'),
	});
	const running = run(publish({ platform: 'several', accountIds: ids, privacyLevel: 'PUBLIC' }));
	await opened(2);
	assert.deepEqual(
		streams.map(({ request }) => request.post_ids.length),
		[100, 50],
	);
	for (const stream of streams) await stream.tell({ kind: 'open', position: 0 });
	assert.equal((await running)[0].length, 150);
});

test('a post that is settled already is not waited for', async () => {
	answer({ 'PostService/RetryPost': post(1, 'needs_review') });
	const parameters = {
		resource: 'post',
		operation: 'retry',
		postId: { __rl: true, mode: 'id', value: '1' },
		waitForResult: true,
	};
	assert.deepEqual(seen(await run(parameters)), [[], [[1, 'needs_review', 'finished']]]);
	assert.equal(streams.length, 0);
});

test('get reads what was tried once the wait is over', async () => {
	let status = 'publishing';
	answer({ 'PostService/GetPost': ({ id }) => ({ id, status, attempts: [{ number: 1 }] }) });
	const running = run({
		resource: 'post',
		operation: 'get',
		postId: { __rl: true, mode: 'id', value: '1' },
		waitForResult: true,
	});
	const stream = await opened(1);
	status = 'published';
	await stream.tell({ kind: 'open', position: 0 });
	const [[{ json }]] = await running;
	assert.deepEqual(
		[json.status, json.attempts, json.wait],
		['published', [{ number: 1 }], 'finished'],
	);
	assert.equal(asked.filter(({ method }) => method === 'PostService/GetPost').length, 3);
});
