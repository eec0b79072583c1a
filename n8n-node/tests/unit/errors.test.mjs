// What a person reads when something goes wrong, and what a workflow gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, asked, failure } from '../support/stub-native.mjs';
import { run, testCredential } from '../support/fake-n8n.mjs';

const GET = {
	resource: 'account',
	operation: 'get',
	account: { __rl: true, mode: 'id', value: '7' },
};

async function thrown(said, parameters = GET) {
	answer({ 'AccountService/GetAccount': said });
	return await run(parameters).then(
		() => assert.fail('it must fail'),
		(error) => error,
	);
}

test("the core's own words are shown, with the remedy and every field below", async () => {
	const error = await thrown(
		failure('INVALID_ARGUMENT', {
			reason: 'RULE_VIOLATION',
			message: 'the video breaks 2 rules',
			metadata: { remedy: 'make it shorter' },
			fieldViolations: [
				{ field: 'content.video_url', description: 'lasts 700 s of at most 600 s' },
			],
		}),
	);
	assert.equal(error.name, 'NodeApiError');
	assert.equal(error.message, 'The video breaks 2 rules');
	assert.equal(
		error.description,
		'Make it shorter. "content.video_url": lasts 700 s of at most 600 s.',
	);
	assert.equal(error.httpCode, '400');
	assert.equal(error.context.itemIndex, 0);
});

for (const [reason, code, httpCode, message, description] of [
	[
		'CORE_UNREACHABLE',
		'UNAVAILABLE',
		'503',
		/^The AuraReels core at http:\/\/127.0.0.1:50051 cannot be reached: /,
		/Nothing was sent/,
	],
	['CONNECTION_LOST', 'UNAVAILABLE', '503', /connection .* was lost/, /never posts twice/],
	['NO_ANSWER', 'DEADLINE_EXCEEDED', '504', /did not respond within 60 s/, /never posts twice/],
	[
		'PROCESS_ENDS',
		'UNAVAILABLE',
		'503',
		/^n8n was stopped while the node waited for the result$/,
		/continues with the post\. Run the node again .* never posts twice/,
	],
	['CANCELLED', 'CANCELLED', '499', /^The execution was stopped$/, /./],
	[
		'KEY_INVALID',
		'UNAUTHENTICATED',
		'401',
		/^The AuraReels core refused the API key$/,
		/api-key create/,
	],
]) {
	test(`${reason} says what happened and what to do`, async () => {
		const error = await thrown(failure(code, { reason, message: 'detail' }));
		assert.equal(error.name, 'NodeApiError');
		assert.match(error.message, message);
		assert.match(error.description, description);
		assert.equal(error.httpCode, httpCode);
	});
}

test("a mistake in the credential is not the core's", async () => {
	const error = await thrown(
		failure('INVALID_ARGUMENT', {
			reason: 'ADDRESS_INVALID',
			message: 'the address `x` is not a URL',
		}),
	);
	assert.equal(error.name, 'NodeOperationError');
	assert.match(error.message, /The address/);
	assert.match(error.description, /credential/);
});

for (const [what, value, message] of [
	['empty', '', /No account is selected/],
	['not a number', 'abc', /Account ID "abc" is not a positive whole number/],
	['a fraction', '1.5', /Account ID "1.5"/],
	['zero', '0', /Account ID "0"/],
	['too large for JSON', '9007199254740993', /Account ID "9007199254740993"/],
]) {
	test(`an account id that is ${what} is refused before anything is asked`, async () => {
		const error = await thrown({}, { ...GET, account: { __rl: true, mode: 'id', value } });
		assert.equal(error.name, 'NodeOperationError');
		assert.match(error.message, message);
		assert.match(error.description, /Get Many/);
		assert.deepEqual(asked, []);
	});
}

test('JSON that is none, or no object, names the field', async () => {
	answer({});
	const publish = (metadata) =>
		run({
			resource: 'post',
			operation: 'publish',
			platform: 'instagram',
			account: GET.account,
			videoUrl: 'https://a',
			additionalFields: { metadata },
		});
	await assert.rejects(publish('{'), /"Metadata" is not valid JSON/);
	await assert.rejects(publish('[1]'), /"Metadata" is not a JSON object/);
});

test('when the workflow is to go on, each failed item says why, and the others go on', async () => {
	answer({
		'AccountService/GetAccount': ({ id }) =>
			id === 8
				? failure('NOT_FOUND', {
						reason: 'NOT_FOUND',
						message: 'no account 8',
						metadata: { a: 'b' },
					})
				: { id, health: 'ok' },
	});
	const of = (id) => ({ ...GET, account: { __rl: true, mode: 'id', value: id } });
	const [success, attention] = await run([of('7'), of('8'), of('9')], { continueOnFail: true });
	assert.deepEqual(
		success.map(({ json, pairedItem }) => [json.id, pairedItem.item]),
		[
			[7, 0],
			[9, 2],
		],
	);
	const [{ json, pairedItem, error }] = attention;
	assert.deepEqual(json, {
		error: 'No account 8',
		details: {
			description: '',
			code: 'NOT_FOUND',
			reason: 'NOT_FOUND',
			metadata: { a: 'b' },
		},
	});
	assert.deepEqual(pairedItem, { item: 1 });
	assert.equal(error, undefined, 'n8n would keep nothing of the item but its message');
});

