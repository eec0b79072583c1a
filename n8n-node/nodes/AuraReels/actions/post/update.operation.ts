import type { IDataObject, INodeProperties } from 'n8n-workflow';

import { ParameterError } from '../../../shared/errors';
import { fieldMask } from '../../../shared/field-mask';
import { call } from '../../../shared/transport';
import { simplify } from '../../fields/failing';
import { optionsField, readRevision, revision } from '../../fields/options';
import {
	facebookOptions,
	instagramOptions,
	tiktokOptions,
	youtubeOptions,
} from '../../fields/platform-options';
import { postField, readPostId } from '../../fields/post';
import * as text from '../../fields/text';
import type { Operation } from '../../operation';
import { platformOptions, textContent } from '../../read/content';
import { postResult } from '../../results';

const updateFields: INodeProperties = {
	displayName: 'Update Fields',
	name: 'updateFields',
	type: 'collection',
	placeholder: 'Add field',
	default: {},
	description: 'Only the fields you add are changed',
	options: [
		text.allowComments,
		text.allowDuet,
		text.allowStitch,
		{
			displayName: 'Caption',
			name: 'caption',
			type: 'string',
			typeOptions: { rows: 4 },
			default: '',
			placeholder: 'e.g. Behind the scenes of our new studio',
		},
		text.hashtags,
		text.onLongCaption,
		text.location,
		{
			displayName: 'Media ID',
			name: 'mediaId',
			type: 'string',
			default: '',
			description: 'The media ID of another uploaded video',
		},
		text.mentions,
		text.metadata,
		text.thumbnailUrl,
		text.videoJobId,
		{
			displayName: 'Video URL',
			name: 'videoUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. https://example.com/video.mp4',
			description: 'The URL of another video',
		},
		{
			displayName: 'Who Can See It',
			name: 'privacyLevel',
			type: 'string',
			default: '',
			placeholder: 'e.g. PUBLIC_TO_EVERYONE',
			description: "PUBLIC, FRIENDS, PRIVATE, or one of TikTok's own values",
		},
	],
};

/** A platform's options; duets and stitches stand among the update fields here. */
const anyPlatform = (field: INodeProperties): INodeProperties => ({
	...field,
	displayOptions: undefined,
	options: (field.options as INodeProperties[]).filter(
		(option) => option !== text.allowDuet && option !== text.allowStitch,
	),
	description: 'Replaces all options that the post has for this platform',
});

/** Changes a draft or scheduled post. */
export const update: Operation = {
	option: {
		name: 'Update',
		value: 'update',
		action: 'Update a post',
		description: 'Change a draft or scheduled post',
	},
	fields: [
		postField,
		updateFields,
		simplify,
		anyPlatform(tiktokOptions),
		anyPlatform(instagramOptions),
		anyPlatform(facebookOptions),
		anyPlatform(youtubeOptions),
		optionsField(revision),
	],
	async execute(work) {
		const { node, item } = work;
		const fields = node.getNodeParameter('updateFields', item, {}) as IDataObject;
		const options = node.getNodeParameter('options', item, {}) as IDataObject;
		const content = textContent(fields);
		const changed = platformOptions((platform) => {
			const given = node.getNodeParameter(`${platform}Options`, item, {}) as IDataObject;
			return Object.keys(given).length > 0 ? given : undefined;
		});
		if (Object.keys(changed).length > 0) content.platform_options = changed;
		const mask = Object.keys(content);
		if (mask.length === 0) {
			throw new ParameterError(
				'Nothing to update',
				'Add at least one field under "Update Fields".',
			);
		}
		const post = await call(work.core, 'PostService/UpdatePost', {
			id: readPostId(work),
			content,
			update_mask: fieldMask(mask),
			revision: readRevision(options),
		});
		return [postResult(post)];
	},
};
