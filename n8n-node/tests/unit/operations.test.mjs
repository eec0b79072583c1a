// Each operation: which call it makes with what, and which output the answer goes to.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { answer, asked, failure } from '../support/stub-native.mjs';
import { node, run, shownFields, subtitle } from '../support/fake-n8n.mjs';

const require = createRequire(import.meta.url);
const { pickedAccount } = require('../../dist/nodes/AuraReels/read/accounts.js');

const ACCOUNT = { __rl: true, mode: 'list', value: '7' };
const POST = { __rl: true, mode: 'id', value: '125' };
const URL_ = 'https://example.com/a.mp4';

/** The request with what is not given left out, so that a test names only what it is about. */
function bare(value) {
	if (Array.isArray(value)) return value.map(bare);
	if (value === null || typeof value !== 'object') return value;
	const given = Object.entries(value).filter(([, v]) => v !== null && v !== '' && v !== false);
	return Object.fromEntries(given.map(([name, v]) => [name, bare(v)]));
}

/** Runs a node that makes one call; returns the outputs and the request. */
async function calls(method, said, parameters) {
	answer({ [method]: said });
	const [success, attention] = await run(parameters);
	assert.deepEqual(
		asked.map((call) => call.method),
		[method],
	);
	return { success, attention, request: bare(asked[0].request) };
}

test('publish on TikTok', async () => {
	const { success, request } = await calls(
		'PostService/PublishPosts',
		{ posts: [{ id: 125, status: 'publishing' }], existed: [false] },
		{
			resource: 'post',
			operation: 'publish',
			platform: 'tiktok',
			account: ACCOUNT,
			videoUrl: ` ${URL_} `,
			caption: 'Hello',
			privacyLevel: 'SELF_ONLY',
			additionalFields: {
				allowComments: false,
				hashtags: 'a, #b',
				location: 'x',
				mentions: ['c', 'd'],
				metadata: '{"campaign": {"id": 1}}',
				onLongCaption: 'cut',
				thumbnailUrl: 'https://example.com/a.jpg',
				videoJobId: 'job-1',
			},
			tiktokOptions: {
				allowDuet: true,
				isAigc: true,
				transfer: 'pull_from_url',
				videoCoverTimestampMs: 1500,
			},
			options: { requestKey: 'k', allowDuplicate: true },
		},
	);
	assert.deepEqual(request, {
		accounts: [7],
		content: {
			video_url: URL_,
			caption: 'Hello',
			privacy_level: 'SELF_ONLY',
			hashtags: ['a', '#b'],
			location: 'x',
			mentions: ['c', 'd'],
			metadata: { campaign: { id: 1 } },
			on_long_caption: 'cut',
			thumbnail_url: 'https://example.com/a.jpg',
			video_job_id: 'job-1',
			allow_duet: true,
			platform_options: {
				tiktok: { transfer: 'pull_from_url', video_cover_timestamp_ms: 1500, is_aigc: true },
			},
		},
		request_key: 'k',
		allow_duplicate: true,
	});
	assert.equal(asked[0].request.content.allow_comments, false);
	assert.deepEqual(success, [
		{ json: { id: 125, status: 'publishing', existed: false }, pairedItem: { item: 0 } },
	]);
});

test('publish on Instagram has no privacy and no TikTok options', async () => {
	const { request } = await calls(
		'PostService/PublishPosts',
		{ posts: [], existed: [] },
		{
			resource: 'post',
			operation: 'publish',
			platform: 'instagram',
			account: ACCOUNT,
			videoUrl: URL_,
			instagramOptions: { collaborators: 'a, b', shareToFeed: false, audioName: 'mine' },
		},
	);
	assert.deepEqual(request.content, {
		video_url: URL_,
		platform_options: { instagram: { collaborators: ['a', 'b'], audio_name: 'mine' } },
	});
	assert.equal(asked[0].request.content.platform_options.instagram.share_to_feed, false);
	assert.equal(asked[0].request.content.privacy_level, '');
});

test('what is not added is not given: allow_* stay absent', async () => {
	const parameters = {
		resource: 'post',
		operation: 'publish',
		platform: 'tiktok',
		account: ACCOUNT,
		videoUrl: URL_,
	};
	await calls('PostService/PublishPosts', { posts: [], existed: [] }, parameters);
	const { content } = asked[0].request;
	assert.deepEqual(
		[content.allow_comments, content.allow_duet, content.allow_stitch],
		[undefined, null, null],
	);
	assert.equal(content.privacy_level, '', 'TikTok privacy is never pre-filled');
});

