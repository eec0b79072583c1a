// The native module when things go wrong between it and the core: each failure arrives as a value that says whether
// anything may have been done, streams come back by themselves, and nothing is left hanging.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';

import { run } from '../support/fake-n8n.mjs';
import { accept, afterSequence, falseCore, heartbeat, refuse } from '../support/false-core.mjs';

const native = createRequire(import.meta.url)('../../native/index.js').load();

// n8n's server keeps the process alive; open streams do not.
const server = setInterval(() => {}, 1_000_000);
after(() => clearInterval(server));

const target = (address, more = {}) => ({ address, apiKey: 'ar_key', ...more });
const get = (call, address, timeoutMs = 5000) =>
	call.run(target(address), 'PostService/GetPost', '{"id": 1}', timeoutMs);

async function failed(answer) {
	const { answer: said, failure } = await answer;
	assert.equal(said, null);
	return failure;
}

/** Collects the notices of a stream; `until` says when there are enough. */
function collect(address, request, until, limitMs = null) {
	const notices = [];
	const stream = new native.Watch();
	const enough = new Promise((resolve) => {
		stream.start(target(address), JSON.stringify(request), limitMs, async (notice) => {
			notices.push(notice);
			if (until(notices)) resolve(notices);
		});
	});
	return { stream, notices, enough };
}

test('the one shape of failures', async () => {
	const failure = await failed(get(new native.Call(), 'http://127.0.0.1:1'));
	assert.deepEqual(Object.keys(failure), [
		'code',
		'reason',
		'message',
		'metadata',
		'retryDelayMs',
		'fieldViolations',
	]);
	assert.deepEqual([failure.code, failure.reason], ['UNAVAILABLE', 'CORE_UNREACHABLE']);
	assert.deepEqual(
		[failure.metadata, failure.retryDelayMs, failure.fieldViolations],
		[{}, null, []],
	);
});

test('what cannot be sent says so, and never shows the key', async () => {
	for (const [more, reason] of [
		[{ address: 'localhost:1' }, 'ADDRESS_INVALID'],
		[{ apiKey: 'ar_se\ncret' }, 'CREDENTIAL_INVALID'],
		[{ userId: 'jim' }, 'CREDENTIAL_INVALID'],
		[
			{
				address: 'https://127.0.0.1:1',
				caCertificate: '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----',
			},
			'CERTIFICATE_INVALID',
		],
	]) {
		const call = new native.Call().run(
			target('http://127.0.0.1:1', more),
			'PostService/GetPost',
			'{"id":1}',
			1000,
		);
		const failure = await failed(call);
		assert.equal(failure.reason, reason, JSON.stringify(failure));
		assert.doesNotMatch(failure.message, /ar_se/);
	}
	for (const [method, request] of [
		['PostService/GetPost', '{"post_id": 1}'],
		['PostService/GetPost', 'no JSON'],
		['PostService/Nothing', '{}'],
	]) {
		const failure = await failed(
			new native.Call().run(target('http://127.0.0.1:1'), method, request, 1000),
		);
		assert.equal(failure.reason, 'REQUEST_INVALID');
	}
});

test('a core that does not answer in time', async () => {
	const core = await falseCore(() => {});
	const failure = await failed(get(new native.Call(), core.address, 100));
	await core.stop();
	assert.deepEqual([failure.code, failure.reason], ['DEADLINE_EXCEEDED', 'NO_ANSWER']);
});

test('a connection that breaks while the core works', async () => {
	const core = await falseCore(() => core.cut());
	const failure = await failed(get(new native.Call(), core.address));
	await core.stop();
	assert.deepEqual([failure.code, failure.reason], ['UNAVAILABLE', 'CONNECTION_LOST']);
});

test('a call that is cancelled ends at once', async () => {
	const call = new native.Call();
	const core = await falseCore(() => call.cancel());
	const failure = await failed(get(call, core.address));
	await core.stop();
	assert.deepEqual([failure.code, failure.reason], ['CANCELLED', 'CANCELLED']);
	// Also one that was cancelled before it began.
	assert.equal((await failed(get(call, core.address))).reason, 'CANCELLED');
});

test('an answer that cannot be read is a failure, not a crash', async () => {
	const core = await falseCore((stream) => {
		accept(stream);
		stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
		stream.end(Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]));
	});
	const failure = await failed(get(new native.Call(), core.address));
	await core.stop();
	assert.equal(failure.code, 'INTERNAL');
});

test('a lost stream comes back by itself, from where it was', async () => {
	const asked = [];
	const core = await falseCore((stream, body, count) => {
		asked.push(afterSequence(body));
		accept(stream);
		stream.write(heartbeat(10 + count));
		if (count < 2) setTimeout(() => core.cut(), 20);
	});
	const { stream, enough } = collect(
		core.address,
		{ after_sequence: 5 },
		(all) => all.filter(({ kind }) => kind === 'position').length === 3,
	);
	const notices = [...(await enough)];
	await stream.stop();
	await core.stop();
	assert.deepEqual(asked, [5, 10, 11]);
	assert.deepEqual(
		notices.map(({ kind }) => kind),
		['open', 'position', 'lost', 'open', 'position', 'lost', 'open', 'position'],
	);
	const lost = notices.find(({ kind }) => kind === 'lost');
	assert.equal(lost.failure.code, 'UNAVAILABLE');
	assert.ok(lost.retryInMs > 0);
});

