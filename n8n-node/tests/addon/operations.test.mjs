// Every operation of the node against a real core and the simulator, through the real native module.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { byId, connect, mediaUrl, one, publication, runNode, visible } from '../support/core.mjs';

/** Far enough away that nothing becomes due. */
const YEAR = new Date().getUTCFullYear() + 1;

let tiktok;
let instagram;

before(async () => {
	tiktok = await connect('tiktok');
	instagram = await connect('instagram');
});

const accountParameter = (account) => ({ __rl: true, mode: 'list', value: String(account.id) });

test('publish waits for the result and tells the link', async () => {
	const post = await one(
		publication(tiktok, 'publish-waits', { waitForResult: true, waitLimitSeconds: 120 }),
	);
	assert.equal(post.status, 'published');
	assert.equal(post.wait, 'finished');
	assert.equal(post.existed, false);
	assert.match(post.platform_post_url, /^https?:/);
	assert.equal((await visible('publish-waits')).length, 1);
});

test('publishing again is the same post', async () => {
	const first = await one(publication(tiktok, 'twice', { waitForResult: true }));
	const second = await one(publication(tiktok, 'twice', { waitForResult: true }));
	assert.equal(second.id, first.id);
	assert.equal(second.existed, true);
	assert.equal((await visible('twice')).length, 1);
});

test('several accounts are one post each, from one item', async () => {
	const [success] = await runNode({
		...publication(tiktok, 'several'),
		platform: 'several',
		accountIds: [tiktok.id, instagram.id],
		privacyLevel: 'PUBLIC',
		waitForResult: true,
		waitLimitSeconds: 180,
	});
	assert.deepEqual(
		success.map(({ json }) => json.status),
		['published', 'published'],
	);
	assert.deepEqual(
		success.map(({ json }) => json.platform),
		['tiktok', 'instagram'],
	);
	assert.deepEqual(
		success.map(({ pairedItem }) => pairedItem),
		[{ item: 0 }, { item: 0 }],
	);
	assert.equal((await visible('several')).length, 2);
});

test('a post is scheduled, updated, rescheduled, read and cancelled', async () => {
	const scheduled = await one({
		...publication(tiktok, 'life'),
		operation: 'schedule',
		scheduledAt: `${YEAR}-07-01T18:00:00`,
		options: { timeZone: 'Europe/Berlin' },
	});
	assert.equal(scheduled.status, 'scheduled');
	assert.equal(scheduled.scheduled_at, `${YEAR}-07-01T16:00:00Z`);

	const updated = await one(
		byId('update', scheduled, { updateFields: { caption: 'Another text', hashtags: 'a, #b' } }),
	);
	assert.equal(updated.caption, 'Another text');
	assert.deepEqual(
		updated.hashtags.map((tag) => tag.replace('#', '')),
		['a', 'b'],
	);

	const moved = await one(
		byId('reschedule', scheduled, { scheduledAt: `${YEAR}-12-01T18:00:00+02:00` }),
	);
	assert.equal(moved.scheduled_at, `${YEAR}-12-01T16:00:00Z`);

	const read = await one(byId('get', scheduled));
	assert.equal(read.revision, moved.revision);

	const superseded = await one(
		byId('publishScheduled', scheduled, { expectedScheduledAt: `${YEAR}-07-01T16:00:00Z` }),
	);
	assert.equal(superseded.result, 'superseded');
	assert.equal(superseded.status, 'scheduled');

	const cancelled = await one(byId('cancel', scheduled));
	assert.equal(cancelled.status, 'cancelled');
});

test('a scheduled post is published now', async () => {
	const scheduled = await one({
		...publication(tiktok, 'now'),
		operation: 'schedule',
		scheduledAt: `${YEAR}-07-01T18:00:00Z`,
	});
	const parameters = byId('publishScheduled', scheduled, {
		expectedScheduledAt: scheduled.scheduled_at,
		waitForResult: true,
	});
	const published = await one(parameters);
	assert.equal(published.result, 'started');
	assert.equal(published.status, 'published');
	assert.equal((await one(parameters)).result, 'already_under_way');
	assert.equal((await visible('Made by the n8n node: now')).length, 1);
});