for (const [what, given] of [
	['a list of numbers', [1, 2]],
	['a list of texts', ['1', '2']],
	['a text', '1, 2'],
	['a JSON text', '[1, "2"]'],
	['a list with a repetition', [1, 2, 1]],
]) {
	test(`several accounts by ${what}`, async () => {
		const { request } = await calls(
			'PostService/PublishPosts',
			{ posts: [], existed: [] },
			{
				resource: 'post',
				operation: 'publish',
				platform: 'several',
				accountIds: given,
				videoUrl: URL_,
				privacyLevel: 'PUBLIC',
			},
		);
		assert.deepEqual(request.accounts, [1, 2]);
		assert.equal(request.content.privacy_level, 'PUBLIC');
	});
}

test("schedule reads a time without offset in the given zone, else in the workflow's", async () => {
	const parameters = (scheduledAt, options = {}) => ({
		resource: 'post',
		operation: 'schedule',
		platform: 'instagram',
		account: ACCOUNT,
		videoUrl: URL_,
		scheduledAt,
		options,
	});
	const said = { posts: [], existed: [] };
	const at = async (...given) =>
		(await calls('PostService/SchedulePosts', said, parameters(...given))).request.scheduled_at;
	const local = '2030-07-01T18:00:00';
	assert.deepEqual(await at(local), { wall_time: { local, time_zone: 'Europe/Berlin' } });
	assert.deepEqual(await at(local, { timeZone: 'Asia/Tokyo' }), {
		wall_time: { local, time_zone: 'Asia/Tokyo' },
	});
	assert.deepEqual(await at(`${local}+02:00`), { text: `${local}+02:00` });
	assert.deepEqual(await at(`${local}Z`), { text: `${local}Z` });
	assert.deepEqual(await at({ toISO: () => `${local}.000+02:00` }), { text: `${local}.000+02:00` });
	assert.deepEqual(await at(new Date(0)), { text: '1970-01-01T00:00:00.000Z' });

	const more = { scheduler: 'n8n', latePolicySeconds: 60, requestKey: 'k' };
	const { request } = await calls('PostService/SchedulePosts', said, parameters(local, more));
	assert.equal(request.scheduler, 'n8n');
	assert.equal(request.late_policy_seconds, 60);
	assert.equal(request.request_key, 'k');
});

test('publish scheduled tells what was done', async () => {
	const said = {
		result: 'superseded',
		message: 'rescheduled',
		post: { id: 125, status: 'scheduled' },
	};
	const { success, request } = await calls('PostService/PublishPostNow', said, {
		resource: 'post',
		operation: 'publishScheduled',
		postId: POST,
		expectedScheduledAt: '2030-07-01 18:00:00',
		waitForResult: true,
	});
	assert.deepEqual(request, { id: 125, expected_scheduled_at: '2030-07-01T18:00:00Z' });
	assert.deepEqual(success[0].json, {
		id: 125,
		status: 'scheduled',
		result: 'superseded',
		message: 'rescheduled',
	});
});

test('update names exactly the fields that were added', async () => {
	const { request } = await calls(
		'PostService/UpdatePost',
		{ id: 125, status: 'scheduled' },
		{
			resource: 'post',
			operation: 'update',
			postId: POST,
			updateFields: { caption: '', hashtags: '', onLongCaption: 'refuse', allowDuet: false },
			tiktokOptions: { isAigc: true },
			options: { revision: 3 },
		},
	);
	assert.equal(request.update_mask, 'allowDuet,caption,hashtags,onLongCaption,platformOptions');
	assert.equal(request.revision, 3);
	assert.deepEqual(asked[0].request.content.hashtags, []);
	assert.equal(asked[0].request.content.caption, '');
	assert.equal(asked[0].request.content.allow_duet, false);
	assert.deepEqual(Object.keys(asked[0].request.content.platform_options), ['tiktok']);
});

test('an update without a field is refused before anything is asked', async () => {
	answer({});
	const parameters = { resource: 'post', operation: 'update', postId: POST };
	await assert.rejects(run(parameters), (error) => {
		assert.equal(error.name, 'NodeOperationError');
		assert.equal(error.message, 'Nothing to update');
		assert.match(error.description, /Update Fields/);
		return true;
	});
	assert.deepEqual(asked, []);
});

