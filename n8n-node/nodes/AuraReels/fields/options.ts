/** The options that every operation has, and those that several share. */

import type { IDataObject, INodeProperties } from 'n8n-workflow';

import { DEFAULT_TIMEOUT_SECONDS } from '../../shared/core';
import { whole } from '../../shared/values';
import { fromVersion2, inVersion1 } from './versions';

const timeout: INodeProperties = {
	displayName: 'Timeout (Seconds)',
	name: 'timeoutSeconds',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 3600 },
	default: DEFAULT_TIMEOUT_SECONDS,
	description: 'How long to wait for each response from the core',
};

const userId: INodeProperties = {
	displayName: 'User ID',
	name: 'userId',
	type: 'string',
	default: '',
	placeholder: 'e.g. 1 or {{ $json.body.user_id }}',
	description:
		"The user to act for, instead of the credential's user. Requires an API key created with --any-user.",
};

/** Where a time without an offset is read. */
export const timeZone: INodeProperties = {
	displayName: 'Time Zone',
	name: 'timeZone',
	type: 'string',
	default: '',
	placeholder: 'e.g. Europe/Berlin',
	description:
		"The IANA time zone for times without an offset. Leave empty to use the workflow's time zone.",
};

/** Change only what was seen. */
export const revision: INodeProperties = {
	displayName: 'Revision',
	name: 'revision',
	type: 'number',
	default: 0,
	description:
		"Changes the post only if it still has this revision, so that nobody else's change is overwritten. 0 means any revision.",
};

/** Reads it: what cannot be read must not count as "any". */
export function readRevision(options: IDataObject): number | null {
	return (
		whole(
			options.revision,
			'Revision',
			'Enter the "revision" that the post had when you read it.',
		) || null
	);
}

/** The collection of options of an operation that has a time: its zone is among them in version 1 only. */
export function optionsWithZone(...own: INodeProperties[]): INodeProperties[] {
	return [inVersion1(optionsField(...own, timeZone)), fromVersion2(optionsField(...own))];
}

/** The collection of options of one operation. */
export function optionsField(...own: INodeProperties[]): INodeProperties {
	return {
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [...own, timeout, userId].sort((a, b) => a.displayName.localeCompare(b.displayName)),
	};
}
