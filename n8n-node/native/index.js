'use strict';

// Loads the native code of this version, once, when it is first needed: a package whose binary is missing still shows
// its nodes, and the node says what to do.
//
// Every name is written out, so that nothing is guessed from the environment. musl comes before glibc: a musl binary
// fails cleanly on glibc, but not the other way round where Alpine has its glibc shim. The version stands in the file's
// name because Node never loads a second file of the same path: with it, an update brings new native code at once.

const CANDIDATES = [
	['linux-x64-musl', () => require('./core.linux-x64-musl.v0-1-0.node')],
	['linux-x64-gnu', () => require('./core.linux-x64-gnu.v0-1-0.node')],
	['linux-arm64-musl', () => require('./core.linux-arm64-musl.v0-1-0.node')],
	['linux-arm64-gnu', () => require('./core.linux-arm64-gnu.v0-1-0.node')],
	['darwin-arm64', () => require('./core.darwin-arm64.v0-1-0.node')],
	['darwin-x64', () => require('./core.darwin-x64.v0-1-0.node')],
	['win32-x64-msvc', () => require('./core.win32-x64-msvc.v0-1-0.node')],
	['win32-arm64-msvc', () => require('./core.win32-arm64-msvc.v0-1-0.node')],
];

/** The native module does not load here. `attempts` says of each binary in the package why. */
class NativeModuleError extends Error {
	constructor(attempts) {
		super(`AuraReels has no native module for ${platform()}`);
		this.name = 'NativeModuleError';
		this.attempts = attempts;
		const supported = CANDIDATES.map(([name]) => name).join(', ');
		const tried = attempts.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
		this.description =
			`Binaries exist for ${supported}. ` +
			(attempts.length > 0
				? `This package has some, but none of them loads here (${tried}). `
				: 'This package has none of them. ') +
			'Install the package again from npm, so that all of its files are there, and restart n8n. ' +
			'On another platform, build the binary yourself with "npm run build:native" in the n8n-node folder of the AuraReels repository.';
	}
}

/** "Linux x86_64" where Node tells (from version 21 on). */
function platform() {
	return typeof navigator === 'object' && navigator.platform ? navigator.platform : 'this platform';
}

let loaded;

/** The native module, or a NativeModuleError. */
function load() {
	if (loaded) return loaded;
	const attempts = [];
	for (const [name, open] of CANDIDATES) {
		try {
			loaded = open();
			return loaded;
		} catch (error) {
			// A binary that is not in the package is not worth a word; one that is there and does not load is.
			if (error.code !== 'MODULE_NOT_FOUND') attempts.push({ name, reason: error.message.split('\n')[0] });
		}
	}
	throw new NativeModuleError(attempts);
}

module.exports = { CANDIDATES, NativeModuleError, load };
