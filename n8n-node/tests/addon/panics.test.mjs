// No panic may end n8n. Lists what the native module exports, makes each of it panic, and finds the process alive.
//
// `cargo xtask test --only n8n-package` builds the addon a second time with the hook for this; the shipped one has none.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const panicking = process.env.AURAREELS_ADDON_THAT_PANICS;

/** Every export and how to reach it, in a program of its own. `n` is the module, `t` a target where nobody listens. */
const EXPORTS = {
	version: 'n.version()',
	'Call.constructor': 'new n.Call()',
	'Call.run': 'await new n.Call().run(t, "PostService/GetPost", "{}", 1000)',
	'Call.cancel': 'new n.Call().cancel()',
	'Watch.constructor': 'new n.Watch()',
	'Watch.start': 'new n.Watch().start(t, "{}", null, async () => {})',
	'Watch.stop': 'await new n.Watch().stop()',
	'Upload.constructor': 'new n.Upload()',
	'Upload.start': 'new n.Upload().start(t, "{}", 1000)',
	'Upload.write':
		'const u = new n.Upload(); u.start(t, "{}", 1000); await u.write(Buffer.from("a"))',
	'Upload.finish': 'const u = new n.Upload(); u.start(t, "{}", 1000); await u.finish()',
	'Upload.cancel': 'new n.Upload().cancel()',
};

function exportsOf(native) {
	return Object.entries(native).flatMap(([name, value]) => {
		const members = Object.getOwnPropertyNames(value.prototype ?? {});
		// A plain function has a prototype with its constructor, and nothing else.
		return members.length > 1 ? members.map((member) => `${name}.${member}`) : [name];
	});
}

test('every export is listed here and in the types', () => {
	const native = require('../../native/index.js').load();
	const found = exportsOf(native).sort();
	assert.deepEqual(found, Object.keys(EXPORTS).sort());
	const types = readFileSync(new URL('../../native/index.d.ts', import.meta.url), 'utf8');
	for (const name of found) {
		const member = name.split('.').at(-1);
		if (member !== 'constructor') assert.match(types, new RegExp(`\\b${member}\\(`), name);
	}
});

for (const [name, code] of Object.entries(EXPORTS)) {
	test(`a panic in ${name} is an exception, and the process lives`, async () => {
		assert.ok(
			panicking,
			'AURAREELS_ADDON_THAT_PANICS is not set: start this test with `cargo xtask test --only n8n-package`',
		);
		const program = `
			const { dlopen } = process, module = { exports: {} };
			dlopen(module, ${JSON.stringify(panicking)});
			const n = module.exports, t = { address: 'http://127.0.0.1:1', apiKey: 'k' };
			(async () => {
				try { ${code}; console.log('nothing happened'); }
				catch (error) { console.log('caught: ' + error.message); }
				setTimeout(() => console.log('alive'), 20);
			})();`;
		const env = { ...process.env, AURAREELS_ADDON_PANIC: name };
		const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], {
			env,
			timeout: 60_000,
		});
		assert.match(stdout, new RegExp(`^caught: panic in ${name}: injected panic`, 'm'), stdout);
		assert.match(stdout, /alive/);
	});
}

test('the shipped addon has no hook', () => {
	const shipped = process.report
		.getReport()
		.sharedObjects.find((path) => path.includes('/native/core.'));
	assert.ok(shipped, 'the addon is loaded');
	assert.equal(readFileSync(shipped).includes('AURAREELS_ADDON_PANIC'), false);
	assert.equal(readFileSync(panicking).includes('AURAREELS_ADDON_PANIC'), true);
});