test('get many posts reads pages up to the limit', async () => {
	const pages = [
		{ posts: [{ id: 1 }, { id: 2 }], next_page_token: 't' },
		{ posts: [{ id: 3 }], next_page_token: '' },
	];
	answer({
		'PostService/ListPosts': ({ page_token }) => (page_token === 't' ? pages[1] : pages[0]),
	});
	const parameters = {
		resource: 'post',
		operation: 'getAll',
		returnAll: false,
		limit: 3,
		filters: {
			accountId: 7,
			from: '2030-01-01T00:00:00Z',
			platform: 'tiktok',
			statuses: ['failed', 'needs_review'],
			until: '2030-02-01',
			videoJobId: 'job',
		},
	};
	const [success, attention] = await run(parameters);
	assert.deepEqual(
		success.map(({ json }) => json.id),
		[1, 2, 3],
	);
	assert.deepEqual(attention, []);
	assert.deepEqual(
		asked.map(({ request }) => [request.page_size, request.page_token]),
		[
			[3, ''],
			[1, 't'],
		],
	);
	assert.deepEqual(asked[0].request, {
		account_id: 7,
		from: '2030-01-01T00:00:00Z',
		until: '2030-02-01T00:00:00Z',
		platform: 'tiktok',
		statuses: ['failed', 'needs_review'],
		video_job_id: 'job',
		page_size: 3,
		page_token: '',
	});
});

/** Operations on one post that only need its id, or little more: operation, RPC, further parameters, further fields. */
const SIMPLE = [
	['get', 'GetPost', {}, {}],
	['cancel', 'CancelPost', {}, {}],
	['retry', 'RetryPost', {}, {}],
	['reconcile', 'ReconcilePost', {}, {}],
	[
		'reschedule',
		'ReschedulePost',
		{ scheduledAt: '2030-07-01T18:00:00Z', options: { revision: 2 } },
		{ scheduled_at: { text: '2030-07-01T18:00:00Z' }, revision: 2 },
	],
	[
		'resolve',
		'ResolvePost',
		{
			resolution: 'published',
			resolveFields: { note: 'seen', platformPostId: '9', platformPostUrl: 'https://a' },
		},
		{
			resolution: 'published',
			note: 'seen',
			platform_post_id: '9',
			platform_post_url: 'https://a',
		},
	],
];
for (const [operation, rpc, more, fields] of SIMPLE) {
	test(`${operation} a post, and where its answer goes`, async () => {
		const parameters = { resource: 'post', operation, postId: POST, ...more };
		for (const status of ['scheduled', 'published', 'delivered', 'confirming', 'cancelled']) {
			const { success, attention, request } = await calls(
				`PostService/${rpc}`,
				{ id: 125, status },
				parameters,
			);
			assert.deepEqual(request, { id: 125, ...fields });
			assert.deepEqual([success.length, attention.length], [1, 0], status);
		}
		for (const status of ['failed', 'needs_review']) {
			const { success, attention } = await calls(
				`PostService/${rpc}`,
				{ id: 125, status },
				parameters,
			);
			assert.deepEqual([success.length, attention.length], [0, 1], status);
		}
	});
}

test('validate sends what publish would, and a broken rule needs attention', async () => {
	const parameters = {
		resource: 'post',
		operation: 'validate',
		platform: 'instagram',
		account: ACCOUNT,
		videoUrl: URL_,
		caption: 'Hi',
		options: { scheduledAt: '2030-07-01T18:00:00Z' },
	};
	const said = { valid: false, violations: [{ rule: 'CAPTION_TOO_LONG' }], posts: [] };
	const { attention, request } = await calls('PostService/ValidatePosts', said, parameters);
	assert.deepEqual(request.accounts, [7]);
	assert.deepEqual(request.scheduled_at, { text: '2030-07-01T18:00:00Z' });
	assert.deepEqual(attention[0].json, said);
	const { success } = await calls(
		'PostService/ValidatePosts',
		{ valid: true, violations: [], posts: [] },
		parameters,
	);
	assert.equal(success.length, 1);
});

/** Operations on one account: operation, RPC, further parameters, further fields. */
const ACCOUNTS = [
	['account', 'get', 'GetAccount', {}, {}],
	['account', 'check', 'CheckAccount', {}, {}],
	['account', 'refreshToken', 'RefreshToken', { onlyIfNeeded: true }, { only_if_needed: true }],
	['account', 'disconnect', 'DisconnectAccount', {}, {}],
	['account', 'getPublishOptions', 'GetPublishOptions', {}, {}],
];
for (const [resource, operation, rpc, more, fields] of ACCOUNTS) {
	test(`${operation} of ${resource}`, async () => {
		const said = { result: 'still_valid', account: { id: 7, health: 'ok' } };
		const parameters = { resource, operation, account: ACCOUNT, ...more };
		const { success, request } = await calls(`AccountService/${rpc}`, said, parameters);
		assert.deepEqual(request, { id: 7, ...fields });
		assert.deepEqual(success[0].json, said);
	});
}

