/** The fields of what is posted that do not depend on the platform. Update offers the same ones. */

import type { INodeProperties } from 'n8n-workflow';

export const allowComments: INodeProperties = {
	displayName: 'Allow Comments',
	name: 'allowComments',
	type: 'boolean',
	default: true,
	description: "Whether people can comment. Defaults to the platform's setting.",
};

export const hashtags: INodeProperties = {
	displayName: 'Hashtags',
	name: 'hashtags',
	type: 'string',
	default: '',
	placeholder: 'e.g. reels, behindthescenes',
	description: 'Comma-separated, with or without "#". Added after the caption.',
};

export const keepCopy: INodeProperties = {
	displayName: 'Keep a Copy',
	name: 'keepCopy',
	type: 'boolean',
	default: false,
	description:
		'Whether the core downloads the video now, so that it does not matter if the link expires or changes before the post is published',
};

export const location: INodeProperties = {
	displayName: 'Location',
	name: 'location',
	type: 'string',
	default: '',
	placeholder: 'e.g. 106078429431815',
	description: 'Instagram only: the ID of a Facebook Page that has a location',
};

export const mentions: INodeProperties = {
	displayName: 'Mentions',
	name: 'mentions',
	type: 'string',
	default: '',
	placeholder: 'e.g. nathan, @jim',
	description: 'Comma-separated, with or without "@". Added after the caption.',
};

export const metadata: INodeProperties = {
	displayName: 'Metadata',
	name: 'metadata',
	type: 'json',
	default: '{}',
	placeholder: 'e.g. {"campaign": "summer"}',
	description:
		'Your own data, up to 64 KiB. It is returned with the post and its events, and is never published.',
};

export const onLongCaption: INodeProperties = {
	displayName: 'If Caption Is Too Long',
	name: 'onLongCaption',
	type: 'options',
	options: [
		{
			name: 'Refuse the Post',
			value: 'refuse',
			description: 'Refuses the post and names the length and the limit',
		},
		{
			name: 'Shorten It',
			value: 'cut',
			description: 'Shortens the caption, keeps the hashtags, and adds a warning to the post',
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
	description: 'The public URL of a cover image (Instagram and YouTube only)',
};

export const videoJobId: INodeProperties = {
	displayName: 'Video Job ID',
	name: 'videoJobId',
	type: 'string',
	default: '',
	placeholder: 'e.g. render-2041',
	description:
		'Your own name for the video. Requests with different names are different requests. In an update without a video, the post gets the video of the saved job.',
};

export const allowDuet: INodeProperties = {
	displayName: 'Allow Duet',
	name: 'allowDuet',
	type: 'boolean',
	default: false,
	description: 'Whether people can make duets with the video. Off by default, as TikTok requires.',
};

export const allowStitch: INodeProperties = {
	displayName: 'Allow Stitch',
	name: 'allowStitch',
	type: 'boolean',
	default: false,
	description: 'Whether people can stitch the video. Off by default, as TikTok requires.',
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
