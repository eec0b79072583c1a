// Videos from a binary field, through the real native module to a real core.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { connect, mediaUrl, one, publication, runNode, visible } from '../support/core.mjs';

let tiktok;
let video;

before(async () => {
	tiktok = await connect('tiktok');
	const answer = await fetch(`${mediaUrl}/v/upload.mp4`);
	video = Buffer.from(await answer.arrayBuffer());
});

const fromBinary = (name, more = {}) =>
	publication(tiktok, name, { videoSource: 'binary', ...more });

/** The video with padding after it (an MP4 box that players skip), in new chunks of the size in which n8n would read it. */
function* padded(size, chunk) {
	yield Buffer.from(video);
	const header = Buffer.alloc(16);
	header.writeUInt32BE(1, 0);
	header.write('free', 4);
	header.writeBigUInt64BE(BigInt(size), 8);
	yield header;
	for (let left = size - 16; left > 0; left -= chunk)
		yield Buffer.allocUnsafeSlow(Math.min(left, chunk)).fill('x');
}

test('a file in the item becomes one visible post, however often it is sent', async () => {
	const data = { data: video.toString('base64'), mimeType: 'video/mp4', fileName: 'upload.mp4' };
	const parameters = fromBinary('from-item', { waitForResult: true, waitLimitSeconds: 180 });
	const first = await one(parameters, { binary: { data } });
	const second = await one(parameters, { binary: { data } });
	assert.equal(first.status, 'published');
	assert.ok(first.media_id);
	assert.equal(first.video_url, '');
	assert.deepEqual([second.id, second.existed, second.media_id], [first.id, true, first.media_id]);
	assert.equal((await visible('from-item')).length, 1);
	const again = await one(
		fromBinary('from-media', { videoSource: 'media', mediaId: first.media_id }),
	);
	assert.equal(again.media_id, first.media_id);
});

test('a large file is streamed in constant memory', async () => {
	const padding = 192 << 20;
	const binary = {
		data: {
			id: 'filesystem:1',
			mimeType: 'video/mp4',
			fileName: 'large.mp4',
			data: 'filesystem-v2',
		},
		'filesystem:1:stream': (chunk) => padded(padding, chunk),
		'filesystem:1:metadata': { fileSize: video.length + padding },
	};
	const before = process.memoryUsage().rss;
	let most = before;
	const watching = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 10);
	const post = await one(fromBinary('large'), { binary }).finally(() => clearInterval(watching));
	assert.equal(post.video_size_bytes ?? video.length + padding, video.length + padding);
	assert.ok(most - before < 64 << 20, `memory grew by ${(most - before) >> 20} MiB`);
});

test('a file that is no video is refused with the reason, and nothing is posted', async () => {
	const data = {
		data: Buffer.from('this is not a video').toString('base64'),
		mimeType: 'video/mp4',
	};
	await assert.rejects(runNode(fromBinary('no-video'), { binary: { data } }), (error) => {
		assert.equal(error.name, 'NodeApiError');
		assert.match(`${error.message} ${error.description}`, /video|format/i);
		return true;
	});
	assert.equal((await visible('no-video')).length, 0);
});