test('a native module that cannot cancel does not end the process of an execution that is stopped', async () => {
	const stop = new AbortController();
	let asked = 0;
	answer({
		'AccountService/GetAccount': () => {
			stop.abort();
			return { id: 7 };
		},
		cancel: () => {
			asked++;
			throw new Error('panic in Call.cancel');
		},
	});
	await run(GET, { signal: stop.signal });
	// What a listener throws comes up later.
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(asked, 1);
});

const DATA = { address: 'http://a', apiKey: 'k', userId: '', caCertificate: '' };
const READS = { 'AccountService/ListAccounts': { accounts: [], next_page_token: '' } };
const lacks = (scope) =>
	failure('PERMISSION_DENIED', {
		reason: 'PERMISSION_DENIED',
		message: `the API key \`n8n\` lacks the scope \`${scope}\``,
	});

/** What the credential's test says when the core answers so. */
async function credentialTest(said, data = {}) {
	answer({ 'PostService/CancelPost': failure('NOT_FOUND', { reason: 'POST_NOT_FOUND' }), ...said });
	return await testCredential({ ...DATA, ...data });
}

test('the credential test says yes to a key that may read and publish, and changes nothing', async () => {
	assert.deepEqual(await credentialTest(READS), {
		status: 'OK',
		message: 'Connected to the AuraReels core',
	});
	const [, write] = asked;
	assert.deepEqual(write.request, { id: 0 }, 'no post has this id');
});

for (const [what, said, data, message] of [
	[
		'a key for reading',
		{ ...READS, 'PostService/CancelPost': lacks('publish') },
		{},
		/^This key can read, but not publish\./,
	],
	[
		'a key for publishing',
		{ 'AccountService/ListAccounts': lacks('read') },
		{},
		/^This key can publish, but not read/,
	],
	[
		'a wrong key',
		{ 'AccountService/ListAccounts': failure('UNAUTHENTICATED', { reason: 'UNAUTHENTICATED' }) },
		{},
		/^The AuraReels core refused the API key/,
	],
	[
		'a key for any user, without a user',
		{
			'AccountService/ListAccounts': failure('INVALID_ARGUMENT', {
				reason: 'INVALID_FIELD',
				message:
					'this API key serves any user, so each call must name one in the header x-aurareels-user-id',
			}),
		},
		{},
		/^This key can act for any user, but "User ID" is empty\. Enter/,
	],
	[
		"another user's key",
		{
			'AccountService/ListAccounts': failure('PERMISSION_DENIED', {
				reason: 'PERMISSION_DENIED',
				message: 'this API key does not act for user 2',
			}),
		},
		{ userId: '2' },
		/^This key cannot act for user 2\. Leave "User ID" empty/,
	],
	[
		'a core that is away',
		{
			'AccountService/ListAccounts': failure('UNAVAILABLE', {
				reason: 'CORE_UNREACHABLE',
				message: 'tcp connect error: Connection refused (os error 111)',
			}),
		},
		{},
		/^The AuraReels core at http:\/\/a cannot be reached: the connection was refused\./,
	],
	['no address', {}, { address: ' ' }, /^The address is empty/],
	['no key', {}, { apiKey: '' }, /^The API key is empty/],
	['a CA that is none', {}, { address: 'https://a', caCertificate: 'abc' }, /not in PEM format/],
	[
		'a private key as CA',
		{},
		{
			address: 'https://a',
			caCertificate: '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----',
		},
		/is a private key/,
	],
	[
		'a CA that was cut',
		{},
		{
			address: 'https://a',
			caCertificate: '-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----',
		},
		/cannot be read: part of it is missing/,
	],
]) {
	test(`the credential test names ${what}, once`, async () => {
		const found = await credentialTest(said, data);
		assert.equal(found.status, 'Error');
		assert.match(found.message, message);
		const sentences = found.message.split(/(?<=[.!?]) /);
		assert.equal(new Set(sentences).size, sentences.length, found.message);
	});
}

test('a certificate whose line breaks a form took away is made whole', async () => {
	const body = 'A'.repeat(100);
	const whole = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}\n${'A'.repeat(36)}\n-----END CERTIFICATE-----`;
	for (const given of [
		whole,
		whole.replaceAll('\n', ' '),
		whole.replaceAll('\n', '\\n'),
		`-----BEGIN CERTIFICATE-----${body}-----END CERTIFICATE-----`,
	]) {
		answer({ 'AccountService/GetAccount': { id: 7, health: 'ok' } });
		const credentials = { ...DATA, address: 'https://a', caCertificate: given };
		await run(GET, { credentials });
		assert.equal(asked[0].target.caCertificate, whole);
	}
});