test('the next notice waits until the last one is taken', async () => {
	const core = await falseCore((stream) => {
		accept(stream);
		for (let position = 1; position <= 20; position++) stream.write(heartbeat(position));
	});
	let busy = 0;
	let most = 0;
	let taken = 0;
	const stream = new native.Watch();
	await new Promise((resolve) => {
		stream.start(target(core.address), '{}', null, async () => {
			most = Math.max(most, ++busy);
			await new Promise((done) => setTimeout(done, 2));
			busy--;
			if (++taken === 21) resolve();
		});
	});
	await stream.stop();
	await core.stop();
	assert.equal(most, 1);
});

test('a refusal that time does not heal ends the stream', async () => {
	const core = await falseCore((stream) => refuse(stream, '16', 'no such key'));
	const { notices, enough } = collect(core.address, {}, (all) => all.at(-1).kind === 'failed');
	await enough;
	await core.stop();
	assert.equal(notices.length, 1);
	assert.equal(notices[0].failure.code, 'UNAUTHENTICATED');
});

test('a stream ends at its limit, also while nobody answers', async () => {
	const core = await falseCore(() => {});
	for (const address of [core.address, 'http://127.0.0.1:1']) {
		const { notices, enough } = collect(address, {}, (all) => all.at(-1).kind === 'limit', 150);
		await enough;
		assert.ok(notices.slice(0, -1).every(({ kind }) => kind === 'lost'));
	}
	await core.stop();
});

test('stopping waits for the end, and may be repeated', async () => {
	const core = await falseCore((stream) => {
		accept(stream);
		stream.write(heartbeat(1));
	});
	const { stream, notices, enough } = collect(core.address, {}, (all) => all.length === 2);
	await enough;
	await stream.stop();
	await stream.stop();
	await core.stop();
	assert.equal(notices.at(-1).kind, 'stopped');
	await new native.Watch().stop();
	assert.throws(
		() => stream.start(target(core.address), '{}', null, async () => {}),
		/started before/,
	);
});

test('a listener that fails ends the stream instead of the process', async () => {
	const core = await falseCore((stream) => {
		accept(stream);
		stream.write(heartbeat(1));
	});
	let told = 0;
	const stream = new native.Watch();
	await new Promise((resolve) => {
		stream.start(target(core.address), '{}', null, async () => {
			told++;
			resolve();
			throw new Error('a bug in the listener');
		});
	});
	// Further notices would come now.
	await new Promise((resolve) => setTimeout(resolve, 300));
	await stream.stop();
	await core.stop();
	assert.ok(told <= 2, `told ${told} times`);
});

test('an upload to nowhere fails at the first chunk or the end, never silently', async () => {
	const upload = new native.Upload();
	upload.start(target('http://127.0.0.1:1'), '{"file_name": "a.mp4"}', 2000);
	await upload.write(Buffer.alloc(1 << 20));
	const failure = await failed(upload.finish());
	assert.equal(failure.reason, 'CORE_UNREACHABLE');
	assert.equal((await failed(upload.finish())).reason, 'REQUEST_INVALID');
	await assert.rejects(new native.Upload().write(Buffer.from('a')), /not started/);
});

test('a core that takes no more bytes does not fill the memory', async () => {
	const core = await falseCore((stream) => stream.pause());
	const upload = new native.Upload();
	upload.start(target(core.address), '{}', 300);
	let written = 0;
	let failure = null;
	while (!failure && written < 64 << 20) {
		({ failure } = await upload.write(Buffer.alloc(256 << 10)));
		written += 256 << 10;
	}
	upload.cancel();
	await core.stop();
	assert.equal(failure?.reason, 'NO_ANSWER');
	assert.ok(written < 8 << 20, `${written} bytes were taken`);
});

const pem = (name) =>
	readFileSync(new URL(`../../../tests/testdata/${name}`, import.meta.url), 'utf8');

test('https works with the CA of the credential, and with no other', async () => {
	const core = await falseCore(
		(stream) => {
			accept(stream);
			stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
			stream.end(Buffer.alloc(5));
		},
		{ key: pem('server.key'), cert: pem('server.pem') },
	);
	const call = (caCertificate) =>
		new native.Call().run(
			target(core.address, { caCertificate }),
			'PostService/GetPost',
			'{"id":1}',
			5000,
		);
	const { answer } = await call(pem('ca.pem'));
	assert.equal(JSON.parse(answer).id, 0);
	const failure = await failed(call());
	await core.stop();
	assert.equal(failure.reason, 'CORE_UNREACHABLE');
	assert.match(failure.message, /certificate|UnknownIssuer/i);
});

test("stopping the execution ends the node's call at once", async () => {
	const stop = new AbortController();
	const core = await falseCore(() => stop.abort());
	const account = { __rl: true, mode: 'id', value: '7' };
	const running = run(
		{ resource: 'account', operation: 'get', account },
		{ signal: stop.signal, credentials: { address: core.address, apiKey: 'k' } },
	);
	await assert.rejects(running, (error) => {
		assert.equal(error.message, 'The execution was stopped');
		return true;
	});
	await core.stop();
});
