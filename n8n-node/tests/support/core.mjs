// The running core that `cargo xtask test --only addon` starts for these tests, and its simulator.

import assert from 'node:assert/strict';

import { Browser } from '../../../tests/clients/node/browser.js';
import { run } from './fake-n8n.mjs';

function setting(name) {
	const value = process.env[name];
	assert.ok(
		value,
		`${name} is not set: start this test with \`cargo xtask test --only n8n-package\``,
	);
	return value;
}

export const address = setting('AURAREELS_ADDRESS');
export const control = setting('AURAREELS_SIMULATOR_CONTROL');
export const mediaUrl = setting('AURAREELS_SIMULATOR_MEDIA');
export const credentials = {
	address,
	apiKey: setting('AURAREELS_API_KEY'),
	userId: '',
	caCertificate: '',
};

/** Runs the node against the core. */
export async function runNode(parameters, options = {}) {
	return await run(parameters, { credentials, ...options });
}

/** Runs the node and returns the one item of its first output. */
export async function one(parameters, options) {
	const [success, attention] = await runNode(parameters, options);
	assert.deepEqual(attention, [], 'nothing needs attention');
	assert.equal(success.length, 1);
	return success[0].json;
}

/** Connects an account through the platform's consent page; returns it. */
export async function connect(platform) {
	const { auth_url } = await one({ resource: 'account', operation: 'connect', platform });
	// The core's own callback page ends the connection, in the browser that began it.
	const browser = new Browser();
	await browser.fetch(await browser.decide(auth_url));
	const [accounts] = await runNode({
		resource: 'account',
		operation: 'getAll',
		returnAll: true,
		filters: { platform, active: true },
	});
	assert.ok(accounts.length > 0, `no ${platform} account was connected`);
	return accounts[0].json;
}

/** The parameters of a publication by URL on one account. */
export function publication(account, name, more = {}) {
	return {
		resource: 'post',
		operation: 'publish',
		platform: account.platform,
		account: { __rl: true, mode: 'id', value: String(account.id) },
		videoSource: 'url',
		videoUrl: `${mediaUrl}/v/${name}.mp4`,
		caption: `Made by the n8n node: ${name}`,
		...(account.platform === 'tiktok' ? { privacyLevel: 'PUBLIC_TO_EVERYONE' } : {}),
		...more,
	};
}

/** A post by its id. */
export function byId(operation, post, more = {}) {
	const postId = { __rl: true, mode: 'id', value: String(post.id) };
	return { resource: 'post', operation, postId, ...more };
}

/** Posts that the simulated platforms show with this text in their caption. */
export async function visible(text) {
	const { posts } = await (await fetch(`${control}/_sim/posts`)).json();
	return posts.filter((post) => post.caption.includes(text));
}
