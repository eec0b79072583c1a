// What n8n demands of a package, where its linter does not look.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const about = JSON.parse(read('package.json'));

test('the loader asks for the binaries of this very version, musl before glibc', () => {
	const version = about.version.replaceAll('.', '-');
	const names = [...read('native/index.js').matchAll(/require\('\.\/(.*)'\)/g)].map(
		([, name]) => name,
	);
	assert.equal(names.length, 8);
	for (const name of names)
		assert.match(name, new RegExp(`^core\\.[a-z0-9-]+\\.v${version}\\.node$`));
	for (const arch of ['x64', 'arm64']) {
		const at = (libc) => names.findIndex((name) => name.includes(`linux-${arch}-${libc}`));
		assert.ok(at('musl') >= 0 && at('musl') < at('gnu'));
	}
	assert.match(
		read('../Cargo.toml'),
		new RegExp(`^version = "${about.version.replaceAll('.', '\\.')}"$`, 'm'),
	);
});

test('installing runs nothing and needs nothing', () => {
	const lifecycle = ['prepare', 'preinstall', 'install', 'postinstall', 'prepublish'];
	assert.deepEqual(
		Object.keys(about.scripts).filter((name) => lifecycle.includes(name)),
		[],
	);
	assert.equal(about.dependencies, undefined);
	assert.equal(about.optionalDependencies, undefined);
	assert.deepEqual(about.peerDependencies, { 'n8n-workflow': '*' });
});

test('pictures for people stay out of the package', () => {
	assert.ok(about.files.includes('!dist/screenshots'));
});

test('the lock file names no registry', () => {
	assert.doesNotMatch(read('package-lock.json'), /"resolved"/);
});

test('a platform without a binary reads what to do', () => {
	const { NativeModuleError } = require('../../native/index.js');
	const error = new NativeModuleError([{ name: 'linux-x64-gnu', reason: 'invalid ELF header' }]);
	assert.match(error.message, /^AuraReels has no native module for /);
	assert.match(error.description, /linux-x64-musl/);
	assert.match(error.description, /linux-x64-gnu: invalid ELF header/);
	assert.match(error.description, /npm run build:native/);
});

test('both nodes test the credential by themselves', () => {
	for (const name of ['AuraReels', 'AuraReelsEventTrigger']) {
		const type = new (require(`../../dist/nodes/${name}/${name}.node.js`)[name])();
		const [credential] = type.description.credentials;
		assert.equal(credential.name, 'auraReelsApi');
		assert.equal(typeof type.methods.credentialTest[credential.testedBy], 'function');
		const codex = JSON.parse(read(`nodes/${name}/${name}.node.json`));
		assert.equal(codex.node, `${about.name}.${type.description.name}`);
	}
});
