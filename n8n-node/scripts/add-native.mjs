// The last step of the build: `n8n-node build` copies neither plain JavaScript nor binaries, so this does.
//
// Only binaries of this version are taken; without any there is nothing to ship, and the build fails.

import { cpSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const ending = `.v${version.replaceAll('.', '-')}.node`;
const from = join(root, 'native');
const to = join(root, 'dist', 'native');
const binaries = readdirSync(from).filter(
	(name) => name.startsWith('core.') && name.endsWith(ending),
);
if (binaries.length === 0) {
	console.error(`native/ has no binary of version ${version}: run "npm run build:native" first`);
	process.exit(1);
}
mkdirSync(to, { recursive: true });
for (const name of ['index.js', 'index.d.ts', ...binaries]) {
	cpSync(join(from, name), join(to, name));
}
console.log(`dist/native: ${binaries.join(', ')}`);