test('validate names every broken rule and goes to the second output', async () => {
	const [success, attention] = await runNode({
		...publication(tiktok, 'valid'),
		operation: 'validate',
		caption: 'x'.repeat(3000),
		privacyLevel: '',
	});
	assert.deepEqual(success, []);
	const [{ json }] = attention;
	assert.equal(json.valid, false);
	assert.ok(
		json.violations.some(({ rule }) => rule === 'CAPTION_TOO_LONG'),
		JSON.stringify(json),
	);
	const valid = await one({ ...publication(tiktok, 'valid'), operation: 'validate' });
	assert.equal(valid.valid, true);
});

test('posts are listed by filter, across pages', async () => {
	const [all] = await runNode({
		resource: 'post',
		operation: 'getAll',
		returnAll: true,
		filters: { statuses: ['published'], platform: 'tiktok' },
	});
	assert.ok(all.length >= 3);
	assert.ok(all.every(({ json }) => json.status === 'published' && json.platform === 'tiktok'));
	const [two] = await runNode({
		resource: 'post',
		operation: 'getAll',
		returnAll: false,
		limit: 2,
	});
	assert.equal(two.length, 2);
});

test('accounts are read, checked and refreshed', async () => {
	const account = accountParameter(tiktok);
	assert.equal((await one({ resource: 'account', operation: 'get', account })).id, tiktok.id);
	assert.equal((await one({ resource: 'account', operation: 'check', account })).health, 'ok');
	const kept = await one({
		resource: 'account',
		operation: 'refreshToken',
		account,
		onlyIfNeeded: true,
	});
	assert.equal(kept.result, 'still_valid');
	const fresh = await one({
		resource: 'account',
		operation: 'refreshToken',
		account,
		onlyIfNeeded: false,
	});
	assert.equal(fresh.result, 'refreshed');
	const options = await one({ resource: 'account', operation: 'getPublishOptions', account });
	assert.ok(options.privacy_level_options.includes('PUBLIC_TO_EVERYONE'));
	const quota = await one({
		resource: 'quota',
		operation: 'get',
		account: accountParameter(instagram),
	});
	assert.equal(quota.account_id, instagram.id);
	assert.equal(quota.remaining, quota.total - quota.used);
	const rules = await one({
		resource: 'platform',
		operation: 'getVideoRequirements',
		platform: 'instagram',
	});
	assert.ok(rules.max_size_bytes > 0);
});

test('items fail one by one when the workflow is to go on', async () => {
	const good = publication(tiktok, 'goes-on');
	const bad = publication({ ...tiktok, id: 987654321 }, 'goes-on');
	const [success, attention] = await runNode([bad, good], { continueOnFail: true });
	assert.equal(success.length, 1);
	assert.deepEqual(success[0].pairedItem, { item: 1 });
	const [{ json, pairedItem }] = attention;
	assert.deepEqual(pairedItem, { item: 0 });
	assert.equal(json.details.code, 'NOT_FOUND');
	await assert.rejects(
		runNode(bad),
		(error) => error.name === 'NodeApiError' && error.context.itemIndex === 0,
	);
});

/** A publication of version 2 of the node: accounts by handle. */
const byHandle = (account, name, more = {}) => ({
	...publication(account, name),
	platform: undefined,
	account: undefined,
	accounts: `${account.platform}:@${account.account_username}`,
	...more,
});
const v2 = { version: 2 };

