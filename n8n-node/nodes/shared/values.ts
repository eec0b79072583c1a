/**
 * Texts, yes and no, and numbers as expressions and spreadsheets give them.
 *
 * An expression may put anything into a field: an object where a text is wanted, "TRUE" where n8n has a switch, an empty cell. What
 * is meant is understood; anything else is refused by the field's name. Nothing is posted as "[object Object]", and no switch is off
 * because its cell said "yes".
 */

import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

import { ParameterError } from './errors';

/** A text, trimmed; empty when nothing is given. */
export function text(value: unknown, field: string): string {
	if (value === undefined || value === null) return '';
	if (typeof value !== 'object' || value instanceof Date) return String(value).trim();
	const luxon = value as { toISO?: () => string | null };
	if (typeof luxon.toISO === 'function') return luxon.toISO() ?? '';
	throw new ParameterError(
		`"${field}" must be text, but is ${Array.isArray(value) ? 'a list' : 'an object'}: ${shown(value)}`,
		`Change the expression in "${field}" so that it returns a single value, such as {{ $json.text }}.`,
	);
}

/** A list of texts. */
export function texts(values: unknown[], field: string): string[] {
	return values.map((value) => text(value, field)).filter((one) => one !== '');
}

const YES = ['true', 'yes', 'on', '1'];
const NO = ['false', 'no', 'off', '0'];

/** Yes or no; `undefined` when nothing is given, as an empty cell of a spreadsheet. */
export function flag(value: unknown, field: string): boolean | undefined {
	if (typeof value === 'boolean') return value;
	const word = text(value, field).toLowerCase();
	if (word === '') return undefined;
	if (YES.includes(word)) return true;
	if (NO.includes(word)) return false;
	throw new ParameterError(
		`"${field}" must be true or false, but is "${shown(value)}"`,
		'Besides true and false, "yes", "no", "on", "off", 1, and 0 are accepted.',
	);
}

/** A whole number that is not negative; `undefined` when nothing is given. */
export function whole(value: unknown, field: string, example: string): number | undefined {
	const given = text(value, field);
	if (given === '') return undefined;
	const found = Number(given);
	if (!Number.isSafeInteger(found) || found < 0) {
		throw new ParameterError(`"${field}" must be a whole number, but is "${given}"`, example);
	}
	return found;
}

/** One entry of a field's list, by its value or by its name as people read it; `undefined` when nothing is given. */
export function choice<T>(list: INodeProperties, value: unknown): T | undefined {
	const given = text(value, list.displayName);
	if (given === '') return undefined;
	const entries = (list.options ?? []) as INodePropertyOptions[];
	const isGiven = (word: unknown) => String(word).toLowerCase() === given.toLowerCase();
	const found = entries.find((entry) => isGiven(entry.value) || isGiven(entry.name));
	if (found) return found.value as T;
	const words = entries.map((entry) => entry.value).filter((word) => word !== '');
	throw new ParameterError(
		`"${list.displayName}" cannot be "${given}"`,
		`Select a value from the list, or use one of: ${words.join(', ')}.`,
	);
}

/** The field of this name in a collection. */
export function fieldOf(collection: INodeProperties, name: string): INodeProperties {
	const found = collection.options?.find((option) => option.name === name);
	return found as INodeProperties;
}

function shown(value: unknown): string {
	const all = typeof value === 'object' ? JSON.stringify(value) : String(value);
	return all.length > 60 ? `${all.slice(0, 59)}…` : all;
}
