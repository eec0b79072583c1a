// The credential's test against servers that are no core, or not as the credential says: what is wrong is said in words of
// n8n's user, told from what the real native module reports.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { accept, falseCore, refuse } from '../support/false-core.mjs';
import { testCredential } from '../support/fake-n8n.mjs';

const pem = (name) =>
	readFileSync(new URL(`../../../tests/testdata/${name}`, import.meta.url), 'utf8');
const CA = pem('ca.pem');
const SERVER = { key: pem('server.key'), cert: pem('server.pem') };

const open = [];
after(() => open.forEach((server) => server.close()));

/** Starts a server; its port. */
async function listen(server) {
	open.push(server);
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return server.address().port;
}

/** A core in all but name: it knows the key. */
const isCore = (stream) => {
	// An empty ListAccountsResponse.
	accept(stream);
	stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
	stream.end(Buffer.alloc(5));
};

const check = async (address, caCertificate = '') =>
	await testCredential({ address, apiKey: 'ar_test', userId: '', caCertificate });

let secure;
let plain;
before(async () => {
	secure = await falseCore(isCore, SERVER);
	plain = await falseCore(isCore);
});
after(async () => {
	await secure.stop();
	await plain.stop();
});

test('https with its own authority is fine, also when a form took the line breaks away', async () => {
	assert.equal((await check(secure.address, CA)).status, 'OK');
	assert.equal((await check(secure.address, CA.replaceAll('\n', ' '))).status, 'OK');
	assert.equal((await check(plain.address)).status, 'OK');
});

test('https and http mixed up', async () => {
	const asPlain = await check(secure.address.replace('https:', 'http:'));
	assert.match(asPlain.message, /uses https\. Change http:\/\/ to https:\/\//);
	const asSecure = await check(plain.address.replace('http://127.0.0.1', 'https://localhost'));
	assert.match(asSecure.message, /it does not use https\..*Change https:\/\/ to http:\/\//);
});

test('a certificate that is not trusted, by the wrong authority, or of another name', async () => {
	assert.match((await check(secure.address)).message, /not trusted\..*"CA Certificate"/);
	const wrong = await check(secure.address, pem('server.pem'));
	assert.match(wrong.message, /not trusted\..*does not belong to the CA/);
	const elsewhere = http2.createSecureServer(SERVER);
	open.push(elsewhere);
	await new Promise((resolve) => elsewhere.listen(0, '127.0.0.2', resolve));
	const name = await check(`https://127.0.0.2:${elsewhere.address().port}`, CA);
	assert.match(name.message, /its certificate is for another host name/);
});

test('servers of other kinds', async (t) => {
	const web = await listen(http.createServer((_, answer) => answer.end('<html>')));
	const other = await falseCore((stream) => refuse(stream, 12, 'unknown service'));
	t.after(() => other.stop());
	const page = await falseCore((stream) => {
		stream.respond({ ':status': 200, 'content-type': 'text/html' });
		stream.end('<html>');
	});
	t.after(() => page.stop());
	const ssh = await listen(net.createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
	const closed = await listen(net.createServer((socket) => socket.destroy()));
	for (const address of [
		`http://127.0.0.1:${closed}`,
		`http://127.0.0.1:${web}`,
		other.address,
		page.address,
		`http://127.0.0.1:${ssh}`,
	]) {
		const { status, message } = await check(address);
		assert.equal(status, 'Error');
		// A server that closes at once may be gone before anything of its answer is read.
		assert.match(message, /[Ii]s not an AuraReels core.* Check the host and port/, address);
	}
	const secureWeb = await listen(https.createServer(SERVER, (_, answer) => answer.end('x')));
	const { message } = await check(`https://localhost:${secureWeb}`, CA);
	assert.match(message, /does not support gRPC/);
});

test('nobody there, and no such host', async () => {
	assert.match((await check('http://127.0.0.1:9')).message, /the connection was refused\..*Docker/);
	assert.match((await check('http://no-such-host.invalid:1')).message, /the host was not found/);
	assert.match((await check('localhost:50051')).message, /does not begin with http/);
});
