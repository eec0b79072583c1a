// What expressions and spreadsheets put into fields: understood, or refused by the field's name before anything is sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, asked } from '../support/stub-native.mjs';
import { run } from '../support/fake-n8n.mjs';

const POST = { id: 1, status: 'published', platform: 'tiktok', social_account_id: 7, warnings: [] };

/** Publishes with these parameters; the request that was sent, or the error. */
async function sent(more) {
	answer({ 'PostService/PublishPosts': { posts: [POST], existed: [false] } });
	const before = asked.length;
	const parameters = {
		resource: 'post',
		operation: 'publish',
		accounts: ['tiktok:7 @ada'],
		videoUrl: 'https://example.com/a.mp4',
		...more,
	};
	const error = await run(parameters, { version: 2 }).then(
		() => undefined,
		(thrown) => thrown,
	);
	const [call] = asked.slice(before);
	return { error, request: call?.request };
}

for (const [cell, yes] of [
	[true, true],
	['TRUE', true],
	['yes', true],
	[1, true],
	['False', false],
	['0', false],
	['', null],
	[null, null],
]) {
	test(`a switch whose cell holds ${JSON.stringify(cell)} is ${yes ?? 'not given'}`, async () => {
		const { request } = await sent({
			tiktokOptions: { allowDuet: cell, brandContentToggle: cell },
			additionalFields: { allowComments: cell },
		});
		assert.equal(request.content.allow_duet, yes);
		assert.equal(request.content.allow_comments ?? null, yes);
		assert.equal(request.content.platform_options.tiktok.brand_content_toggle, yes === true);
	});
}

for (const [field, parameters] of [
	['Caption', { caption: { text: 'hello' } }],
	['Video URL', { videoUrl: ['https://example.com/a.mp4'] }],
	['Hashtags', { hashtags: [{ name: 'cats' }] }],
	['First Comment', { accounts: 'facebook:9 Page', facebookOptions: { firstComment: {} } }],
	['Paid Partnership', { tiktokOptions: { brandContentToggle: 'maybe' } }],
	['Wait for Result', { waitForResult: 'later' }],
	['Wait Limit', { waitLimitSeconds: 'ten' }],
	['Cover Frame', { tiktokOptions: { videoCoverTimestampMs: 'first' } }],
	['Timeout', { options: { timeoutSeconds: 'long' } }],
	['Transfer', { tiktokOptions: { transfer: 'pull' } }],
	['Video', { videoSource: 'file' }],
	['If Caption Is Too Long', { additionalFields: { onLongCaption: 'shorten' } }],
	['User ID', { options: { userId: {} } }],
	['Allow Duplicate', { options: { allowDuplicate: 'perhaps' } }],
]) {
	test(`what cannot be read in "${field}" is refused by its name`, async () => {
		const { error, request } = await sent(parameters);
		assert.match(error?.message ?? 'it was sent', new RegExp(`^"${field}" (must be|cannot be) `));
		assert.ok(error.description, 'and what to do');
		assert.equal(request, undefined);
	});
}

test('lists in JSON, numbers as captions, 7.0 as an ID', async () => {
	const { request } = await sent({
		accounts: '7.0',
		caption: 2024,
		hashtags: '["one, two", "three"]',
	});
	assert.deepEqual(request.accounts, [7]);
	assert.equal(request.content.caption, '2024');
	assert.deepEqual(request.content.hashtags, ['one, two', 'three']);
});

test('an entry of a list is found by its value or its name, in any case', async () => {
	for (const word of ['PULL_FROM_URL', 'TikTok downloads the URL']) {
		const { request } = await sent({ tiktokOptions: { transfer: word } });
		assert.equal(request.content.platform_options.tiktok.transfer, 'pull_from_url');
	}
	answer({ 'PlatformService/GetVideoRequirements': {} });
	await run({ resource: 'platform', operation: 'getVideoRequirements', platform: 'YouTube' });
	assert.equal(asked[0].request.platform, 'youtube');
});

test('a caption for an account that is not posted to is refused before anything is sent', async () => {
	const captions = [{ account: 'instagram:8 @nathan', caption: 'Another' }];
	const { error, request } = await sent({ captionsByAccount: { captions } });
	assert.match(error.message, /^"Captions by Account" has a caption for account 8/);
	assert.equal(request, undefined);
});

test('a limit of 0 asks for nothing', async () => {
	answer({});
	const parameters = { resource: 'post', operation: 'getAll', limit: 0 };
	assert.deepEqual(await run(parameters, { version: 2 }), [[]]);
});
