// What becomes of posts that do not go out, from version 2 of the node on: by which output, in which shape, or as an error.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, failure, opened } from '../support/stub-native.mjs';
import { outputs, run } from '../support/fake-n8n.mjs';

const ACCOUNT = { id: 7, platform: 'tiktok', account_username: 'ada', account_name: 'Ada' };
const ERROR = {
	code: 'RULE_VIOLATION',
	rule: 'VIDEO_TOO_LONG',
	message: 'the video is too long',
	remediation: 'make it shorter',
	retryable: false,
};
const post = (id, status, more = {}) => ({
	id,
	status,
	platform: 'tiktok',
	account: ACCOUNT,
	platform_post_url: status === 'published' ? `https://tiktok.example/${id}` : '',
	scheduled_at: null,
	error: status === 'failed' ? ERROR : null,
	waiting_for: '',
	waiting_until: null,
	warnings: [],
	attempts: [],
	caption: 'Long',
	...more,
});
const publish = (more = {}) => ({
	resource: 'post',
	operation: 'publish',
	accounts: ['tiktok:7 @ada'],
	videoUrl: 'https://example.com/a.mp4',
	...more,
});

/** What the core makes of each request in turn: a post, or a refusal. */
function core(...said) {
	answer({
		'PostService/PublishPosts': () => {
			const next = said.shift();
			return next.failure ? next : { posts: [next], existed: [false] };
		},
		'PostService/GetPost': ({ id }) => post(id, 'publishing'),
	});
}

const refusal = failure('INVALID_ARGUMENT', {
	reason: 'RULE_VIOLATION',
	message: 'the caption is too long',
	metadata: { remedy: 'shorten it' },
});
const three = (more) => [publish(more), publish(more), publish(more)];
const v2 = (parameters, options) => run(parameters, { version: 2, ...options });
const brief = (items) =>
	items.map(({ json, pairedItem }) => [pairedItem.item, json.id, json.status, json.error?.code]);

test('the outputs are what was chosen; version 1 keeps its two', () => {
	const names = (...given) => outputs(...given).map(({ displayName }) => displayName);
	assert.deepEqual(names(publish()), ['Success', 'Needs Attention']);
	assert.deepEqual(names(publish({ whenPostFails: 'stop' })), ['Success', 'Needs Attention']);
	const of = (more) => names(publish(more), { version: 2 });
	assert.deepEqual(of({}), [undefined]);
	assert.deepEqual(of({ whenPostFails: 'sameOutput' }), [undefined]);
	assert.deepEqual(of({ whenPostFails: 'secondOutput' }), ['Success', 'Failed']);
	const list = { resource: 'post', operation: 'getAll', whenPostFails: 'secondOutput' };
	assert.deepEqual(names(list, { version: 2 }), [undefined], 'a list has nothing that could fail');
});

test('who wires nothing gets an error: of a refused item as of a failed post', async () => {
	core(post(1, 'publishing'), refusal);
	await assert.rejects(v2(three()), (error) => {
		assert.equal(error.name, 'NodeApiError');
		assert.equal(error.message, 'The caption is too long');
		assert.equal(error.context.itemIndex, 1);
		return true;
	});

	core(post(1, 'published'), post(2, 'failed'), post(3, 'needs_review'));
	await assert.rejects(v2(three()), (error) => {
		assert.equal(error.message, '2 of 3 posts were not published');
		assert.match(error.description, /Post 2 on TikTok @ada failed: the video is too long\./);
		assert.match(error.description, /Post 3 on TikTok @ada needs review: it may be live\./);
		assert.match(error.description, /Make it shorter\./);
		assert.match(error.description, /does not post them twice/);
		assert.equal(error.context.itemIndex, 1);
		assert.deepEqual(
			error.context.posts.map(({ id }) => id),
			[2, 3],
		);
		return true;
	});

	core(post(2, 'failed'));
	await assert.rejects(v2(publish()), {
		message: 'Post 2 on TikTok @ada failed: the video is too long',
	});
});

test('by the same output each item is accounted for, in order', async () => {
	core(post(1, 'published'), refusal, post(3, 'failed'));
	const found = await v2(three({ whenPostFails: 'sameOutput' }));
	assert.equal(found.length, 1);
	assert.deepEqual(brief(found[0]), [
		[0, 1, 'published', undefined],
		[1, null, 'refused', 'RULE_VIOLATION'],
		[2, 3, 'failed', 'RULE_VIOLATION'],
	]);
	assert.deepEqual(Object.keys(found[0][1].json.error).sort(), Object.keys(ERROR).sort());
	assert.equal(found[0][1].json.error.message, 'The caption is too long');
	assert.equal(found[0][1].json.error.remediation, 'Shorten it.');
	assert.equal(found[0][0].json.error, null);
});