test('an account that needs its owner needs attention', async () => {
	for (const [operation, rpc, said] of [
		['get', 'GetAccount', { id: 7, health: 'needs_reconnect' }],
		['check', 'CheckAccount', { id: 7, health: 'needs_reconnect' }],
		['refreshToken', 'RefreshToken', { account: { id: 7, health: 'needs_reconnect' } }],
	]) {
		const parameters = { resource: 'account', operation, account: ACCOUNT };
		const { success, attention } = await calls(`AccountService/${rpc}`, said, parameters);
		assert.deepEqual([success.length, attention.length], [0, 1], operation);
	}
});

test('get many accounts', async () => {
	const { success, request } = await calls(
		'AccountService/ListAccounts',
		{ accounts: [{ id: 7 }], next_page_token: '' },
		{
			resource: 'account',
			operation: 'getAll',
			returnAll: true,
			filters: { active: true, platform: 'tiktok' },
		},
	);
	assert.deepEqual(request, { platform: 'tiktok', active: true, page_size: 500 });
	assert.deepEqual(success[0].json, { id: 7 });
});

test('connect', async () => {
	const { success, request } = await calls(
		'AccountService/ConnectAccount',
		{ auth_url: 'https://a', state: 's', expires_at: 't' },
		{
			resource: 'account',
			operation: 'connect',
			platform: 'instagram',
			loginFlavour: 'instagram_login',
			options: { accountId: 7, redirectUri: 'https://b' },
		},
	);
	assert.deepEqual(request, {
		platform: 'instagram',
		login_flavour: 'instagram_login',
		redirect_uri: 'https://b',
		account_id: 7,
	});
	assert.equal(success[0].json.auth_url, 'https://a');
});

test('video requirements', async () => {
	const { request } = await calls(
		'PlatformService/GetVideoRequirements',
		{ platform: 'instagram' },
		{ resource: 'platform', operation: 'getVideoRequirements', platform: 'instagram' },
	);
	assert.deepEqual(request, { platform: 'instagram' });
});

test('quota says what is left: of the platform, of the core, or nothing', async () => {
	const parameters = { resource: 'quota', operation: 'get', account: ACCOUNT };
	const quota = { used: 22, total: 25, daily_limit: null, daily_remaining: null };
	const left = async (more) =>
		(await calls('AccountService/GetQuota', { ...quota, ...more }, parameters)).success[0].json;
	assert.equal((await left({})).remaining, 3);
	assert.equal((await left({ daily_limit: 5, daily_remaining: 1 })).remaining, 1);
	assert.equal((await left({ total: null, used: null })).remaining, null, 'TikTok tells no count');
	assert.equal((await left({ blocked_until: '2030-01-01T00:00:00Z' })).remaining, 0);
});

test('a platform that refuses because nothing is left is an answer: 0', async () => {
	answer({
		'AccountService/GetQuota': failure('RESOURCE_EXHAUSTED', {
			reason: 'QUOTA_EXCEEDED',
			message: "the creator used up TikTok's posts",
			retryDelayMs: 3_600_000,
		}),
		'AccountService/GetAccount': { id: 7, platform: 'tiktok' },
	});
	const parameters = { resource: 'quota', operation: 'get', account: ACCOUNT };
	const [[{ json }], attention] = await run(parameters);
	assert.deepEqual(attention, []);
	assert.equal(json.remaining, 0);
	assert.deepEqual([json.account_id, json.platform], [7, 'tiktok']);
	assert.match(json.reason, /used up/);
	const wait = Date.parse(json.blocked_until) - Date.now();
	assert.ok(wait > 3_500_000 && wait <= 3_600_000, json.blocked_until);

	answer({
		'AccountService/GetQuota': failure('RESOURCE_EXHAUSTED', { reason: 'RATE_LIMIT_EXCEEDED' }),
	});
	await assert.rejects(run(parameters), { httpCode: '429' }, 'asked too often is no answer');
});

const NUMBERS = {
	post_id: 9,
	social_account_id: 7,
	platform: 'youtube',
	published_at: '2026-11-01T00:00:00Z',
	numbers: {
		views: 120,
		likes: 12,
		comments: 0,
		shares: null,
		saves: null,
		reach: null,
		engagement_rate: 10,
	},
	platform_numbers: [{ name: 'viewCount', value: 120 }],
	last_synced_at: '2026-11-02T00:00:00Z',
	next_sync_at: null,
	problem: null,
	history: [{ at: '2026-11-02T00:00:00Z', numbers: { views: 120 } }],
};

