/**
 * Turns what went wrong into the errors that n8n shows: a sentence that names the thing, and below it what to do.
 *
 * What the user of the node can mend in the node or the credential is a NodeOperationError; everything that the core, or
 * the way to it, says is a NodeApiError with an HTTP-like code. A failure after which the outcome is unknown says so, and
 * that running again is safe: the core knows the request by its key and never posts twice.
 */

import type { INode, JsonObject } from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { NativeModuleError } from '../../native';
import { CoreError } from './transport';
import { explainUnreachable } from './unreachable';

/** gRPC codes as the HTTP codes that people know. */
const HTTP_CODES: Record<string, string> = {
	CANCELLED: '499',
	INVALID_ARGUMENT: '400',
	DEADLINE_EXCEEDED: '504',
	NOT_FOUND: '404',
	ALREADY_EXISTS: '409',
	PERMISSION_DENIED: '403',
	RESOURCE_EXHAUSTED: '429',
	FAILED_PRECONDITION: '400',
	ABORTED: '409',
	OUT_OF_RANGE: '400',
	UNIMPLEMENTED: '501',
	UNAVAILABLE: '503',
	UNAUTHENTICATED: '401',
};

const RUN_AGAIN =
	'The request may have been completed. Running it again is safe: the core recognises the request and never posts twice.';

/** A mistake in a node's parameters. */
export class ParameterError extends Error {
	constructor(
		message: string,
		/** What to do. */
		readonly description: string,
	) {
		super(message);
		this.name = 'ParameterError';
	}
}

/** The sentence and the remedy for anything that may be thrown. */
export function explain(error: Error): { message: string; description: string } {
	if (error instanceof CoreError) return explainCore(error);
	if (error instanceof ParameterError || error instanceof NativeModuleError) {
		return { message: error.message, description: error.description };
	}
	const description = (error as { description?: unknown }).description;
	return {
		message: error.message,
		description: typeof description === 'string' ? description : '',
	};
}

/** The node's error for anything that was thrown. */
export function nodeError(
	node: INode,
	error: Error,
	itemIndex?: number,
): NodeApiError | NodeOperationError {
	if (error instanceof NodeApiError || error instanceof NodeOperationError) {
		if (itemIndex !== undefined) error.context.itemIndex ??= itemIndex;
		return error;
	}
	const { message, description } = explain(error);
	if (error instanceof CoreError && !isMistakeHere(error)) {
		const { code, reason, metadata } = error.failure;
		const response: JsonObject = { message, code, reason, metadata };
		const httpCode = HTTP_CODES[code] ?? '500';
		return new NodeApiError(node, response, { message, description, httpCode, itemIndex });
	}
	return new NodeOperationError(node, error, { message, description, itemIndex });
}

/**
 * What a failed item says when the workflow goes on. n8n takes an item for a failed one by its keys: `error` and `details` are
 * among those it knows. (An `error` beside the JSON would do too, but then n8n keeps its message alone.)
 */
export function errorItem(error: Error): Record<string, unknown> {
	const { message, description } = explain(error);
	const failure = error instanceof CoreError ? error.failure : undefined;
	return {
		error: message,
		details: {
			description,
			code: failure?.code ?? null,
			reason: failure?.reason ?? null,
			metadata: failure?.metadata ?? {},
		},
	};
}

/** What a failed item says from version 2 of the node on: a word for what became of it, and an error as posts have it. */
export interface ErrorFacts {
	/** Whether it was done: "refused" and "not_sent" say no, "unknown" that running it again is safe and tells. */
	status: 'refused' | 'not_sent' | 'unknown';
	sentence: string;
	code: string;
	message: string;
	remediation: string;
	/** Whether doing the same again may go well. */
	retryable: boolean;
}

/** Codes of refusals that pass by themselves. */
const PASSING = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'ABORTED', 'DEADLINE_EXCEEDED'];

/** The facts about anything that may be thrown. */
export function errorFacts(error: Error): ErrorFacts {
	const { message, description } = explain(error);
	const said = { sentence: message, message, remediation: description };
	if (!(error instanceof CoreError)) {
		return { ...said, status: 'not_sent', code: 'PARAMETER_INVALID', retryable: false };
	}
	const { reason, code } = error.failure;
	const facts = { ...said, code: reason || code };
	switch (reason) {
		case 'CONNECTION_LOST':
		case 'NO_ANSWER':
		case 'CANCELLED':
		case 'PROCESS_ENDS':
		case 'ANSWER_UNREADABLE':
		case 'ADDON_BUG':
			return { ...facts, status: 'unknown', retryable: true };
		case 'CORE_UNREACHABLE':
			return { ...facts, status: 'not_sent', retryable: true };
		default:
			if (isMistakeHere(error)) return { ...facts, status: 'not_sent', retryable: false };
			return { ...facts, status: 'refused', retryable: PASSING.includes(code) };
	}
}

/** Whether the credential or the node's own parameters are at fault, and nothing was asked of the core. */
function isMistakeHere(error: CoreError): boolean {
	const { reason } = error.failure;
	return (
		reason === 'ADDRESS_INVALID' ||
		reason === 'CERTIFICATE_INVALID' ||
		reason === 'CREDENTIAL_INVALID' ||
		reason === 'REQUEST_INVALID'
	);
}

function explainCore(error: CoreError): { message: string; description: string } {
	const { failure, address } = error;
	switch (failure.reason) {
		case 'CORE_UNREACHABLE':
			return explainUnreachable(error);
		case 'CONNECTION_LOST':
			return {
				message: `The connection to the AuraReels core at ${address} was lost`,
				description: `${RUN_AGAIN} (${failure.message})`,
			};
		case 'NO_ANSWER':
			return {
				message: `The AuraReels core did not respond within ${error.timeoutMs / 1000} s`,
				description: `${RUN_AGAIN} To wait longer, increase the option "Timeout".`,
			};
		case 'PROCESS_ENDS':
			return {
				message: 'n8n was stopped while the node waited for the result',
				description:
					'AuraReels continues with the post. Run the node again to get the result. This is safe: the core recognises the request and never posts twice.',
			};
		case 'CANCELLED':
			return { message: 'The execution was stopped', description: RUN_AGAIN };
		case 'ADDRESS_INVALID':
		case 'CERTIFICATE_INVALID':
		case 'CREDENTIAL_INVALID':
			return {
				message: sentence(failure.message),
				description: "Correct it in the AuraReels API credential or in the node's options.",
			};
	}
	if (failure.code === 'UNAUTHENTICATED') {
		return {
			message: 'The AuraReels core refused the API key',
			description: lines([
				failure.message,
				failure.metadata.remedy,
				'Create a key with "aurareels api-key create" and enter it in the AuraReels API credential.',
			]),
		};
	}
	const fields = failure.fieldViolations
		.filter(({ description }) => !description.includes(failure.message))
		.map(({ field, description }) => `"${field}": ${description}`);
	return {
		message: sentence(failure.message || failure.reason || failure.code),
		description: lines([failure.metadata.remedy, ...fields]),
	};
}

/** The core's messages begin small and have no full stop; in n8n they stand as sentences. */
function sentence(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}

function lines(parts: Array<string | undefined>): string {
	const texts = parts.filter((part): part is string => !!part).map(sentence);
	return texts.map((text) => (/[.!?]$/.test(text) ? text : `${text}.`)).join(' ');
}
