// One client, one call, one number at a time: measured after a warm-up, printed as JSON.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const WARM_UP_MS = 1500;
const MEASURE_MS = 2000;

const { client, method, request, atATime } = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const address = process.env.AURAREELS_ADDRESS;
const apiKey = process.env.AURAREELS_API_KEY;
const [service, rpc] = method.split('/');

/** The generated-at-run-time client of a service, as most Node programs have it. */
function definition() {
	const loader = require('@grpc/proto-loader');
	const dir = fileURLToPath(new URL('../../../proto', import.meta.url));
	const file = `aurareels/v1/${service.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()}.proto`;
	const options = { keepCase: true, longs: Number, enums: String, defaults: true, includeDirs: [dir] };
	return loader.loadSync(file, options);
}

/** What the n8n node calls. */
function addon() {
	const { call } = require('../../../n8n-node/dist/nodes/shared/transport.js');
	const core = { target: { address, apiKey, userId: '', caCertificate: '' }, timeoutMs: 60_000 };
	return () => call(core, method, request);
}

function grpcJs() {
	const grpc = require('@grpc/grpc-js');
	const Service = grpc.loadPackageDefinition(definition()).aurareels.v1[service];
	const connection = new Service(address.replace('http://', ''), grpc.credentials.createInsecure());
	const metadata = new grpc.Metadata();
	metadata.set('authorization', `Bearer ${apiKey}`);
	return () =>
		new Promise((resolve, reject) => {
			const options = { deadline: Date.now() + 60_000 };
			connection[rpc](request, metadata, options, (error, answer) => (error ? reject(error) : resolve(answer)));
		});
}

function fetchGrpcWeb() {
	const about = definition()[`aurareels.v1.${service}`][rpc];
	const url = `${address}/aurareels.v1.${service}/${rpc}`;
	const headers = { 'content-type': 'application/grpc-web+proto', authorization: `Bearer ${apiKey}` };
	return async () => {
		const message = about.requestSerialize(request);
		const body = Buffer.alloc(5 + message.length);
		body.writeUInt32BE(message.length, 1);
		message.copy(body, 5);
		const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(60_000) });
		const answer = Buffer.from(await response.arrayBuffer());
		if (answer[0] !== 0) throw new Error(`no message: ${answer.subarray(5)}`);
		return about.responseDeserialize(answer.subarray(5, 5 + answer.readUInt32BE(1)));
	};
}

const once = { addon, 'grpc-js': grpcJs, fetch: fetchGrpcWeb }[client]();

/** Keeps so many calls under way for a time; returns how many were answered. */
async function load(ms) {
	const end = performance.now() + ms;
	let calls = 0;
	const worker = async () => {
		while (performance.now() < end) {
			await once();
			calls++;
		}
	};
	await Promise.all(Array.from({ length: atATime }, worker));
	return calls;
}

await load(WARM_UP_MS);
const cpu = process.cpuUsage();
const begin = performance.now();
const calls = await load(MEASURE_MS);
const seconds = (performance.now() - begin) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(
	JSON.stringify({
		callsPerSecond: calls / seconds,
		cpuMicros: (user + system) / calls,
		rssMib: process.memoryUsage().rss / (1 << 20),
	}),
);
process.exit(0);
