import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { ListAccountsRequestInput } from '../../../shared/api';
import { call } from '../../../shared/transport';
import { limitFields, readAll } from '../../fields/limit';
import { optionsField } from '../../fields/options';
import { platformField } from '../../fields/platform';
import type { Operation } from '../../operation';
import { choice, fieldOf, flag } from '../../../shared/values';
import { success } from '../../results';

const filters: INodeProperties = {
	displayName: 'Filters',
	name: 'filters',
	type: 'collection',
	placeholder: 'Add filter',
	default: {},
	options: [
		{
			displayName: 'Active',
			name: 'active',
			type: 'boolean',
			default: true,
			description:
				'Whether to get connected accounts (on) or disconnected ones (off). Without this filter, both are returned.',
		},
		platformField,
	],
};

/** The user's accounts, newest first. */
export const getAll: Operation = {
	option: {
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many accounts',
		description: 'Get the connected accounts, newest first',
	},
	fields: [...limitFields, filters, optionsField()],
	async execute(work) {
		const given = work.node.getNodeParameter('filters', work.item, {}) as IDataObject;
		const request: ListAccountsRequestInput = {
			platform: choice(fieldOf(filters, 'platform'), given.platform) ?? null,
			active: flag(given.active, 'Active') ?? null,
		};
		const accounts = await readAll(work, async (page) => {
			const answer = await call(work.core, 'AccountService/ListAccounts', { ...request, ...page });
			return { entries: answer.accounts, next_page_token: answer.next_page_token };
		});
		return accounts.map((account) => success(account));
	},
};