test('numbers stand on top, and what is not told is null', async () => {
	for (const [operation, rpc] of [
		['get', 'GetPostAnalytics'],
		['sync', 'SyncPostAnalytics'],
	]) {
		const { request, success } = await calls(`AnalyticsService/${rpc}`, NUMBERS, {
			resource: 'analytics',
			operation,
			postId: '9',
		});
		assert.deepEqual(request, { post_id: 9 });
		const { json } = success[0];
		assert.deepEqual([json.views, json.comments, json.shares], [120, 0, null]);
		assert.deepEqual(json.platform_numbers, { viewCount: 120 });
		assert.deepEqual(json.history, [{ at: '2026-11-02T00:00:00Z', views: 120 }]);
	}
	const nothing = { ...NUMBERS, numbers: null, platform_numbers: [], history: [] };
	const { request, success } = await calls(
		'AnalyticsService/ListAnalytics',
		{ posts: [nothing], next_page_token: '', gains: null },
		{
			resource: 'analytics',
			operation: 'getAll',
			returnAll: true,
			filters: { platform: 'youtube', from: '2026-11-01', withHistory: true },
		},
	);
	assert.equal(request.since, '2026-11-01T00:00:00Z');
	assert.deepEqual([request.platform, request.with_history], ['youtube', true]);
	assert.equal(success[0].json.views, null, 'not read yet is no 0');
});

const DRAFT = {
	resource: 'post',
	operation: 'createDraft',
	platform: 'several',
	accountIds: [1, 2],
	videoUrl: URL_,
	privacyLevel: 'PUBLIC',
};

test('a draft is made for each account, and found again when the node is tried again', async () => {
	answer({ 'PostService/CreateDraft': ({ account_id }) => ({ id: account_id, status: 'draft' }) });
	const [success] = await run({ ...DRAFT, options: { scheduledAt: '2030-07-01T18:00:00Z' } });
	assert.deepEqual(
		success.map(({ json }) => [json.id, json.status]),
		[
			[1, 'draft'],
			[2, 'draft'],
		],
	);
	const keys = asked.map(({ request }) => request.request_key);
	assert.deepEqual(keys, ['n8n:77:node-1:0:1', 'n8n:77:node-1:0:2']);
	assert.deepEqual(asked[0].request.scheduled_at, { text: '2030-07-01T18:00:00Z' });
	assert.equal(asked[0].request.content.video_url, URL_);

	await run({ ...DRAFT, accountIds: [1], options: { requestKey: 'mine' } });
	assert.equal(asked.at(-1).request.request_key, 'mine');
});

test('a draft is deleted', async () => {
	const parameters = { resource: 'post', operation: 'deleteDraft', postId: POST };
	const { success, request } = await calls('PostService/DeleteDraft', {}, parameters);
	assert.deepEqual(request, { id: 125 });
	assert.deepEqual(success[0].json, { id: 125, deleted: true });
});

test('keep a copy is asked for where it is added', async () => {
	const parameters = {
		resource: 'post',
		operation: 'publish',
		platform: 'instagram',
		account: ACCOUNT,
		videoUrl: URL_,
		additionalFields: { keepCopy: true },
	};
	const said = { posts: [], existed: [] };
	const { request } = await calls('PostService/PublishPosts', said, parameters);
	assert.equal(request.content.keep_copy, true);
});

test('uploads are listed page by page, read, checked and deleted', async () => {
	const pages = { '': ['m1', 't'], t: ['m2', ''] };
	answer({
		'MediaService/ListMedia': ({ page_token }) => ({
			media: [{ media_id: pages[page_token][0] }],
			next_page_token: pages[page_token][1],
		}),
	});
	const [listed] = await run({ resource: 'media', operation: 'getAll', returnAll: true });
	assert.deepEqual(
		listed.map(({ json }) => json.media_id),
		['m1', 'm2'],
	);
	assert.deepEqual(
		asked.map(({ request }) => request.page_size),
		[100, 100],
		"the core's largest page of uploads",
	);

	const of = (operation, more) => ({ resource: 'media', operation, ...more });
	const read = await calls(
		'MediaService/GetMedia',
		{ media_id: 'm1' },
		of('get', { mediaId: ' m1 ' }),
	);
	assert.deepEqual(read.request, { media_id: 'm1' });
	const gone = await calls('MediaService/DeleteMedia', {}, of('delete', { mediaId: 'm1' }));
	assert.deepEqual(gone.success[0].json, { media_id: 'm1', deleted: true });
	const said = { valid: false, violations: [{ rule: 'VIDEO_TOO_LONG' }] };
	const byUrl = await calls('MediaService/ProbeVideo', said, of('probe', { video: URL_ }));
	assert.deepEqual(byUrl.request, { video_url: URL_ });
	assert.deepEqual(byUrl.success[0].json, said);
	const byId = await calls('MediaService/ProbeVideo', said, of('probe', { video: 'm1' }));
	assert.deepEqual(byId.request, { media_id: 'm1' });
	await assert.rejects(run(of('get', { mediaId: '' })), /"Media ID" is empty/);
});

