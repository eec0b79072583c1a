// A binary field's way to the core.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, asked, failure } from '../support/stub-native.mjs';
import { run } from '../support/fake-n8n.mjs';

const PARAMETERS = {
	resource: 'post',
	operation: 'publish',
	platform: 'instagram',
	account: { __rl: true, mode: 'id', value: '7' },
	videoSource: 'binary',
	binaryPropertyName: 'video',
};
const ANSWERS = {
	UploadMedia: { media_id: 'm1' },
	'PostService/PublishPosts': { posts: [], existed: [] },
};

test('a file in the item itself is uploaded in pieces, and the post names the media', async () => {
	answer(ANSWERS);
	const bytes = Buffer.alloc(600_000, 'x');
	const video = { data: bytes.toString('base64'), mimeType: 'video/mp4', fileName: 'a.mp4' };
	await run(PARAMETERS, { binary: { video } });
	const [upload, publish] = asked;
	const { upload_id, ...info } = upload.request;
	assert.match(upload_id, /^[0-9a-f-]{36}$/);
	assert.deepEqual(info, {
		offset: 0,
		file_name: 'a.mp4',
		content_type: 'video/mp4',
		size_bytes: 600_000,
	});
	assert.ok(Buffer.concat(upload.chunks).equals(bytes));
	assert.ok(upload.chunks.every((chunk) => chunk.length <= 256 * 1024));
	assert.equal(publish.request.content.media_id, 'm1');
	assert.equal(publish.request.content.video_url, undefined);
});

test('a file in the binary store is streamed', async () => {
	answer(ANSWERS);
	const binary = {
		video: { id: 'filesystem:1', mimeType: 'video/mp4', data: 'filesystem-v2' },
		'filesystem:1:stream': function* (chunk) {
			yield Buffer.alloc(chunk, 'a');
			yield Buffer.from('b');
		},
		'filesystem:1:metadata': { fileSize: 262_145 },
	};
	await run(PARAMETERS, { binary });
	assert.equal(asked[0].request.size_bytes, 262_145);
	assert.deepEqual(
		asked[0].chunks.map((chunk) => chunk.length),
		[262_144, 1],
	);
});

test('the memory of a chunk is given back once it is handed over, unless others share it', async () => {
	answer(ANSWERS);
	const given = [];
	const chunk = (name, of) => {
		of.buffer.transfer = (length) => given.push([name, length, asked[0].chunks.length]);
		return of;
	};
	const binary = {
		video: { id: 'filesystem:1', mimeType: 'video/mp4', data: 'filesystem-v2' },
		'filesystem:1:stream': function* () {
			yield chunk('first', Buffer.alloc(10_000, 'a'));
			yield chunk('shared', Buffer.alloc(20_000, 'b').subarray(0, 10_000));
			yield chunk('last', Buffer.alloc(10_000, 'c'));
		},
	};
	await run(PARAMETERS, { binary });
	const once = [
		['first', 0, 1],
		['last', 0, 3],
	];
	assert.deepEqual(given, once);

	// Another store may keep or use again what its streams hand out.
	const elsewhere = {
		video: { ...binary.video, id: 's3:1' },
		's3:1:stream': binary['filesystem:1:stream'],
	};
	await run(PARAMETERS, { binary: elsewhere });
	assert.deepEqual(given, once);
});

test('a file that cannot be read to its end is not finished', async () => {
	answer(ANSWERS);
	const binary = {
		video: { id: 'filesystem:1', mimeType: 'video/mp4', data: 'filesystem-v2' },
		'filesystem:1:stream': function* () {
			yield Buffer.from('a');
			throw new Error('the disk is gone');
		},
	};
	await assert.rejects(run(PARAMETERS, { binary }), /the disk is gone/);
	assert.equal(asked[0].cancelled, true);
	assert.equal(asked.length, 1, 'nothing was published');
});

test('media: upload hands over the file and answers what was measured', async () => {
	answer({ UploadMedia: { media_id: 'm1', size_bytes: 3, existed: false } });
	const binary = { data: { mimeType: 'video/mp4', fileName: 'a.mp4', data: 'YWJj' } };
	const [[{ json }]] = await run({ resource: 'media', operation: 'upload' }, { binary });
	assert.equal(json.media_id, 'm1');
	assert.equal(Buffer.concat(asked[0].chunks).toString(), 'abc');
	assert.equal(asked[0].request.size_bytes, 3);
});

/** A binary store with one file, which is read from its front each time. */
const stored = (bytes) => ({
	video: { id: 'filesystem:1', mimeType: 'video/mp4', data: 'filesystem-v2' },
	'filesystem:1:stream': function* () {
		for (let at = 0; at < bytes.length; at += 100) yield Buffer.from(bytes.subarray(at, at + 100));
	},
	'filesystem:1:metadata': { fileSize: bytes.length },
});

test('after a broken connection the rest is sent, behind what the core has', async () => {
	const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 251));
	const lost = failure('UNAVAILABLE', { reason: 'CONNECTION_LOST' });
	let calls = 0;
	answer({
		...ANSWERS,
		UploadMedia: () => (calls++ === 0 ? lost : { media_id: 'm1' }),
		'MediaService/GetUpload': { received_bytes: 250 },
	});
	await run(PARAMETERS, { binary: stored(bytes) });
	const [first, question, second] = asked;
	assert.equal(question.request.upload_id, first.request.upload_id);
	assert.deepEqual(
		[second.request.upload_id, second.request.offset],
		[first.request.upload_id, 250],
	);
	assert.ok(Buffer.concat(second.chunks).equals(bytes.subarray(250)));
});

test('a core that kept nothing gets the whole file again', async () => {
	const bytes = Buffer.alloc(300, 'x');
	for (const code of ['NOT_FOUND', 'UNIMPLEMENTED']) {
		let calls = 0;
		answer({
			...ANSWERS,
			UploadMedia: () => (calls++ === 0 ? failure('UNAVAILABLE') : { media_id: 'm1' }),
			'MediaService/GetUpload': failure(code),
		});
		await run(PARAMETERS, { binary: stored(bytes) });
		assert.equal(asked[2].request.offset, 0);
		assert.ok(Buffer.concat(asked[2].chunks).equals(bytes));
	}
});

test('a refusal is not repeated', async () => {
	answer({ ...ANSWERS, UploadMedia: failure('INVALID_ARGUMENT', { message: 'no video' }) });
	await assert.rejects(run(PARAMETERS, { binary: stored(Buffer.alloc(300)) }));
	assert.equal(asked.length, 1);
});

test('a missing field is named', async () => {
	answer(ANSWERS);
	await assert.rejects(run(PARAMETERS), /binary file 'video'/);
});