test('version 2: accounts by handle, and each item accounted for by the one output', async () => {
	const items = [
		byHandle(tiktok, 'v2-refused', { caption: 'x'.repeat(2300) }),
		byHandle(tiktok, 'v2-one', { hashtags: '#reels #aura' }),
		byHandle(instagram, 'v2-two'),
	].map((one) => ({
		...one,
		whenPostFails: 'sameOutput',
		waitForResult: true,
		waitLimitSeconds: 180,
	}));
	const outputs = await runNode(items, v2);
	assert.equal(outputs.length, 1);
	assert.deepEqual(
		outputs[0].map(({ json }) => [json.status, json.platform, json.account]),
		[
			['refused', null, null],
			['published', 'tiktok', `@${tiktok.account_username}`],
			['published', 'instagram', `@${instagram.account_username}`],
		],
	);
	const [{ json: refused }, { json: published }] = outputs[0];
	assert.equal(refused.error.code, 'CAPTION_TOO_LONG');
	assert.ok(refused.error.remediation, JSON.stringify(refused));
	assert.match(published.url, /^https?:/);
	assert.equal(published.error, null);
	const [shown] = await visible('v2-one');
	assert.match(shown.caption, /#reels #aura/);
});

test('version 2: who wires nothing gets an error of a refused item', async () => {
	const parameters = byHandle(tiktok, 'v2-stops', { caption: 'x'.repeat(2300) });
	await assert.rejects(runNode(parameters, v2), { name: 'NodeApiError' });
});

test('a draft is kept, found again by a node that is tried again, and deleted', async () => {
	const parameters = {
		...publication(tiktok, 'draft', { caption: 'x'.repeat(2300) }),
		operation: 'createDraft',
	};
	const draft = await one(parameters);
	assert.equal(draft.status, 'draft');
	assert.ok(draft.warnings.length > 0, 'what it breaks is a warning');
	assert.equal((await one(parameters)).id, draft.id);
	assert.deepEqual(await one(byId('deleteDraft', draft)), { id: draft.id, deleted: true });
});

test('a video is uploaded, found, checked and deleted', async () => {
	const bytes = Buffer.from(await (await fetch(`${mediaUrl}/v/uploaded.mp4`)).arrayBuffer());
	const binary = { data: { mimeType: 'video/mp4', data: bytes.toString('base64') } };
	const [[{ json: media }]] = await runNode({ resource: 'media', operation: 'upload' }, { binary });
	assert.equal(media.size_bytes, bytes.length);
	const mediaId = media.media_id;
	assert.equal((await one({ resource: 'media', operation: 'get', mediaId })).sha256, media.sha256);
	const [listed] = await runNode({ resource: 'media', operation: 'getAll', returnAll: true });
	assert.ok(listed.some(({ json }) => json.media_id === mediaId));
	const checked = await one({ resource: 'media', operation: 'probe', video: mediaId });
	assert.equal(checked.facts.size_bytes, bytes.length);
	const byUrl = { resource: 'media', operation: 'probe', video: `${mediaUrl}/v/looked-at.mp4` };
	assert.ok((await one(byUrl)).facts.format);
	assert.equal((await one({ resource: 'media', operation: 'delete', mediaId })).deleted, true);
	await assert.rejects(runNode({ resource: 'media', operation: 'get', mediaId }), {
		httpCode: '404',
	});
});

test('times as spreadsheets have them are understood by the core, too', async () => {
	for (const [scheduledAt, expected] of [
		[`25.12.${YEAR} 18:00`, `${YEAR}-12-25T17:00:00Z`],
		[`Dec 25, ${YEAR} 6:00 PM`, `${YEAR}-12-25T17:00:00Z`],
		[(Date.UTC(YEAR, 11, 25, 18) / 86_400_000 + 25_569).toString(), `${YEAR}-12-25T17:00:00Z`],
		[Date.UTC(YEAR, 11, 25, 18) / 1000, `${YEAR}-12-25T18:00:00Z`],
	]) {
		const parameters = { ...publication(tiktok, 'times'), operation: 'schedule', scheduledAt };
		const scheduled = await one({ ...parameters, options: { timeZone: 'Europe/Berlin' } });
		assert.equal(scheduled.scheduled_at, expected, String(scheduledAt));
	}
});

test('disconnecting ends the account', async () => {
	const answer = await one({
		resource: 'account',
		operation: 'disconnect',
		account: accountParameter(instagram),
	});
	assert.equal(answer.account.is_active, false);
});