test('a video job is saved in parts: what is not added stays', async () => {
	const of = (operation, more) => ({ resource: 'videoJob', operation, ...more });
	const said = { video_job_id: 'job-1', has_video: true };
	const saved = await calls(
		'MediaService/PutVideoJob',
		said,
		of('save', {
			videoJobId: ' job-1 ',
			jobFields: {
				videoUrl: URL_,
				titles: 'One, two\n Three \n',
				description: 'What it shows',
				hashtags: '#dogs #surf',
			},
		}),
	);
	assert.deepEqual(saved.success[0].json, said);
	assert.deepEqual(saved.request.video_job, {
		video_job_id: 'job-1',
		video_url: URL_,
		ai_metadata: {
			titles: ['One, two', 'Three'],
			description: 'What it shows',
			hashtags: ['#dogs', '#surf'],
		},
	});
	assert.deepEqual(saved.request.update_mask.split(',').sort(), [
		'aiMetadata.description',
		'aiMetadata.hashtags',
		'aiMetadata.titles',
		'videoUrl',
	]);
	const lists = await calls(
		'MediaService/PutVideoJob',
		said,
		of('save', { videoJobId: 'job-1', jobFields: { titles: ['A', 'B'], mediaId: '' } }),
	);
	assert.deepEqual(lists.request.video_job.ai_metadata, { titles: ['A', 'B'] });
	assert.equal(lists.request.update_mask, 'mediaId,aiMetadata.titles', 'an empty field is emptied');
	const nothing = of('save', { videoJobId: 'job-1', jobFields: {} });
	await assert.rejects(run(nothing), /There is nothing to save/);
	await assert.rejects(run(of('save', { videoJobId: '' })), /"Video Job ID" is empty/);
});

test('video jobs are read, listed page by page, deleted, and posted by their id', async () => {
	const of = (operation, more) => ({ resource: 'videoJob', operation, ...more });
	const pages = { '': ['j1', 't'], t: ['j2', ''] };
	answer({
		'MediaService/ListVideoJobs': ({ page_token }) => ({
			video_jobs: [{ video_job_id: pages[page_token][0] }],
			next_page_token: pages[page_token][1],
		}),
	});
	const [listed] = await run(of('getAll', { returnAll: true }));
	assert.deepEqual(
		listed.map(({ json }) => json.video_job_id),
		['j1', 'j2'],
	);
	const job = { video_job_id: 'j1' };
	const read = await calls('MediaService/GetVideoJob', job, of('get', { videoJobId: 'j1' }));
	assert.deepEqual(read.request, job);
	const gone = await calls('MediaService/DeleteVideoJob', {}, of('delete', { videoJobId: 'j1' }));
	assert.deepEqual(gone.success[0].json, { video_job_id: 'j1', deleted: true });
	const publish = {
		resource: 'post',
		operation: 'publish',
		platform: 'instagram',
		account: ACCOUNT,
		videoSource: 'job',
		videoJobId: 'j1',
	};
	const said = { posts: [], existed: [] };
	const { request } = await calls('PostService/PublishPosts', said, publish);
	assert.equal(request.content.video_job_id, 'j1');
	assert.equal(request.content.video_url, undefined);
});

/** Accounts that handles are looked up among. */
const CONNECTED = {
	accounts: [
		{ id: 7, platform: 'tiktok', account_username: 'ada', account_name: 'Ada' },
		{ id: 8, platform: 'instagram', account_username: 'ada', account_name: 'Ada' },
		{ id: 9, platform: 'facebook', account_username: '', account_name: "Nathan's Page" },
		{ id: 10, platform: 'instagram', account_username: 'nathan', account_name: 'Nathan' },
	],
	next_page_token: '',
};

/** Publishes by version 2 and answers what was asked. */
async function publishV2(parameters) {
	answer({
		'AccountService/ListAccounts': CONNECTED,
		'PostService/PublishPosts': { posts: [], existed: [] },
	});
	const publish = { resource: 'post', operation: 'publish', videoUrl: URL_, ...parameters };
	await run([publish, publish], { version: 2 });
	return asked.filter(({ method }) => method === 'PostService/PublishPosts')[0].request;
}

for (const [what, accounts, ids] of [
	['as the list has them', ['tiktok:7 @ada', 'instagram:10 @nathan'], [7, 10]],
	['by ID', [7, '10', 7], [7, 10]],
	['as a text of IDs', '7, 10', [7, 10]],
	['by handle', '@nathan', [10]],
	['by handle, in any case, with the platform', 'Instagram:@ADA, tiktok:ada', [8, 7]],
	['by the name of a page', ["facebook:Nathan's Page"], [9]],
	['as Account: Get Many puts them out', [{ id: 7, platform: 'tiktok' }, { id: 10 }], [7, 10]],
	['as a post names its account', 'account 7', [7]],
]) {
	test(`accounts ${what}`, async () => {
		assert.deepEqual((await publishV2({ accounts })).accounts, ids);
		const lookups = asked.filter(({ method }) => method === 'AccountService/ListAccounts');
		assert.ok(lookups.length <= 1, 'looked up once for all items');
	});
}

