/** The account that an operation is about: picked from a searchable list, by its ID, or by its handle. */

import type { INodeProperties } from 'n8n-workflow';

import type { Work } from '../operation';
import { resolveAccount } from '../read/accounts';

export const accountField: INodeProperties = {
	displayName: 'Account',
	name: 'account',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	required: true,
	description:
		'The connected account. The list shows its platform, its health, and how many posts are left.',
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
			hint: "The account's ID in AuraReels, from Account: Get Many",
			validation: [
				{
					type: 'regex',
					properties: {
						regex: '^\\s*[0-9]+\\s*$',
						errorMessage: 'The account ID must be a whole number',
					},
				},
			],
		},
		{
			displayName: 'By Handle',
			name: 'handle',
			type: 'string',
			placeholder: 'e.g. @nathan',
			hint: 'If two platforms have the same handle: tiktok:@nathan',
		},
	],
};

/** Reads it. */
export async function readAccount(work: Work): Promise<number> {
	const value = work.node.getNodeParameter('account', work.item, '', { extractValue: true });
	return await resolveAccount(work, value);
}
