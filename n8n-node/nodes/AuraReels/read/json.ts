/** JSON objects as they come out of fields: typed as text, or given by an expression. */

import type { IDataObject } from 'n8n-workflow';

import { ParameterError } from '../../shared/errors';

/** An object, or `undefined` when the field is empty. */
export function jsonObject(value: unknown, field: string): IDataObject | undefined {
	if (typeof value === 'string' && value.trim() === '') return undefined;
	const parsed = typeof value === 'string' ? parse(value) : value;
	if (parsed instanceof SyntaxError) {
		throw new ParameterError(
			`"${field}" is not valid JSON`,
			`Enter an object such as {"campaign": "summer"} (${parsed.message}).`,
		);
	}
	if (parsed === undefined || parsed === null) return undefined;
	if (typeof parsed !== 'object' || Array.isArray(parsed)) {
		throw new ParameterError(
			`"${field}" is not a JSON object`,
			'Enter an object such as {"campaign": "summer"}.',
		);
	}
	return parsed as IDataObject;
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		return error;
	}
}