test('a handle that nobody or several have is refused, and says who there is', async () => {
	await assert.rejects(publishV2({ accounts: '@ada' }), (error) => {
		assert.match(
			error.message,
			/"@ada" matches several accounts: TikTok @ada \(ID 7\), Instagram @ada/,
		);
		assert.match(error.description, /tiktok:@ada/);
		return true;
	});
	await assert.rejects(publishV2({ accounts: '@jim' }), (error) => {
		assert.match(error.message, /No connected account is called "@jim"/);
		assert.match(error.description, /TikTok @ada \(ID 7\)/);
		return true;
	});
	await assert.rejects(publishV2({ accounts: [] }), /No account is selected/);
	await assert.rejects(publishV2({ accounts: 'jim' }), /Account ID "jim"/);
});

test('one account of an operation is found by its handle too', async () => {
	answer({ 'AccountService/ListAccounts': CONNECTED, 'AccountService/CheckAccount': { id: 10 } });
	const account = { __rl: true, mode: 'handle', value: '@nathan' };
	await run({ resource: 'account', operation: 'check', account });
	assert.deepEqual(asked.at(-1).request, { id: 10 });
});

test('hashtags, privacy and the options of a platform follow the accounts', async () => {
	const { content } = await publishV2({
		accounts: ['tiktok:7 @ada'],
		hashtags: '#reels #aura',
		privacyLevel: 'SELF_ONLY',
		tiktokOptions: { isAigc: true, allowDuet: true },
		instagramOptions: { audioName: 'not shown' },
	});
	assert.deepEqual(content.hashtags, ['#reels', '#aura']);
	assert.equal(content.privacy_level, 'SELF_ONLY');
	assert.equal(content.allow_duet, true);
	assert.deepEqual(Object.keys(content.platform_options), ['tiktok']);

	const other = await publishV2({
		accounts: ['instagram:8 @ada', 'instagram:10 @nathan'],
		privacyLevel: 'SELF_ONLY',
		tiktokOptions: { isAigc: true },
		instagramOptions: { audioName: 'mine' },
	});
	assert.equal(other.content.privacy_level, '', 'it is not shown, so it is not sent');
	assert.deepEqual(Object.keys(other.content.platform_options), ['instagram']);

	const several = await publishV2({
		accounts: ['facebook:8 @ada', 'youtube:10 @nathan'],
		caption: 'For all',
		facebookOptions: { firstComment: ' The links ' },
		youtubeOptions: { firstComment: 'Subscribe', title: 'A title' },
		captionsByAccount: {
			captions: [
				{ account: 'facebook:8 @ada', caption: 'For Facebook', hashtags: '' },
				{ account: 10, caption: 'For YouTube', hashtags: '#shorts, b' },
			],
		},
	});
	assert.equal(several.content.caption, 'For all');
	assert.equal(several.content.platform_options.facebook.first_comment, 'The links');
	assert.equal(several.content.platform_options.youtube.first_comment, 'Subscribe');
	assert.deepEqual(several.variations, [
		{ account_id: 8, content: { caption: 'For Facebook' }, fields: 'caption' },
		{
			account_id: 10,
			content: { caption: 'For YouTube', hashtags: ['#shorts', 'b'] },
			fields: 'caption,hashtags',
		},
	]);
	assert.ok(!('variations' in other), 'nothing is varied unless it is asked for');

	const byExpression = await publishV2({ accounts: '7', privacyLevel: 'PUBLIC' });
	assert.deepEqual(byExpression.accounts, [7]);
});

test('a fresh node shows what every post needs, and nothing of one platform', () => {
	const shown = shownFields({ resource: 'post', operation: 'publish' });
	assert.deepEqual(
		shown.filter((name) => !['resource', 'operation', 'choosesOutputs'].includes(name)),
		[
			'accounts',
			'videoSource',
			'videoUrl',
			'caption',
			'hashtags',
			'waitForResult',
			'waitLimitSeconds',
			'whenPostFails',
			'simplify',
			'additionalFields',
			'options',
		],
	);
	const scheduling = shownFields({ resource: 'post', operation: 'schedule' });
	assert.equal(scheduling.indexOf('timeZone'), scheduling.indexOf('scheduledAt') + 1);
	const tiktok = shownFields({
		resource: 'post',
		operation: 'publish',
		accounts: ['tiktok:7 @ada'],
	});
	assert.ok(tiktok.includes('privacyLevel') && tiktok.includes('tiktokOptions'));
	assert.ok(!tiktok.includes('youtubeOptions'));
	assert.ok(tiktok.includes('captionsByAccount'));
});

