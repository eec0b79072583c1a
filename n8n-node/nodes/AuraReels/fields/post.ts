/** The post that an operation is about: picked from a searchable list, or by its id. */

import type { INodeProperties } from 'n8n-workflow';

import type { Work } from '../operation';
import { postId } from '../read/ids';

export const postField: INodeProperties = {
	displayName: 'Post',
	name: 'postId',
	type: 'resourceLocator',
	default: { mode: 'id', value: '' },
	required: true,
	description: 'The post, usually by its ID from a previous node',
	modes: [
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: 'e.g. 125 or {{ $json.id }}',
			hint: 'The "id" returned by Publish, Schedule, or Get Many',
			validation: [
				{
					type: 'regex',
					properties: {
						regex: '^\\s*[0-9]+\\s*$',
						errorMessage: 'The post ID must be a whole number',
					},
				},
			],
		},
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Select a post...',
			typeOptions: { searchListMethod: 'searchPosts', searchable: true },
		},
	],
};

/** Reads it. */
export function readPostId(work: Work): number {
	const value = work.node.getNodeParameter('postId', work.item, '', { extractValue: true });
	return postId(value);
}
