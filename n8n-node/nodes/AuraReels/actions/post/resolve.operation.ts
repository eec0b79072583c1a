import type { IDataObject, INodeProperties } from 'n8n-workflow';

import { call } from '../../../shared/transport';
import { simplify } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import type { Operation } from '../../operation';
import { choice, text } from '../../../shared/values';
import { postResult } from '../../results';

const resolution: INodeProperties = {
	displayName: 'Resolution',
	name: 'resolution',
	type: 'options',
	options: [
		{
			name: 'Not Published',
			value: 'not_published',
			description:
				'The post is not on the platform. Its status becomes failed, and you can retry it.',
		},
		{ name: 'Published', value: 'published', description: 'The post is live on the platform' },
	],
	default: 'published',
	description: 'What a person found on the account',
};

const resolveFields: INodeProperties = {
	displayName: 'Additional Fields',
	name: 'resolveFields',
	type: 'collection',
	placeholder: 'Add field',
	default: {},
	options: [
		{
			displayName: 'Note',
			name: 'note',
			type: 'string',
			default: '',
			placeholder: 'e.g. Nathan saw it on the profile at 18:05',
			description: 'Who checked and what they found. It is stored with the post.',
		},
		{
			displayName: 'Platform Post ID',
			name: 'platformPostId',
			type: 'string',
			default: '',
			description: "The platform's ID of the post, if it is live",
		},
		{
			displayName: 'Platform Post URL',
			name: 'platformPostUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. https://www.tiktok.com/@nathan/video/7300000000000000000',
			description: 'The link to the post, if it is live',
		},
	],
};

/** A person's word on a post that needs review, or is being confirmed still. */
export const resolve: Operation = {
	option: {
		name: 'Resolve',
		value: 'resolve',
		action: 'Resolve a post that is confirming or needs review',
		description: 'Record what a person found about a post that is confirming or needs review',
	},
	fields: [postField, resolution, resolveFields, simplify, optionsField()],
	async execute(work) {
		const fields = work.node.getNodeParameter('resolveFields', work.item, {}) as IDataObject;
		const word = work.node.getNodeParameter('resolution', work.item) as string;
		const post = await call(work.core, 'PostService/ResolvePost', {
			id: readPostId(work),
			resolution: choice(resolution, word),
			platform_post_id: text(fields.platformPostId, 'Platform Post ID'),
			platform_post_url: text(fields.platformPostUrl, 'Platform Post URL'),
			note: text(fields.note, 'Note'),
		});
		return [postResult(post)];
	},
};
