/** Tests a credential against the core: one call that every usable key may make. */

import type {
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	INodeCredentialTestResult,
} from 'n8n-workflow';

import { target } from './core';
import { explain } from './errors';
import { call } from './transport';

/** Named by both nodes as `testedBy`. */
export async function auraReelsApiTest(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	try {
		const core = { target: target(credential.data ?? {}), timeoutMs: 10_000 };
		await call(core, 'AccountService/ListAccounts', { page_size: 1 });
		return { status: 'OK', message: 'Connected to the AuraReels core' };
	} catch (error) {
		const { message, description } = explain(error as Error);
		return { status: 'Error', message: description ? `${message}. ${description}` : message };
	}
}
