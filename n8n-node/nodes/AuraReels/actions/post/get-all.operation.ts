import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { ListPostsRequestInput, PostStatus } from '../../../shared/api';
import { call } from '../../../shared/transport';
import { limitFields, readAll } from '../../fields/limit';
import { simplify } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { platformField } from '../../fields/platform';
import type { Operation } from '../../operation';
import { accountId, listOf } from '../../read/ids';
import { instant } from '../../read/time';
import { choice, fieldOf, text } from '../../../shared/values';
import { readPost } from '../../results';

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
				'Only posts whose scheduled time is at or after this. For posts without one, the creation time counts.',
		},
		platformField,
		{
			displayName: 'Statuses',
			name: 'statuses',
			type: 'multiOptions',
			options: [
				{ name: 'Cancelled', value: 'cancelled' },
				{
					name: 'Confirming',
					value: 'confirming',
					description: 'It may be live, and AuraReels is finding out',
				},
				{ name: 'Delivered', value: 'delivered', description: "In the creator's TikTok inbox" },
				{ name: 'Draft', value: 'draft' },
				{ name: 'Failed', value: 'failed' },
				{
					name: 'Needs Review',
					value: 'needs_review',
					description: 'It may be live, and a person has to check',
				},
				{ name: 'Published', value: 'published' },
				{ name: 'Publishing', value: 'publishing' },
				{ name: 'Scheduled', value: 'scheduled' },
			],
			default: [],
		},
		{
			displayName: 'Until',
			name: 'until',
			type: 'dateTime',
			default: '',
			description: 'Only posts whose scheduled time is before this',
		},
		{
			displayName: 'Video Job ID',
			name: 'videoJobId',
			type: 'string',
			default: '',
			placeholder: 'e.g. render-2041',
		},
	],
};

/** Posts that fit a filter, newest first. */
export const getAll: Operation = {
	option: {
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many posts',
		description: 'Get posts that match a filter, newest first',
	},
	fields: [...limitFields, simplify, filters, optionsField()],
	async execute(work) {
		const given = work.node.getNodeParameter('filters', work.item, {}) as IDataObject;
		const request: ListPostsRequestInput = {};
		if (given.accountId) request.account_id = accountId(given.accountId);
		if (given.from) request.from = instant(given.from);
		if (given.until) request.until = instant(given.until);
		request.platform = choice(fieldOf(filters, 'platform'), given.platform) ?? null;
		const statuses = listOf(given.statuses).flatMap(
			(one) => choice<PostStatus>(fieldOf(filters, 'statuses'), one) ?? [],
		);
		if (statuses.length > 0) request.statuses = statuses;
		if (given.videoJobId) request.video_job_id = text(given.videoJobId, 'Video Job ID');
		const posts = await readAll(work, async (page) => {
			const answer = await call(work.core, 'PostService/ListPosts', { ...request, ...page });
			return { entries: answer.posts, next_page_token: answer.next_page_token };
		});
		return posts.map((post) => readPost(post));
	},
};
