import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { ListAnalyticsRequestInput } from '../../../shared/api';
import { call } from '../../../shared/transport';
import { choice, fieldOf, flag } from '../../../shared/values';
import { limitFields, readAll } from '../../fields/limit';
import { optionsField } from '../../fields/options';
import { platformField } from '../../fields/platform';
import type { Operation } from '../../operation';
import { accountId } from '../../read/ids';
import { numbersOf } from '../../read/numbers';
import { instant } from '../../read/time';
import { success } from '../../results';

const filters: INodeProperties = {
	displayName: 'Filters',
	name: 'filters',
	type: 'collection',
	placeholder: 'Add filter',
	default: {},
	options: [
		{
			displayName: 'Account Name or ID',
			name: 'accountId',
			type: 'options',
			typeOptions: { loadOptionsMethod: 'getAccounts' },
			default: '',
			description:
				'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
		},
		{
			displayName: 'From',
			name: 'from',
			type: 'dateTime',
			default: '',
			description:
				'Only posts published at or after this time. Defaults to 30 days before the end.',
		},
		{
			displayName: 'Include History',
			name: 'withHistory',
			type: 'boolean',
			default: false,
			description: 'Whether to include the development of each number over time',
		},
		platformField,
		{
			displayName: 'Until',
			name: 'until',
			type: 'dateTime',
			default: '',
			description: 'Only posts published before this time. Defaults to now.',
		},
	],
};

/** Posts with their numbers, newest first. */
export const getAll: Operation = {
	option: {
		name: 'Get Many',
		value: 'getAll',
		action: 'Get the analytics of many posts',
		description: 'Get the analytics of posts published in a period of time, newest first',
	},
	fields: [...limitFields, filters, optionsField()],
	async execute(work) {
		const given = work.node.getNodeParameter('filters', work.item, {}) as IDataObject;
		const request: ListAnalyticsRequestInput = {
			with_history: flag(given.withHistory, 'Include History') ?? false,
		};
		if (given.accountId) request.social_account_id = accountId(given.accountId);
		if (given.from) request.since = instant(given.from);
		if (given.until) request.until = instant(given.until);
		request.platform = choice(fieldOf(filters, 'platform'), given.platform) ?? null;
		const posts = await readAll(work, async (page) => {
			const answer = await call(work.core, 'AnalyticsService/ListAnalytics', {
				...request,
				...page,
			});
			return { entries: answer.posts, next_page_token: answer.next_page_token };
		});
		return posts.map((post) => success(numbersOf(post)));
	},
};