test('by the second output go the refused and the failed ones', async () => {
	core(post(1, 'published'), refusal, post(3, 'failed'));
	const [success, failed] = await v2(three({ whenPostFails: 'secondOutput' }));
	assert.deepEqual(brief(success), [[0, 1, 'published', undefined]]);
	assert.deepEqual(brief(failed), [
		[1, null, 'refused', 'RULE_VIOLATION'],
		[2, 3, 'failed', 'RULE_VIOLATION'],
	]);
});

for (const [reason, code, status, retryable] of [
	['CORE_UNREACHABLE', 'UNAVAILABLE', 'not_sent', true],
	['CREDENTIAL_INVALID', 'INVALID_ARGUMENT', 'not_sent', false],
	['NO_ANSWER', 'DEADLINE_EXCEEDED', 'unknown', true],
	['CONNECTION_LOST', 'UNAVAILABLE', 'unknown', true],
	['STORE_UNAVAILABLE', 'UNAVAILABLE', 'refused', true],
	['NOT_FOUND', 'NOT_FOUND', 'refused', false],
]) {
	test(`an item that ends with ${reason} says whether it was done: ${status}`, async () => {
		core(failure(code, { reason, message: 'detail' }));
		const [[{ json }]] = await v2(publish({ whenPostFails: 'sameOutput' }));
		assert.deepEqual(
			[json.status, json.error.code, json.error.retryable],
			[status, reason, retryable],
		);
	});
}

test('a mistake in a field is not sent', async () => {
	answer({});
	const [[{ json }]] = await v2(publish({ videoUrl: '', whenPostFails: 'sameOutput' }));
	assert.deepEqual([json.status, json.error.code], ['not_sent', 'PARAMETER_INVALID']);
});

test("On Error of n8n goes before: an item by the one output, or by n8n's own error output", async () => {
	core(post(1, 'published'), refusal, post(3, 'failed'));
	const [regular] = await v2(three(), { continueOnFail: true });
	assert.deepEqual(brief(regular), [
		[0, 1, 'published', undefined],
		[1, null, 'refused', 'RULE_VIOLATION'],
		[2, 3, 'failed', 'RULE_VIOLATION'],
	]);

	core(post(1, 'published'), refusal, post(3, 'failed'));
	const options = { continueOnFail: true, onError: 'continueErrorOutput' };
	const [[good, refused, failed]] = await v2(three(), options);
	assert.equal(good.json.status, 'published');
	// n8n takes an item for a failed one when it has these keys and no others, and an error.
	for (const { json } of [refused, failed]) {
		assert.deepEqual(Object.keys(json), ['error', 'message', 'details']);
	}
	assert.equal(failed.json.error.code, 'RULE_VIOLATION');
	assert.match(failed.json.message, /^Post 3 on TikTok @ada failed/);
	assert.equal(failed.json.details.id, 3);
	assert.equal(refused.json.details.status, 'refused');
});

/** Waits for one post that has come to this when the limit passes, or ends. */
async function waited(state, notice, more = {}) {
	answer({
		'PostService/PublishPosts': { posts: [post(1, 'publishing')], existed: [false] },
		'PostService/GetPost': () => state,
	});
	const running = v2(publish({ waitForResult: true, ...more }));
	const outcome = running.catch((error) => error);
	const stream = await opened(1);
	await stream.tell({ kind: 'open', position: 0 });
	if (notice) await stream.tell(notice);
	return await outcome;
}

