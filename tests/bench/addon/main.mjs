// The addon against @grpc/grpc-js and against fetch() with gRPC-web: the same calls to the same core, in the same run.
//
// Every measurement is a process of its own, so that no client profits from what another one has warmed up; rounds go
// through all of them in turn, so that what else the machine does falls on all alike. Printed are medians. CPU is that of
// the client's process, all threads: what n8n would spend.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

import { connect, one, publication, runNode } from '../../../n8n-node/tests/support/core.mjs';

const CLIENTS = ['addon', 'grpc-js', 'fetch'];
const CALLS = {
	GetAccount: { method: 'AccountService/GetAccount', about: 'one account' },
	ListPosts: { method: 'PostService/ListPosts', about: 'a page of 20 posts' },
};
const AT_A_TIME = [1, 64];
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);

const client = fileURLToPath(new URL('./client.mjs', import.meta.url));

/** Makes what is read: an account with 20 posts. */
async function prepare() {
	const account = await connect('tiktok');
	const year = new Date().getUTCFullYear() + 1;
	const posts = Array.from({ length: 20 }, (_, index) =>
		publication(account, `bench-${index}`, {
			operation: 'schedule',
			scheduledAt: `${year}-01-01T00:00:${String(index).padStart(2, '0')}Z`,
		}),
	);
	await runNode(posts);
	await one({ resource: 'account', operation: 'check', account: { __rl: true, mode: 'id', value: account.id } });
	return { GetAccount: { id: account.id }, ListPosts: { page_size: 20 } };
}

async function measure(name, call, request, atATime) {
	const task = JSON.stringify({ client: name, method: call.method, request, atATime });
	const { stdout } = await promisify(execFile)(process.execPath, [client, task], { maxBuffer: 1 << 20 });
	return JSON.parse(stdout);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const requests = await prepare();
const results = new Map();
for (let round = 0; round < ROUNDS; round++) {
	for (const [rpc, call] of Object.entries(CALLS)) {
		for (const atATime of AT_A_TIME) {
			for (const name of CLIENTS) {
				const key = [rpc, atATime, name].join();
				const found = await measure(name, call, requests[rpc], atATime);
				results.set(key, [...(results.get(key) ?? []), found]);
			}
		}
	}
}

console.log(`addon: medians of ${ROUNDS} rounds, Node ${process.version}`);
console.log('call        at a time  client    calls/s    CPU per call   memory   CPU against the addon');
for (const [rpc] of Object.entries(CALLS)) {
	for (const atATime of AT_A_TIME) {
		const of = (name) => results.get([rpc, atATime, name].join());
		const cpu = (name) => median(of(name).map(({ cpuMicros }) => cpuMicros));
		for (const name of CLIENTS) {
			const row = [
				rpc.padEnd(11),
				String(atATime).padStart(9),
				` ${name.padEnd(8)}`,
				median(of(name).map(({ callsPerSecond }) => callsPerSecond)).toFixed(0).padStart(8),
				`${cpu(name).toFixed(0)} us`.padStart(14),
				`${median(of(name).map(({ rssMib }) => rssMib)).toFixed(0)} MiB`.padStart(8),
				`${(cpu(name) / cpu('addon')).toFixed(2)}x`.padStart(12),
			];
			console.log(row.join(' '));
		}
	}
}
