// A server that speaks just enough gRPC to go wrong in chosen ways: HTTP/2 with the frames written by hand.

import http2 from 'node:http2';

/** One gRPC frame around an encoded message. */
function frame(message) {
	const header = Buffer.alloc(5);
	header.writeUInt32BE(message.length, 1);
	return Buffer.concat([header, message]);
}

/** WatchPostsResponse with a position and no event: a heartbeat. */
export function heartbeat(position) {
	return frame(Buffer.from([0x10, position]));
}

/** after_sequence of a WatchPostsRequest; undefined when it is not there. */
export function afterSequence(body) {
	const message = body.subarray(5);
	return message[0] === 0x08 ? message[1] : undefined;
}

/**
 * Starts one. `answer(stream, body, count)` is called for each request once its first bytes are there; `count` is how many
 * came before. With `tls` (key and certificate) it speaks https.
 */
export async function falseCore(answer, tls) {
	const sessions = new Set();
	const server = tls ? http2.createSecureServer(tls) : http2.createServer();
	let count = 0;
	server.on('session', (session) => {
		sessions.add(session);
		session.on('close', () => sessions.delete(session));
		session.on('error', () => {});
	});
	server.on('stream', (stream) => {
		stream.on('error', () => {});
		stream.once('data', (body) => answer(stream, body, count++));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		address: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${server.address().port}`,
		/** Breaks every connection, as a process does that is killed. */
		cut() {
			for (const session of sessions) session.destroy();
		},
		async stop() {
			this.cut();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** Begins a stream of answers. */
export function accept(stream) {
	stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
}

/** Answers with a status and nothing else. */
export function refuse(stream, code, message) {
	const headers = {
		':status': 200,
		'content-type': 'application/grpc',
		'grpc-status': code,
		'grpc-message': message,
	};
	stream.respond(headers, { endStream: true });
}
