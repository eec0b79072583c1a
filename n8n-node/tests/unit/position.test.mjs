// How far a trigger has come: nothing is lost, and nothing that is known to be done comes again.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { Position } = require('../../dist/nodes/AuraReelsEventTrigger/position.js');
const { kindOf, typesOf } = require('../../dist/nodes/AuraReelsEventTrigger/kinds.js');

/** What n8n has stored: a copy, made when an execution is started. */
const copy = (stored) => structuredClone(stored);

test('an event counts once its execution has ended', () => {
	const stored = {};
	const position = new Position(stored, 'a');
	assert.equal(position.sequence, undefined);
	position.pass(10);
	position.start(12);
	assert.deepEqual(stored, { core: 'a', sequence: 11, seen: 12, started: [12] });
	position.end(12);
	assert.equal(position.sequence, 12);
	position.pass(40);
	assert.equal(position.sequence, 40);
});

test('after a kill, exactly what had not ended comes again', () => {
	const stored = {};
	const before = new Position(stored, 'a');
	for (const sequence of [1, 2, 3, 4]) before.start(sequence);
	before.end(1);
	before.end(3);
	before.start(5);

	const after = new Position(copy(stored), 'a');
	assert.equal(after.sequence, 1);
	const again = [2, 3, 4, 5, 6].filter((sequence) => !after.isDone(sequence));
	assert.deepEqual(again, [2, 4, 5, 6]);
	assert.deepEqual(
		again.filter((sequence) => after.start(sequence)),
		[2, 4, 5],
	);
});

test('what ended after the newest start was not stored, and comes again', () => {
	const stored = {};
	const before = new Position(stored, 'a');
	before.start(1);
	before.end(1);
	before.start(2);
	// n8n stores when it starts an execution, and is killed later.
	const killed = copy(stored);
	before.end(2);

	const after = new Position(killed, 'a');
	assert.deepEqual(
		[1, 2, 3].filter((sequence) => !after.isDone(sequence)),
		[2, 3],
	);
});

test('a second kill while events come again loses none of them', () => {
	const stored = {};
	const first = new Position(stored, 'a');
	for (const sequence of [1, 2, 3]) first.start(sequence);

	const killed = copy(stored);
	const second = new Position(killed, 'a');
	second.start(1);

	const again = copy(killed);
	const third = new Position(again, 'a');
	assert.deepEqual(
		[1, 2, 3].filter((sequence) => !third.isDone(sequence)),
		[1, 2, 3],
	);
	// Nor does a clean stop in between.
	third.start(1);
	third.close();
	const fourth = new Position(copy(again), 'a');
	assert.deepEqual(
		[1, 2, 3].filter((sequence) => !fourth.isDone(sequence)),
		[2, 3],
	);
});

test('a clean stop passes everything', () => {
	const stored = {};
	const position = new Position(stored, 'a');
	position.start(7);
	position.close();
	const after = new Position(copy(stored), 'a');
	assert.equal(after.sequence, 7);
	assert.equal(after.isDone(7), true);
	assert.equal(after.isDone(8), false);
});

test('another core has other numbers', () => {
	const stored = { core: 'a', sequence: 100, seen: 100, started: [90] };
	const position = new Position(stored, 'b');
	assert.equal(position.sequence, undefined);
	assert.equal(position.isDone(5), false);
});

test('events are told apart by type and status', () => {
	const all = {
		kinds: ['post_published', 'post_scheduled', 'account_needs_reconnect'],
		accountIds: [],
		platforms: [],
	};
	assert.deepEqual(typesOf(all).sort(), [
		'account_needs_reconnect',
		'post_created',
		'post_status_changed',
	]);
	const event = (type, status) => ({
		type,
		status,
		account_id: 1,
		post: { platform: 'tiktok' },
		account: null,
	});
	assert.equal(kindOf(event('post_status_changed', 'published'), all), 'post_published');
	assert.equal(kindOf(event('post_created', 'scheduled'), all), 'post_scheduled');
	assert.equal(kindOf(event('post_created', 'publishing'), all), undefined);
	assert.equal(kindOf(event('post_status_changed', 'failed'), all), undefined);
	assert.equal(kindOf(event('account_needs_reconnect', null), all), 'account_needs_reconnect');
	assert.equal(
		kindOf(event('post_status_changed', 'published'), { ...all, accountIds: [2] }),
		undefined,
	);
	assert.equal(
		kindOf(event('post_status_changed', 'published'), { ...all, platforms: ['instagram'] }),
		undefined,
	);
	const changed = { ...all, kinds: ['post_status_changed', 'post_published'] };
	assert.equal(kindOf(event('post_status_changed', 'published'), changed), 'post_published');
	assert.equal(kindOf(event('post_status_changed', 'publishing'), changed), 'post_status_changed');
});