test("of several platforms' accounts the node shows those platforms' fields, and no others", () => {
	const all = ['tiktok', 'instagram', 'facebook', 'youtube'];
	const optionsFor = (...platforms) => {
		const accounts = platforms.map((platform, id) => pickedAccount({ platform, id: id + 1 }));
		const shown = shownFields({ resource: 'post', operation: 'publish', accounts });
		const privacy = platforms.includes('tiktok') || platforms.includes('youtube');
		assert.equal(shown.includes('privacyLevel'), privacy, platforms.join());
		return all.filter((one) => shown.includes(`${one}Options`));
	};
	for (let chosen = 1; chosen < 16; chosen++) {
		const platforms = all.filter((_, bit) => chosen & (1 << bit));
		assert.deepEqual(optionsFor(...platforms), platforms);
	}
});

test('the subtitle says what the node does, and with whom', () => {
	const of = (parameters) => subtitle(parameters, { version: 2 });
	const accounts = ['tiktok:7 @ada !facebook !instagram !youtube', 'instagram:10 @nathan'];
	assert.equal(of({ resource: 'post', operation: 'publish', accounts }), 'Publish · @ada, @nathan');
	assert.equal(of({ resource: 'post', operation: 'publish' }), 'Publish');
	assert.equal(of({ resource: 'post', operation: 'getAll' }), 'Get many');
	const account = { __rl: true, mode: 'handle', value: '@ada' };
	assert.equal(of({ resource: 'account', operation: 'check', account }), 'Check account · @ada');
	assert.equal(of({ resource: 'videoJob', operation: 'getAll' }), 'Get many video job');
});

test('what people come for stands first', () => {
	const [resource, ...others] = node.description.properties;
	assert.equal(resource.options[0].name, 'Post');
	const operations = others.find(({ name }) => name === 'operation');
	assert.deepEqual(
		operations.options.slice(0, 2).map(({ name }) => name),
		['Publish', 'Schedule'],
	);
});

test('the zone of version 2 stands beside the time, that of version 1 among the options', async () => {
	const parameters = {
		resource: 'post',
		operation: 'reschedule',
		postId: POST,
		scheduledAt: '2030-07-01T18:00:00',
	};
	const zone = async (more, options) => {
		answer({ 'PostService/ReschedulePost': { id: 125, status: 'scheduled' } });
		await run({ ...parameters, ...more }, options);
		return asked[0].request.scheduled_at.wall_time.time_zone;
	};
	assert.equal(await zone({ timeZone: 'Asia/Tokyo' }, { version: 2 }), 'Asia/Tokyo');
	assert.equal(await zone({}, { version: 2 }), 'Europe/Berlin');
	assert.equal(await zone({ options: { timeZone: 'Asia/Tokyo' } }), 'Asia/Tokyo');
});

test('no operation is without a test here', () => {
	const tested = {
		post: [
			'publish',
			'schedule',
			'publishScheduled',
			'update',
			'getAll',
			'validate',
			'createDraft',
			'deleteDraft',
			...SIMPLE.map(([name]) => name),
		],
		account: [
			'getAll',
			'connect',
			...ACCOUNTS.filter(([of]) => of === 'account').map(([, name]) => name),
		],
		quota: ['get'],
		analytics: ['get', 'getAll', 'sync'],
		media: ['upload', 'get', 'getAll', 'probe', 'delete'],
		videoJob: ['save', 'get', 'getAll', 'delete'],
		platform: ['getVideoRequirements'],
	};
	const choices = node.description.properties.filter(({ name }) => name === 'operation');
	for (const { displayOptions, options } of choices) {
		const [resource] = displayOptions.show.resource;
		assert.deepEqual(options.map(({ value }) => value).sort(), tested[resource].sort(), resource);
	}
});

test('the user and the deadline of the options are used', async () => {
	await calls(
		'AccountService/GetAccount',
		{ id: 7, health: 'ok' },
		{
			resource: 'account',
			operation: 'get',
			account: ACCOUNT,
			options: { userId: 12, timeoutSeconds: 5 },
		},
	);
	assert.equal(asked[0].target.userId, '12');
	assert.equal(asked[0].timeoutMs, 5000);
});

test('an agent hears of what needs attention, which others find on the second output', async () => {
	answer({ 'PostService/RetryPost': { id: 125, status: 'failed' } });
	const outputs = await run({ resource: 'post', operation: 'retry', postId: POST }, { tool: true });
	assert.deepEqual(
		outputs.map((items) => items.map(({ json }) => json.status)),
		[['failed']],
	);
});
