// The lists that the editor shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, asked, failure } from '../support/stub-native.mjs';
import { list } from '../support/fake-n8n.mjs';

const account = (id, more = {}) => ({
	id,
	platform: 'tiktok',
	account_username: `user${id}`,
	account_name: `User ${id}`,
	health: 'ok',
	is_active: true,
	...more,
});
const quota = { used: 22, total: 25, daily_limit: null, daily_remaining: null };
const PUBLISH = { resource: 'post', operation: 'publish', platform: 'tiktok' };

test('accounts show platform, handle, health and what is left', async () => {
	answer({
		'AccountService/ListAccounts': {
			accounts: [account(1), account(2, { health: 'needs_reconnect', account_username: '' })],
			next_page_token: '',
		},
		'AccountService/GetQuota': ({ id }) =>
			id === 1 ? quota : failure('UNAVAILABLE', { message: 'away' }),
	});
	const { results } = await list('listSearch', 'searchAccounts', PUBLISH, {});
	assert.deepEqual(results, [
		{ name: 'TikTok · @user1 · OK · 3 of 25 posts left', value: '1' },
		{ name: 'TikTok · User 2 · must be reconnected', value: '2' },
	]);
	assert.equal(asked[0].request.platform, 'tiktok');
	assert.equal(asked[0].request.active, true);
});

test('the narrower limit is shown', async () => {
	answer({
		'AccountService/ListAccounts': { accounts: [account(1)], next_page_token: '' },
		'AccountService/GetQuota': { ...quota, daily_limit: 5, daily_remaining: 1 },
	});
	const { results } = await list('listSearch', 'searchAccounts', PUBLISH, {});
	assert.match(results[0].name, /1 of 5 posts left/);
});

test('accounts are searched by name and shown in pages', async () => {
	answer({
		'AccountService/ListAccounts': {
			accounts: Array.from({ length: 45 }, (_, i) => account(i + 1)),
			next_page_token: '',
		},
		'AccountService/GetQuota': quota,
	});
	const first = await list('listSearch', 'searchAccounts', PUBLISH, {});
	assert.equal(first.results.length, 20);
	const last = await list('listSearch', 'searchAccounts', PUBLISH, { token: '40' });
	assert.deepEqual([last.results.length, last.paginationToken], [5, undefined]);
	const found = await list('listSearch', 'searchAccounts', PUBLISH, { filter: 'USER33' });
	assert.deepEqual(
		found.results.map(({ value }) => value),
		['33'],
	);
});

test('posts are searched by what their label says', async () => {
	const post = (id, caption) => ({
		id,
		caption,
		platform: 'instagram',
		status: 'needs_review',
		account: { id: 1, account_username: 'jim', account_name: '' },
		platform_post_url: '',
	});
	answer({
		'PostService/ListPosts': {
			posts: [post(1, 'A day at the sea'), post(2, 'Night')],
			next_page_token: 't',
		},
	});
	const { results, paginationToken } = await list(
		'listSearch',
		'searchPosts',
		{ resource: 'post', operation: 'get' },
		{ filter: 'sea' },
	);
	assert.deepEqual(
		results.map(({ name }) => name),
		['1 · Instagram · @jim · needs review · A day at the sea'],
	);
	assert.equal(paginationToken, 't');
});

test('privacy comes from what the creator offers', async () => {
	answer({
		'AccountService/GetPublishOptions': {
			privacy_level_options: ['SELF_ONLY'],
			creator_nickname: 'Nathan',
		},
	});
	const parameters = { ...PUBLISH, account: { __rl: true, mode: 'list', value: '7' } };
	const options = await list('loadOptions', 'getPrivacyLevels', parameters);
	assert.deepEqual(options, [
		{
			name: 'Only the Creator',
			value: 'SELF_ONLY',
			description: 'Available to Nathan (SELF_ONLY)',
		},
	]);
	assert.deepEqual(asked[0].request, { id: 7 });
});

test('without an account there is nothing to choose, and it says what to do', async () => {
	answer({});
	await assert.rejects(list('loadOptions', 'getPrivacyLevels', PUBLISH), /No account is selected/);
	const expression = { ...PUBLISH, account: { __rl: true, mode: 'id', value: '={{ $json.id }}' } };
	await assert.rejects(list('loadOptions', 'getPrivacyLevels', expression), /expression/);
});