test('a wait that reaches its limit does not look like success', async () => {
	const more = { waiting_for: 'quota', waiting_until: '2030-01-01T00:00:00Z' };
	const state = post(1, 'publishing', more);
	const second = { whenPostFails: 'secondOutput' };
	const [success, [{ json }]] = await waited(state, { kind: 'limit' }, second);
	assert.deepEqual(success, []);
	assert.deepEqual(
		[json.status, json.wait, json.waiting_for, json.waiting_until, json.error.code],
		['publishing', 'limit_reached', 'quota', more.waiting_until, 'WAIT_LIMIT_REACHED'],
	);
	assert.match(json.error.message, /is waiting for the platform's quota until 2030/);
	assert.equal(json.error.retryable, true);

	const error = await waited(state, { kind: 'limit' });
	assert.equal(error.name, 'NodeOperationError');
	assert.match(error.message, /^Post 1 on TikTok @ada is still publishing/);
	assert.match(error.description, /it stays one post/);
});

test('a post that was cancelled while it was waited for did not go out', async () => {
	const error = await waited(post(1, 'cancelled'));
	assert.match(error.message, /was cancelled/);
});

test('a post in the inbox, and one that is out, went well', async () => {
	for (const status of ['published', 'delivered']) {
		const [[{ json }]] = await waited(post(1, status));
		assert.deepEqual([json.status, json.error, json.wait], [status, null, 'finished']);
	}
});

test('without a wait, a post that waits for quota is marked', async () => {
	const more = { waiting_for: 'quota', waiting_until: '2030-01-01T00:00:00Z' };
	core(post(1, 'publishing', more));
	const [[{ json }]] = await v2(publish({ waitForResult: false }));
	assert.deepEqual(
		[json.status, json.error, json.waiting_for, json.waiting_until],
		['publishing', null, 'quota', more.waiting_until],
	);
});

test('when the wait itself breaks, the posts are still named', async () => {
	core(post(1, 'publishing'));
	const running = v2(publish({ waitForResult: true, whenPostFails: 'sameOutput' }));
	const lost = failure('UNAVAILABLE', { reason: 'PROCESS_ENDS', message: 'n8n ends' });
	await (await opened(1)).tell({ kind: 'failed', failure: lost.failure });
	const [[{ json }]] = await running;
	assert.deepEqual([json.id, json.status, json.error.code], [1, 'publishing', 'PROCESS_ENDS']);
});

test('simplify leaves what a workflow needs; without it everything is there', async () => {
	core(post(1, 'published'));
	const [[{ json }]] = await v2(publish());
	assert.deepEqual(json, {
		id: 1,
		platform: 'tiktok',
		account: '@ada',
		status: 'published',
		url: 'https://tiktok.example/1',
		scheduled_at: null,
		error: null,
		existed: false,
		wait: 'finished',
	});
	const warnings = [{ code: 'CAPTION_CUT', field: 'caption', message: 'cut' }];
	core(post(1, 'published', { warnings }));
	assert.deepEqual((await v2(publish()))[0][0].json.warnings, warnings);

	core(post(1, 'failed'));
	const raw = await v2(publish({ simplify: false, whenPostFails: 'sameOutput' }));
	const { caption, account, error, existed } = raw[0][0].json;
	assert.deepEqual([caption, account, error, existed], ['Long', ACCOUNT, ERROR, false]);
});

test('reading or settling a post that failed is no failure', async () => {
	const byId = { postId: { __rl: true, mode: 'id', value: '1' } };
	for (const [operation, rpc, more] of [
		['get', 'GetPost', {}],
		['cancel', 'CancelPost', {}],
		['resolve', 'ResolvePost', { resolution: 'not_published' }],
	]) {
		answer({ [`PostService/${rpc}`]: post(1, 'failed') });
		const found = await v2({ resource: 'post', operation, ...byId, ...more });
		assert.deepEqual(brief(found[0]), [[0, 1, 'failed', 'RULE_VIOLATION']], operation);
		assert.equal(found.length, 1);
	}
	answer({ 'PostService/ListPosts': { posts: [post(1, 'failed')], next_page_token: '' } });
	const [[{ json }]] = await v2({ resource: 'post', operation: 'getAll' });
	assert.deepEqual([json.status, json.account], ['failed', '@ada']);
	answer({ 'AccountService/GetAccount': { id: 7, health: 'needs_reconnect' } });
	const account = {
		resource: 'account',
		operation: 'get',
		account: { __rl: true, mode: 'id', value: '7' },
	};
	assert.equal((await v2(account))[0][0].json.health, 'needs_reconnect');
});

test('an agent hears of a failed post as an answer, before the others', async () => {
	core(post(1, 'published'), post(2, 'failed'), post(3, 'published'));
	const [items] = await v2(three(), { tool: true });
	assert.deepEqual(
		items.map(({ json }) => json.id),
		[2, 1, 3],
	);

	core(refusal);
	const [[{ json }]] = await v2(publish(), { tool: true });
	assert.deepEqual([json.status, json.error.remediation], ['refused', 'Shorten it.']);
});
