/** What only one platform knows. */

import type { INodeProperties } from 'n8n-workflow';

import { allowDuet, allowStitch } from './text';

export const tiktokOptions: INodeProperties = {
	displayName: 'TikTok Options',
	name: 'tiktokOptions',
	type: 'collection',
	placeholder: 'Add TikTok option',
	default: {},
	displayOptions: { show: { platform: ['tiktok', 'several'] } },
	options: [
		{
			displayName: 'AI-Generated',
			name: 'isAigc',
			type: 'boolean',
			default: false,
			description: 'Whether to label the video as AI-generated',
		},
		allowDuet,
		allowStitch,
		{
			displayName: 'Cover Frame (Milliseconds)',
			name: 'videoCoverTimestampMs',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 0,
			description: 'The frame to use as the cover, in milliseconds from the start',
		},
		{
			displayName: 'Paid Partnership',
			name: 'brandContentToggle',
			type: 'boolean',
			default: false,
			description:
				'Whether the video promotes a third party. TikTok does not allow such a video to be private.',
		},
		{
			displayName: 'Transfer',
			name: 'transfer',
			type: 'options',
			options: [
				{
					name: 'AuraReels Uploads the File',
					value: 'file_upload',
					description: 'Can recover from any interruption',
				},
				{
					name: 'TikTok Downloads the URL',
					value: 'pull_from_url',
					description:
						"The URL's domain must be verified with TikTok. If the response to this one request is lost, the post needs review.",
				},
			],
			default: 'file_upload',
			description: 'How the video gets to TikTok',
		},
		{
			displayName: 'Your Own Brand',
			name: 'brandOrganicToggle',
			type: 'boolean',
			default: false,
			description: "Whether the video promotes the creator's own business",
		},
	],
};

export const instagramOptions: INodeProperties = {
	displayName: 'Instagram Options',
	name: 'instagramOptions',
	type: 'collection',
	placeholder: 'Add Instagram option',
	default: {},
	displayOptions: { show: { platform: ['instagram', 'several'] } },
	options: [
		{
			displayName: 'AI-Generated',
			name: 'isAiGenerated',
			type: 'boolean',
			default: false,
			description: 'Whether to label the video as AI-generated',
		},
		{
			displayName: 'Audio Name',
			name: 'audioName',
			type: 'string',
			default: '',
			placeholder: 'e.g. Original sound of my studio',
			description: 'The name of the original audio',
		},
		{
			displayName: 'Collaborators',
			name: 'collaborators',
			type: 'string',
			default: '',
			placeholder: 'e.g. nathan, jim',
			description: 'Comma-separated usernames of up to 3 collaborators',
		},
		{
			displayName: 'Cover Frame (Milliseconds)',
			name: 'thumbOffsetMs',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 0,
			description:
				'The frame to use as the cover, in milliseconds from the start. Ignored if a thumbnail URL is set.',
		},
		{
			displayName: 'First Comment',
			name: 'firstComment',
			type: 'string',
			typeOptions: { rows: 2 },
			default: '',
			placeholder: 'e.g. All links: https://example.com',
			description:
				'A comment that the account adds once the reel is live, up to 2,200 characters. If it cannot be added, the post does not fail.',
		},
		{
			displayName: 'Share to Feed',
			name: 'shareToFeed',
			type: 'boolean',
			default: true,
			description: 'Whether the reel also appears in the feed',
		},
		{
			displayName: 'Transfer',
			name: 'transfer',
			type: 'options',
			options: [
				{
					name: 'AuraReels Uploads the File',
					value: 'resumable',
					description: 'Only for accounts connected with Facebook Login',
				},
				{ name: 'Instagram Downloads the URL', value: 'video_url' },
			],
			default: 'resumable',
			description:
				'How the video gets to Instagram. By default it is uploaded if the account was connected with Facebook Login.',
		},
	],
};

export const facebookOptions: INodeProperties = {
	displayName: 'Facebook Options',
	name: 'facebookOptions',
	type: 'collection',
	placeholder: 'Add Facebook option',
	default: {},
	displayOptions: { show: { platform: ['facebook', 'several'] } },
	options: [
		{
			displayName: 'First Comment',
			name: 'firstComment',
			type: 'string',
			typeOptions: { rows: 2 },
			default: '',
			placeholder: 'e.g. All links: https://example.com',
			description:
				'A comment that the Page adds once the reel is live, up to 8,000 characters. If it cannot be added, the post does not fail.',
		},
		{
			displayName: 'Title',
			name: 'title',
			type: 'string',
			default: '',
			placeholder: 'e.g. A walk in the hills',
			description: 'The title of the reel',
		},
		{
			displayName: 'Transfer',
			name: 'transfer',
			type: 'options',
			options: [
				{ name: 'AuraReels Uploads the File', value: 'upload' },
				{
					name: 'Facebook Downloads the URL',
					value: 'file_url',
					description: "The URL's host must allow the crawler facebookexternalhit",
				},
			],
			default: 'upload',
			description: 'How the video gets to Facebook',
		},
	],
};

export const youtubeOptions: INodeProperties = {
	displayName: 'YouTube Options',
	name: 'youtubeOptions',
	type: 'collection',
	placeholder: 'Add YouTube option',
	default: {},
	displayOptions: { show: { platform: ['youtube', 'several'] } },
	options: [
		{
			displayName: 'Altered or Synthetic Content',
			name: 'containsSyntheticMedia',
			type: 'boolean',
			default: false,
			description: 'Whether the video shows realistic content that was altered or AI-generated',
		},
		{
			displayName: 'Category ID',
			name: 'categoryId',
			type: 'string',
			default: '',
			placeholder: 'e.g. 22',
			description: 'The numeric ID of a YouTube category',
		},
		{
			displayName: 'Creative Commons',
			name: 'creativeCommons',
			type: 'boolean',
			default: false,
			description:
				'Whether to use the Creative Commons licence instead of the standard YouTube licence',
		},
		{
			displayName: 'Embeddable',
			name: 'embeddable',
			type: 'boolean',
			default: true,
			description: 'Whether other websites can embed the video',
		},
		{
			displayName: 'First Comment',
			name: 'firstComment',
			type: 'string',
			typeOptions: { rows: 2 },
			default: '',
			placeholder: 'e.g. All links: https://example.com',
			description:
				'A comment that the channel adds once the video is live, up to 10,000 characters. If it cannot be added, the post does not fail.',
		},
		{
			displayName: 'Made for Kids',
			name: 'madeForKids',
			type: 'boolean',
			default: false,
			description: "Whether the video is made for kids. Defaults to the channel's setting.",
		},
		{
			displayName: 'Notify Subscribers',
			name: 'notifySubscribers',
			type: 'boolean',
			default: true,
			description: 'Whether to notify subscribers of the video',
		},
		{
			displayName: 'Publish',
			name: 'publish',
			type: 'options',
			options: [
				{
					name: 'In One Step',
					value: 'one_step',
					description: 'Visible as soon as the upload is complete',
				},
				{
					name: 'In Two Steps',
					value: 'two_steps',
					description: 'Uploaded as private, then made visible. Can recover from any interruption.',
				},
			],
			default: 'two_steps',
			description: 'How the video becomes visible',
		},
		{
			displayName: 'Tags',
			name: 'tags',
			type: 'string',
			default: '',
			placeholder: 'e.g. hiking, alps',
			description: 'Comma-separated, up to 500 characters in total',
		},
		{
			displayName: 'Title',
			name: 'title',
			type: 'string',
			default: '',
			placeholder: 'e.g. A walk in the hills',
			description: 'Up to 100 characters. Defaults to the first line of the caption.',
		},
	],
};
