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
		allowDuet,
		allowStitch,
		{
			displayName: 'Cover Frame (Milliseconds)',
			name: 'videoCoverTimestampMs',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 0,
			description: 'The frame that is shown as cover, in milliseconds from the start',
		},
		{
			displayName: 'Made by AI',
			name: 'isAigc',
			type: 'boolean',
			default: false,
			description: 'Whether to label the video as made by AI',
		},
		{
			displayName: 'Paid Partnership',
			name: 'brandContentToggle',
			type: 'boolean',
			default: false,
			description: 'Whether the video advertises a third party. Such a video cannot be private.',
		},
		{
			displayName: 'Transfer',
			name: 'transfer',
			type: 'options',
			options: [
				{
					name: 'AuraReels Uploads the File',
					value: 'file_upload',
					description: 'Recovers from every crash',
				},
				{
					name: 'TikTok Fetches the URL',
					value: 'pull_from_url',
					description:
						"The URL's domain must be verified at TikTok. If the answer to that one request is lost, the post needs review.",
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
			description: "Whether the video advertises the creator's own business",
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
			displayName: 'Audio Name',
			name: 'audioName',
			type: 'string',
			default: '',
			placeholder: 'e.g. Original sound of my studio',
			description: 'Name of the original audio',
		},
		{
			displayName: 'Collaborators',
			name: 'collaborators',
			type: 'string',
			default: '',
			placeholder: 'e.g. nathan, jim',
			description: 'Usernames of up to 3 collaborators, separated by commas',
		},
		{
			displayName: 'Cover Frame (Milliseconds)',
			name: 'thumbOffsetMs',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 0,
			description:
				'The frame that is shown as cover, in milliseconds from the start. A thumbnail URL wins over it.',
		},
		{
			displayName: 'First Comment',
			name: 'firstComment',
			type: 'string',
			typeOptions: { rows: 2 },
			default: '',
			placeholder: 'e.g. All links: https://example.com',
			description:
				"A comment of the account's own under the live reel, written once, up to 2,200 characters. It can never make the post fail.",
		},
		{
			displayName: 'Made by AI',
			name: 'isAiGenerated',
			type: 'boolean',
			default: false,
			description: 'Whether to label the video as made by AI',
		},
		{
			displayName: 'Show in Feed Too',
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
					description: 'Only for accounts that were connected by Facebook Login',
				},
				{ name: 'Instagram Fetches the URL', value: 'video_url' },
			],
			default: 'resumable',
			description:
				'How the video gets to Instagram. By upload where the login has it when not added.',
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
				"A comment of the page's own under the live reel, written once, up to 8,000 characters. It can never make the post fail.",
		},
		{
			displayName: 'Title',
			name: 'title',
			type: 'string',
			default: '',
			placeholder: 'e.g. A walk in the hills',
			description: 'Title of the reel',
		},
		{
			displayName: 'Transfer',
			name: 'transfer',
			type: 'options',
			options: [
				{ name: 'AuraReels Uploads the File', value: 'upload' },
				{
					name: 'Facebook Fetches the URL',
					value: 'file_url',
					description: "The URL's host must let facebookexternalhit in",
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
			displayName: 'Altered or Synthetic',
			name: 'containsSyntheticMedia',
			type: 'boolean',
			default: false,
			description: 'Whether it shows realistic content that was altered or made by AI',
		},
		{
			displayName: 'Category ID',
			name: 'categoryId',
			type: 'string',
			default: '',
			placeholder: 'e.g. 22',
			description: "The digits of a category's ID",
		},
		{
			displayName: 'Creative Commons',
			name: 'creativeCommons',
			type: 'boolean',
			default: false,
			description: "Whether it is under Creative Commons instead of YouTube's licence",
		},
		{
			displayName: 'Embeddable',
			name: 'embeddable',
			type: 'boolean',
			default: true,
			description: 'Whether it may be embedded elsewhere',
		},
		{
			displayName: 'First Comment',
			name: 'firstComment',
			type: 'string',
			typeOptions: { rows: 2 },
			default: '',
			placeholder: 'e.g. All links: https://example.com',
			description:
				"A comment of the channel's own under the live video, written once, up to 10,000 characters. It can never make the post fail.",
		},
		{
			displayName: 'Made for Kids',
			name: 'madeForKids',
			type: 'boolean',
			default: false,
			description: "Whether it is made for kids. The channel's own setting when not added.",
		},
		{
			displayName: 'Notify Subscribers',
			name: 'notifySubscribers',
			type: 'boolean',
			default: true,
			description: 'Whether subscribers are told of the video',
		},
		{
			displayName: 'Publish',
			name: 'publish',
			type: 'options',
			options: [
				{
					name: 'In One Step',
					value: 'one_step',
					description: 'Visible with the last byte of the upload',
				},
				{
					name: 'In Two Steps',
					value: 'two_steps',
					description: 'Uploaded as private, then made visible: recovers from every crash',
				},
			],
			default: 'two_steps',
			description: 'When the video becomes visible',
		},
		{
			displayName: 'Tags',
			name: 'tags',
			type: 'string',
			default: '',
			placeholder: 'e.g. hiking, alps',
			description: 'Separated by commas, 500 characters together',
		},
		{
			displayName: 'Title',
			name: 'title',
			type: 'string',
			default: '',
			placeholder: 'e.g. A walk in the hills',
			description: "Up to 100 characters. The caption's first line when not added.",
		},
	],
};
