// A process that is asked to end while something is waited for: the wait ends at once, other streams are left to whoever
// opened them, and a process without a handler of its own still ends by the signal.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const loader = fileURLToPath(new URL('../../native/index.js', import.meta.url));

/** A program in which a stream is lost again and again, because nobody listens there; it prints what it hears. */
function program(limitMs, handlers) {
	return `
		${handlers}
		const n = require(${JSON.stringify(loader)}).load();
		const target = { address: 'http://127.0.0.1:1', apiKey: 'k' };
		const watch = (name, more) => {
			const stream = new n.Watch();
			stream.start(target, '{}', ${limitMs}, async ({ kind, failure }) => {
				console.log(name + ' ' + kind + ' ' + (failure ? failure.code + ' ' + failure.reason : ''));
				if (kind === 'failed' && more) more();
			});
			return stream;
		};
		const keep = [];
		(async () => {
			await new n.Call().run(target, 'PostService/GetPost', '{"id": 1}', 1000);
			// One that begins after the signal hears of it as well.
			keep.push(watch('first', () => keep.push(watch('second'))));
		})();
		setTimeout(() => process.exit(7), 5000);`;
}

/** Runs a program, sends it a signal once its stream was lost, and waits for its end or for `enough`. */
async function signalled(text, signal, enough = () => false) {
	const child = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
	const ended = once(child, 'exit');
	let said = '';
	let sent = false;
	child.stdout.setEncoding('utf8');
	child.stdout.on('data', (part) => {
		said += part;
		if (!sent && said.includes('first lost')) {
			sent = true;
			child.kill(signal);
		}
		if (enough(said)) child.kill('SIGKILL');
	});
	const [code, by] = await ended;
	return { said, code, by };
}

for (const signal of ['SIGTERM', 'SIGINT']) {
	test(`${signal} ends what is waited for, now and later`, async () => {
		const text = program(60_000, `process.once('${signal}', () => console.log('handled'));`);
		// Node's handler and ours hear of it in either order.
		const both = (said) => /second failed/.test(said) && /^handled$/m.test(said);
		const { said, by } = await signalled(text, signal, both);
		assert.equal(by, 'SIGKILL', said);
		assert.match(said, /^handled$/m);
		assert.match(said, /^first failed UNAVAILABLE PROCESS_ENDS$/m);
		assert.match(said, /^second failed UNAVAILABLE PROCESS_ENDS$/m);
	});

	test(`${signal} ends a process that does not handle it`, async () => {
		const { said, by } = await signalled(program(60_000, ''), signal);
		assert.equal(by, signal, said);
	});
}

test('a stream without a time limit goes on: n8n closes it', async () => {
	const handlers = "process.once('SIGTERM', () => console.log('handled'));";
	const { said, by } = await signalled(program(null, handlers), 'SIGTERM', (said) =>
		/handled[^]*first lost/.test(said),
	);
	assert.equal(by, 'SIGKILL', said);
	assert.doesNotMatch(said, /failed/);
});
