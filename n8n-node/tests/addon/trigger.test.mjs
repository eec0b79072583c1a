// The trigger against a real core: events start executions, those that happened in between come later, a clean stop
// repeats nothing, a kill repeats what had not ended.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { connect, credentials, one, publication } from '../support/core.mjs';
import { activate, execute } from '../support/fake-n8n.mjs';

const EVENTS = { events: ['post_published', 'post_failed', 'post_cancelled'] };
const YEAR = new Date().getUTCFullYear() + 1;

let tiktok;
let made = 0;

before(async () => {
	tiktok = await connect('tiktok');
});

async function listen(database, options = {}) {
	return await activate(EVENTS, database, { credentials, ...options });
}

/** Makes a post and cancels it: one event of a wanted kind, at once. */
async function cancelled() {
	const post = await one({
		...publication(tiktok, `trigger-${process.pid}-${made++}`),
		operation: 'schedule',
		scheduledAt: `${YEAR}-07-01T18:00:00Z`,
	});
	const postId = { __rl: true, mode: 'id', value: post.id };
	await one({ resource: 'post', operation: 'cancel', postId });
	return post.id;
}

test('an event starts an execution with all that is known', async () => {
	const database = {};
	const trigger = await listen(database);
	const post = await one(publication(tiktok, `trigger-published-${process.pid}`));
	// A post that an earlier test left behind may come to its end meanwhile.
	let item;
	for (let count = 1; !item; count++) {
		item = (await trigger.started(count)).find(({ post_id }) => post_id === post.id);
	}
	await trigger.close();
	assert.equal(item.event, 'post_published');
	assert.equal(item.event_id, `aurareels-${item.sequence}`);
	assert.equal(item.type, 'post_status_changed');
	assert.equal(item.status, 'published');
	assert.equal(item.post_id, post.id);
	assert.equal(item.post.id, post.id);
	assert.equal(item.account, null);
	assert.deepEqual(trigger.errors, []);
});

test('what happened while n8n was down comes later, once, after a clean stop', async () => {
	const database = {};
	let trigger = await listen(database);
	const first = await cancelled();
	await trigger.started(1);
	await trigger.close();

	const missed = [await cancelled(), await cancelled()];
	trigger = await listen(database);
	let items = await trigger.started(3);
	await trigger.close();
	assert.deepEqual(
		items.map(({ post_id }) => post_id),
		[first, ...missed],
	);

	// And nothing comes again, however often n8n is started.
	trigger = await listen(database);
	const last = await cancelled();
	items = await trigger.started(4);
	await trigger.close();
	assert.deepEqual(
		items.map(({ post_id }) => post_id),
		[first, ...missed, last],
	);
});

test('a kill repeats what had not ended, under the same event id, and nothing else', async () => {
	const database = {};
	let trigger = await listen(database, { keepRunning: true });
	await cancelled();
	await cancelled();
	await trigger.started(2);
	// The first one ends; n8n learns of it with the third, and is killed while the others run.
	database.executions[0].finish();
	await new Promise((resolve) => setTimeout(resolve, 50));
	await cancelled();
	await trigger.started(3);
	const killed = structuredClone({ staticData: database.staticData, keys: database.keys });
	const before = database.executions.map(({ data }) => data[0][0].json.event_id);
	await trigger.close();

	const restarted = { ...killed, executions: [] };
	trigger = await listen(restarted);
	const items = await trigger.started(2);
	await trigger.close();
	assert.deepEqual(
		items.map(({ event_id }) => event_id),
		before.slice(1),
	);
});

test('only the wanted kinds, accounts and platforms start the workflow', async () => {
	const database = {};
	const trigger = await activate(
		{ events: ['post_cancelled'], options: { accountIds: [tiktok.id], platforms: ['tiktok'] } },
		database,
		{ credentials },
	);
	const other = await activate(
		{ events: ['post_cancelled'], options: { platforms: ['instagram'] } },
		{},
		{ credentials },
	);
	const id = await cancelled();
	const items = await trigger.started(1);
	await Promise.all([trigger.close(), other.close()]);
	assert.deepEqual(
		items.map(({ event, post_id }) => [event, post_id]),
		[['post_cancelled', id]],
	);
	await assert.rejects(other.started(1, 100), /only 0 of 1/);
});

test(
	'closing ends by its own limit, also when n8n never answers',
	{ timeout: 60_000 },
	async () => {
		const database = {};
		const trigger = await listen(database, { neverAnswers: true });
		await cancelled();
		await trigger.started(1);
		await trigger.close();
		assert.equal(database.staticData.started.length, 0, 'and the position is stored');
	},
);

test('a core that cannot be reached, or a wrong key, fails the activation', async () => {
	await assert.rejects(
		activate(EVENTS, {}, { credentials: { ...credentials, address: 'http://127.0.0.1:1' } }),
		/cannot be reached/,
	);
	await assert.rejects(
		activate(EVENTS, {}, { credentials: { ...credentials, apiKey: 'ar_wrong' } }),
		/refused the API key/,
	);
});

test('in the editor, the newest event is shown at once, or the next one', async () => {
	await cancelled();
	const id = await cancelled();
	const [shown] = await execute(EVENTS, { credentials });
	assert.deepEqual([shown.event, shown.post_id], ['post_cancelled', id]);

	const next = execute(
		{ events: ['post_scheduled'], options: { accountIds: [tiktok.id] } },
		{ credentials },
	);
	const [scheduled] = await next;
	assert.equal(scheduled.event, 'post_scheduled');

	const waiting = execute(
		{ events: ['account_connected'], options: { platforms: ['instagram'] } },
		{ credentials },
	);
	await connect('instagram');
	const [connected] = await waiting;
	assert.deepEqual(
		[connected.event, connected.account.platform],
		['account_connected', 'instagram'],
	);
});

test('so many executions run at a time; further events wait, and none is lost', async () => {
	const database = {};
	const trigger = await listen(database, { keepRunning: true });
	const ids = [];
	for (let made = 0; made < 22; made++) ids.push(await cancelled());
	await trigger.started(20);
	await new Promise((resolve) => setTimeout(resolve, 300));
	assert.equal(database.executions.length, 20);
	for (const execution of database.executions.slice(0, 2)) execution.finish();
	const items = await trigger.started(22);
	await trigger.close();
	assert.deepEqual(
		items.map(({ post_id }) => post_id),
		ids,
	);
});
