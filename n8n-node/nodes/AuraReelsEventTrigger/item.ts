/** What a workflow gets of an event, and what it asked for. */

import type { IDataObject, INodeExecutionData, ITriggerFunctions } from 'n8n-workflow';

import { accountId, listOf } from '../AuraReels/read/ids';
import type { Event } from '../shared/api';
import { ParameterError } from '../shared/errors';
import type { Wanted } from './kinds';

/** Reads what the workflow starts on. */
export function readWanted(node: ITriggerFunctions, options: IDataObject): Wanted {
	const kinds = node.getNodeParameter('events') as string[];
	if (kinds.length === 0) {
		throw new ParameterError('No event is selected', 'Select at least one in "Events".');
	}
	return {
		kinds,
		accountIds: listOf(options.accountIds).map(accountId),
		platforms: listOf(options.platforms).map(String),
	};
}

/** The item of an event. */
export function eventItem(event: Event, kind: string): INodeExecutionData {
	const {
		sequence,
		type,
		created_at,
		post_id,
		account_id,
		previous_status,
		status,
		reason,
		post,
		account,
	} = event;
	return {
		json: {
			event_id: `aurareels-${sequence}`,
			sequence,
			event: kind,
			type,
			created_at,
			post_id: post_id || null,
			account_id: account_id || null,
			previous_status,
			status,
			reason,
			post: post as unknown as IDataObject | null,
			account: account as unknown as IDataObject | null,
		},
	};
}