test('account options have numbers as values', async () => {
	answer({
		'AccountService/ListAccounts': {
			accounts: [account(1, { platform: 'instagram' })],
			next_page_token: '',
		},
		'AccountService/GetQuota': { ...quota, total: null },
	});
	const options = await list('loadOptions', 'getAccounts', { ...PUBLISH, platform: 'several' });
	assert.deepEqual(options, [{ name: 'Instagram · @user1 · OK', value: 1 }]);
});

const V2 = { resource: 'post', operation: 'publish' };
const choices = async (accounts) =>
	await list('loadOptions', 'getPrivacyChoices', { ...V2, accounts }, { version: 2 });

test('accounts to post to carry their platform and handle', async () => {
	answer({
		'AccountService/ListAccounts': { accounts: [account(1)], next_page_token: '' },
		'AccountService/GetQuota': { ...quota, total: null },
	});
	const options = await list('loadOptions', 'getTargets', V2, { version: 2 });
	assert.deepEqual(options, [
		{ name: 'TikTok · @user1 · OK', value: 'tiktok:1 @user1 !facebook !instagram !youtube' },
	]);
});

test('a list of privacy levels that is empty says why, and is no error', async () => {
	answer({});
	assert.deepEqual(await choices([]), [
		{ name: 'Select an account first', value: '', description: '' },
	]);
	answer({
		'AccountService/GetPublishOptions': failure('UNAVAILABLE', { message: 'the database is away' }),
	});
	const [away] = await choices(['tiktok:7 @ada']);
	assert.deepEqual(
		[away.name, away.value],
		["TikTok's choices could not be loaded: The database is away", ''],
	);
	answer({
		'AccountService/GetPublishOptions': {
			can_post: false,
			reason: 'used up its posts',
			creator_nickname: 'Ada',
			privacy_level_options: [],
		},
	});
	const [stopped] = await choices(['tiktok:7 @ada']);
	assert.deepEqual([stopped.name, stopped.value], ['Ada cannot post now: used up its posts', '']);
});

test('several creators are offered what all of them offer; other platforms have words of their own', async () => {
	const offered = { 7: ['PUBLIC_TO_EVERYONE', 'SELF_ONLY'], 8: ['SELF_ONLY'] };
	answer({
		'AccountService/GetPublishOptions': ({ id }) => ({
			can_post: true,
			privacy_level_options: offered[id],
			creator_nickname: `Creator ${id}`,
		}),
	});
	const values = async (accounts) => (await choices(accounts)).map(({ value }) => value);
	assert.deepEqual(await values(['tiktok:7 @a', 'tiktok:8 @b']), ['SELF_ONLY']);
	assert.deepEqual(await values(['tiktok:7 @a']), ['PUBLIC_TO_EVERYONE', 'SELF_ONLY']);
	assert.deepEqual(await values(['tiktok:7 @a', 'youtube:9 @c']), ['PUBLIC', 'FRIENDS', 'PRIVATE']);
	assert.deepEqual(await values(['youtube:9 @c']), ['PUBLIC', 'UNLISTED', 'PRIVATE']);
	assert.deepEqual(await values('={{ $json.account }}'), [
		'PUBLIC',
		'FRIENDS',
		'UNLISTED',
		'PRIVATE',
	]);
});

test('of fifty accounts all are listed, and the quotas of the first ones asked for', async () => {
	const fifty = Array.from({ length: 50 }, (_, n) => account(n + 1));
	answer({
		'AccountService/ListAccounts': { accounts: fifty, next_page_token: '' },
		'AccountService/GetQuota': quota,
	});
	const options = await list('loadOptions', 'getTargets', V2, { version: 2 });
	assert.equal(new Set(options.map(({ value }) => value)).size, 50);
	assert.equal(asked.filter(({ method }) => method === 'AccountService/GetQuota').length, 25);

	const levels = (id) => (id === 50 ? ['SELF_ONLY'] : ['PUBLIC_TO_EVERYONE', 'SELF_ONLY']);
	answer({
		'AccountService/GetPublishOptions': ({ id }) => ({
			can_post: true,
			creator_nickname: `User ${id}`,
			privacy_level_options: levels(id),
		}),
	});
	const common = await choices(options.map(({ value }) => value));
	assert.deepEqual(
		common.map(({ value }) => value),
		['SELF_ONLY'],
	);
	assert.equal(common[0].description, 'Available to User 1, User 2 and 48 others (SELF_ONLY)');
});
