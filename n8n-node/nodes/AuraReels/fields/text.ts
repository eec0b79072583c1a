/** The fields of what is posted that do not depend on the platform. Update offers the same ones. */

import type { INodeProperties } from 'n8n-workflow';

export const allowComments: INodeProperties = {
	displayName: 'Allow Comments',
	name: 'allowComments',
	type: 'boolean',
	default: true,
	description: "Whether people may comment. The platform's default when not added.",
};

export const hashtags: INodeProperties = {
	displayName: 'Hashtags',
	name: 'hashtags',
	type: 'string',
	default: '',
	placeholder: 'e.g. reels, behindthescenes',
	description: 'Separated by commas, with or without "#". They are put after the caption.',
};

export const keepCopy: INodeProperties = {
	displayName: 'Keep a Copy',
	name: 'keepCopy',
	type: 'boolean',
	default: false,
	description:
		'Whether the core fetches the video now and keeps it, so that a link that ends or changes before the post goes out does no harm',
};

export const location: INodeProperties = {
	displayName: 'Location',
	name: 'location',
	type: 'string',
	default: '',
	placeholder: 'e.g. 106078429431815',
	description: 'For Instagram: the ID of a Facebook Page that has coordinates',
};

export const mentions: INodeProperties = {
	displayName: 'Mentions',
	name: 'mentions',
	type: 'string',
	default: '',
	placeholder: 'e.g. nathan, @jim',
	description: 'Separated by commas, with or without "@". They are put after the caption.',
};

export const metadata: INodeProperties = {
	displayName: 'Metadata',
	name: 'metadata',
	type: 'json',
	default: '{}',
	placeholder: 'e.g. {"campaign": "summer"}',
	description:
		'Your own data, up to 64 KiB. It comes back with the post and its events, and is never published.',
};

export const onLongCaption: INodeProperties = {
	displayName: 'If Caption Is Too Long',
	name: 'onLongCaption',
	type: 'options',
	options: [
		{
			name: 'Cut It',
			value: 'cut',
			description: 'Cut the caption, keep the hashtags, and say so in "warnings"',
		},
		{
			name: 'Refuse the Post',
			value: 'refuse',
			description: 'Fail, naming the length and the limit',
		},
	],
	default: 'refuse',
	description: 'What to do with a caption that is longer than the platform allows',
};

export const thumbnailUrl: INodeProperties = {
	displayName: 'Thumbnail URL',
	name: 'thumbnailUrl',
	type: 'string',
	default: '',
	placeholder: 'e.g. https://example.com/cover.jpg',
	description: 'Public URL of a cover image (Instagram, YouTube)',
};

export const videoJobId: INodeProperties = {
	displayName: 'Video Job ID',
	name: 'videoJobId',
	type: 'string',
	default: '',
	placeholder: 'e.g. render-2041',
	description:
		'Your own name for the video. It is part of what makes two requests the same. Update: alone, without a video, it takes the video of a saved job.',
};

export const allowDuet: INodeProperties = {
	displayName: 'Allow Duet',
	name: 'allowDuet',
	type: 'boolean',
	default: false,
	description:
		'Whether people may make duets with the video. Off unless switched on, as TikTok demands.',
};

export const allowStitch: INodeProperties = {
	displayName: 'Allow Stitch',
	name: 'allowStitch',
	type: 'boolean',
	default: false,
	description: 'Whether people may stitch the video. Off unless switched on, as TikTok demands.',
};

/** The additional fields of what is posted. */
export const additionalFields: INodeProperties = {
	displayName: 'Additional Fields',
	name: 'additionalFields',
	type: 'collection',
	placeholder: 'Add field',
	default: {},
	options: [
		allowComments,
		onLongCaption,
		keepCopy,
		location,
		mentions,
		metadata,
		thumbnailUrl,
		videoJobId,
	],
};

/** In version 1 the hashtags are one of them. */
export const additionalFieldsOfVersion1: INodeProperties = {
	...additionalFields,
	options: [
		allowComments,
		hashtags,
		...(additionalFields.options ?? []).slice(1),
	] as INodeProperties[],
};
