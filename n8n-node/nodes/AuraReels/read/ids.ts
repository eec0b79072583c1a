/** Ids as they come out of fields and expressions: numbers, digits, lists of either, "1, 2". */

import { ParameterError } from '../../shared/errors';
import { text, texts } from '../../shared/values';

/** One account's id. */
export function accountId(value: unknown): number {
	return oneId(
		value,
		'Account',
		'Select an account from the list, or use an ID from Account: Get Many.',
	);
}

/** One post's id. */
export function postId(value: unknown): number {
	return oneId(
		value,
		'Post',
		'Select a post from the list, or use an ID from Publish, Schedule, or Get Many.',
	);
}

/** The members of a list, or of a text such as "a, b" or "[1, 2]". */
export function listOf(value: unknown): unknown[] {
	if (Array.isArray(value)) return value.filter((entry) => !isEmpty(entry));
	if (typeof value === 'string') {
		const list = jsonList(value);
		if (list) return listOf(list);
		return value
			.trim()
			.replace(/^\[([\s\S]*)\]$/, '$1')
			.split(/[,\n]/)
			.map((entry) => entry.trim().replace(/^"(.*)"$/, '$1'))
			.filter((entry) => entry !== '');
	}
	return isEmpty(value) ? [] : [value];
}

/** A list in JSON, as a language model or a webhook's form gives it. */
function jsonList(text: string): unknown[] | undefined {
	if (!/^\s*\[/.test(text)) return undefined;
	try {
		const found: unknown = JSON.parse(text);
		return Array.isArray(found) ? found : undefined;
	} catch {
		return undefined;
	}
}

/** Hashtags: a list of them, or "#a #b" as they stand in a caption. */
export function hashtagsOf(value: unknown): string[] {
	const isRow = typeof value === 'string' && /^\s*#[^\s,]+(\s+#[^\s,]+)+\s*$/.test(value);
	return texts(listOf(isRow ? value.trim().split(/\s+/) : value), 'Hashtags');
}

function oneId(value: unknown, what: string, remedy: string): number {
	if (isEmpty(value)) throw new ParameterError(`No ${what.toLowerCase()} is selected`, remedy);
	const given = text(value, what);
	const id = Number(given);
	// Some spreadsheets write whole numbers as 7.0.
	if (!/^[0-9]+(\.0+)?$/.test(given) || !Number.isSafeInteger(id) || id === 0) {
		throw new ParameterError(`${what} ID "${given}" is not a positive whole number`, remedy);
	}
	return id;
}

function isEmpty(value: unknown): boolean {
	return (
		value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
	);
}
