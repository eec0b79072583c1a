/**
 * Tests a credential against the core, and says in words of n8n's user what is wrong with it.
 *
 * Two calls: one that reads, and one that would write if it named something. The second can do nothing: it cancels the
 * post 0, which never exists; it only shows whether the key may publish.
 */

import type {
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	INodeCredentialTestResult,
} from 'n8n-workflow';

import { faultOfPem } from './certificate';
import { target } from './core';
import { explain } from './errors';
import { call, type Core, CoreError } from './transport';

const MAKE_KEY = 'aurareels api-key create --user 1 --scopes read,publish';

/** Named by both nodes as `testedBy`. */
export async function auraReelsApiTest(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	const core: Core = { target: target(credential.data ?? {}), timeoutMs: 10_000 };
	const wrong = (await faultOf(core).catch((error: Error) => sentences(error))) ?? '';
	return wrong === ''
		? { status: 'OK', message: 'Connected to the AuraReels core' }
		: { status: 'Error', message: wrong };
}

/** What is wrong; nothing when the key may read and publish. */
async function faultOf(core: Core): Promise<string | undefined> {
	const { address, apiKey, caCertificate } = core.target;
	if (!address) return 'The address is empty. Enter one such as http://localhost:50051.';
	if (!apiKey) return `The API key is empty. Create one on the core with "${MAKE_KEY}".`;
	if (caCertificate) {
		const fault = faultOfPem(caCertificate);
		if (fault)
			return `${fault}. Paste the certificate of the CA that signed the core's certificate.`;
		if (address.startsWith('http:')) {
			return 'There is a CA certificate, but the address starts with http://, which does not use it. Use https://, or remove the certificate.';
		}
	}
	const read = await refusal(async () => {
		await call(core, 'AccountService/ListAccounts', { page_size: 1 });
	});
	if (read && !isScope(read)) return await why(core, read);
	const write = await refusal(async () => {
		await call(core, 'PostService/CancelPost', { id: 0 });
	});
	const canWrite = !write || !isScope(write);
	if (read) {
		return canWrite
			? `This key can publish, but not read, and nodes need to read for their lists and results. Create a key that can do both with "${MAKE_KEY}".`
			: await why(core, read);
	}
	if (!canWrite) {
		return `This key can read, but not publish. That is enough to read posts and accounts and for the trigger. Create a key that can do both with "${MAKE_KEY}".`;
	}
	return undefined;
}

async function refusal(body: () => Promise<void>): Promise<CoreError | undefined> {
	return await body().then(
		() => undefined,
		async (error: Error) => (error instanceof CoreError ? error : await Promise.reject(error)),
	);
}

/** Whether the key is known and lacks the right to do this. */
function isScope({ failure }: CoreError): boolean {
	return failure.code === 'PERMISSION_DENIED' && /\bscope\b/.test(failure.message);
}

/** The core's refusal, or what stands at the address instead of a core. */
async function why(core: Core, error: CoreError): Promise<string> {
	const { failure, address } = error;
	const { userId } = core.target;
	if (/any user/.test(failure.message) && !userId) {
		return 'This key can act for any user, but "User ID" is empty. Enter the ID of the user to act for.';
	}
	if (failure.code === 'PERMISSION_DENIED' && userId) {
		return `This key cannot act for user ${userId}. Leave "User ID" empty, or use a key of that user.`;
	}
	if (failure.code === 'UNAUTHENTICATED') {
		return `The AuraReels core refused the API key: it is unknown or was revoked. Check it for typos, or create one with "${MAKE_KEY}".`;
	}
	if (failure.reason === 'CONNECTION_LOST' && address.startsWith('http:')) {
		const secure = { ...core.target, address: address.replace('http:', 'https:') };
		if (await speaksTls({ ...core, target: secure })) {
			return `The server at ${address} uses https. Change http:// to https:// in the address.`;
		}
	}
	if (isForeign(error)) {
		return `The server at ${address} is not an AuraReels core. Check the host and port. A proxy in front of the core must support HTTP/2.`;
	}
	if (failure.reason === 'CONNECTION_LOST') {
		return `The server at ${address} closed the connection without a response. It is not an AuraReels core, or it was shutting down. Check the host and port. A proxy in front of the core must support HTTP/2.`;
	}
	if (failure.reason === 'NO_ANSWER') {
		return `The server at ${address} did not respond within ${error.timeoutMs / 1000} s. Check the host and port.`;
	}
	return sentences(error);
}

/** A core's refusals carry a reason; what has none was said by something else. */
function isForeign({ failure }: CoreError): boolean {
	if (failure.reason === 'CONNECTION_LOST')
		return /h2 protocol error|frame with/.test(failure.message);
	return !failure.reason;
}

async function speaksTls(core: Core): Promise<boolean> {
	const error = await refusal(async () => {
		await call(core, 'AccountService/ListAccounts', { page_size: 1 });
	});
	return (
		error?.failure.reason !== 'CORE_UNREACHABLE' ||
		/certificate|NoApplicationProtocol/i.test(error.failure.message)
	);
}

function sentences(error: Error): string {
	const { message, description } = explain(error);
	const first = /[.!?]$/.test(message) ? message : `${message}.`;
	return `${first} ${description}`.trim();
}
