/** The core that a node talks to: its credential, the user it acts for, and its deadline. */

import type {
	ICredentialDataDecryptedObject,
	IExecuteFunctions,
	ILoadOptionsFunctions,
	ITriggerFunctions,
} from 'n8n-workflow';

import type { Target } from '../../native';
import { normalPem } from './certificate';
import type { Core } from './transport';
import { text, whole } from './values';

/** Seconds that a call may take where the node says nothing else. */
export const DEFAULT_TIMEOUT_SECONDS = 60;

/** The credential type. */
export const CREDENTIAL = 'auraReelsApi';

/** A credential's data as the native module takes it. `userId` of the node wins over the credential's. */
export function target(data: ICredentialDataDecryptedObject, userId?: unknown): Target {
	const text = (value: unknown) =>
		value === undefined || value === null ? '' : String(value).trim();
	return {
		address: text(data.address),
		apiKey: text(data.apiKey),
		userId: text(userId) || text(data.userId),
		caCertificate: normalPem(text(data.caCertificate)),
	};
}

/** The core for one item. */
export async function coreFor(context: IExecuteFunctions, item: number): Promise<Core> {
	const options = context.getNodeParameter('options', item, {}) as {
		userId?: unknown;
		timeoutSeconds?: unknown;
	};
	const seconds = whole(options.timeoutSeconds, 'Timeout', 'Enter seconds, such as 60.');
	return {
		target: target(await context.getCredentials(CREDENTIAL, item), text(options.userId, 'User ID')),
		timeoutMs: 1000 * (seconds || DEFAULT_TIMEOUT_SECONDS),
		signal: context.getExecutionCancelSignal(),
	};
}

/** The core for lists in the editor, where nobody wants to wait long. */
export async function coreForLists(context: ILoadOptionsFunctions): Promise<Core> {
	const chosen = context.getCurrentNodeParameter('options.userId');
	// An expression has no value in the editor: the credential's user then decides what is listed.
	const userId = String(chosen ?? '').startsWith('=') ? undefined : chosen;
	return {
		target: target(await context.getCredentials(CREDENTIAL), userId),
		timeoutMs: 15_000,
	};
}

/** The core for a trigger. */
export async function coreForTrigger(context: ITriggerFunctions, userId: unknown): Promise<Core> {
	return {
		target: target(await context.getCredentials(CREDENTIAL), userId),
		timeoutMs: 15_000,
	};
}
