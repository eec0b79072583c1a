/** Ids as they come out of fields and expressions: numbers, digits, lists of either, "1, 2". */

import { ParameterError } from '../../shared/errors';

/** One account's id. */
export function accountId(value: unknown): number {
	return oneId(
		value,
		'Account',
		'Pick an account from the list, or give the ID that Account: Get Many shows.',
	);
}

/** One post's id. */
export function postId(value: unknown): number {
	return oneId(
		value,
		'Post',
		'Pick a post from the list, or give the ID that Publish, Schedule or Get Many put out.',
	);
}

/** The accounts of a request, each once. */
export function accountIds(value: unknown): number[] {
	const ids = listOf(value).map(accountId);
	if (ids.length === 0) {
		throw new ParameterError(
			'No account is given',
			'Choose at least one account, or check that the expression in "Accounts" gives a list of IDs.',
		);
	}
	return [...new Set(ids)];
}

/** The members of a list, or of a text such as "a, b" or "[1, 2]". */
export function listOf(value: unknown): unknown[] {
	if (Array.isArray(value)) return value.filter((entry) => !isEmpty(entry));
	if (typeof value === 'string') {
		const text = value.trim().replace(/^\[([\s\S]*)\]$/, '$1');
		return text
			.split(/[,\n]/)
			.map((entry) => entry.trim().replace(/^"(.*)"$/, '$1'))
			.filter((entry) => entry !== '');
	}
	return isEmpty(value) ? [] : [value];
}

function oneId(value: unknown, what: string, remedy: string): number {
	if (isEmpty(value)) throw new ParameterError(`No ${what.toLowerCase()} is given`, remedy);
	const text = String(value).trim();
	const id = Number(text);
	if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(id) || id === 0) {
		throw new ParameterError(`${what} ID "${text}" is not a positive whole number`, remedy);
	}
	return id;
}

function isEmpty(value: unknown): boolean {
	return (
		value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
	);
}
