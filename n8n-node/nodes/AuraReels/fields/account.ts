/** The account that an operation is about: picked from a searchable list, or by its id. */

import type { INodeProperties } from 'n8n-workflow';

import type { Work } from '../operation';
import { accountId } from '../read/ids';

export const accountField: INodeProperties = {
	displayName: 'Account',
	name: 'account',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	required: true,
	description:
		'The connected account. The list shows its platform, its health and how many posts are left.',
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Select an account...',
			typeOptions: { searchListMethod: 'searchAccounts', searchable: true },
		},
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: 'e.g. 12',
			hint: "AuraReels' own ID of the account, as Account: Get Many shows it",
			validation: [
				{
					type: 'regex',
					properties: {
						regex: '^\\s*[0-9]+\\s*$',
						errorMessage: 'An account ID is a whole number',
					},
				},
			],
		},
	],
};

/** Reads it. */
export function readAccount(work: Work): number {
	const value = work.node.getNodeParameter('account', work.item, '', { extractValue: true });
	return accountId(value);
}
