/** What is posted where: the fields of Publish, Schedule and Validate, in the order in which a person thinks of them. */

import type { INodeProperties } from 'n8n-workflow';

import { PLATFORMS } from '../../shared/accounts';
import { notOf } from '../read/accounts';
import { accountField } from './account';
import {
	facebookOptions,
	instagramOptions,
	tiktokOptions,
	youtubeOptions,
} from './platform-options';
import { additionalFields, additionalFieldsOfVersion1, hashtags } from './text';
import { fromVersion2, inVersion1 } from './versions';
import { videoJobField } from './video-job';

const platform: INodeProperties = {
	displayName: 'Platform',
	name: 'platform',
	type: 'options',
	options: [
		{ name: 'Facebook', value: 'facebook', description: 'One Facebook Page' },
		{ name: 'Instagram', value: 'instagram', description: 'One Instagram account' },
		{
			name: 'Several Accounts',
			value: 'several',
			description: 'The same video on several accounts, on any platform: one post each',
		},
		{ name: 'TikTok', value: 'tiktok', description: 'One TikTok account' },
		{ name: 'YouTube', value: 'youtube', description: 'One YouTube channel' },
	],
	default: 'tiktok',
	description: 'Where to post. The fields below depend on it.',
};

const severalAccounts: INodeProperties = {
	displayName: 'Account Names or IDs',
	name: 'accountIds',
	type: 'multiOptions',
	typeOptions: { loadOptionsMethod: 'getAccounts' },
	default: [],
	required: true,
	displayOptions: { show: { platform: ['several'] } },
	description:
		'Creates one post per account: all of them, or none if one is refused. An expression can return a list of IDs, such as [1, 2]. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
};

const video: INodeProperties[] = [
	{
		displayName: 'Video',
		name: 'videoSource',
		type: 'options',
		options: [
			{
				name: 'Binary File',
				value: 'binary',
				description: 'A file from a previous node, of any size. It is streamed to the core.',
			},
			{
				name: 'Uploaded Media',
				value: 'media',
				description: 'A video uploaded to the core earlier, by its media ID',
			},
			{
				name: 'URL',
				value: 'url',
				description: 'A public URL that the video can be downloaded from',
			},
			{
				name: 'Video Job',
				value: 'job',
				description: 'The video of a job saved with Video Job: Save',
			},
		],
		default: 'url',
		description: 'Where the video comes from',
	},
	{
		displayName: 'Video URL',
		name: 'videoUrl',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. https://example.com/video.mp4',
		displayOptions: { show: { videoSource: ['url'] } },
		description:
			'A public http(s) URL, or <code>cloudflare-stream:</code> and the UID of a video of Cloudflare Stream. It must stay reachable until the post is published.',
	},
	{
		displayName: 'Input Binary Field',
		name: 'binaryPropertyName',
		type: 'string',
		default: 'data',
		required: true,
		placeholder: 'e.g. data',
		hint: 'The name of the input field containing the video file to be posted',
		displayOptions: { show: { videoSource: ['binary'] } },
	},
	{
		displayName: 'Media ID',
		name: 'mediaId',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. m_3f2a...',
		displayOptions: { show: { videoSource: ['media'] } },
		description: 'The "media_id" returned by Media: Upload, or that of an earlier post',
	},
	{ ...videoJobField, displayOptions: { show: { videoSource: ['job'] } } },
];

const caption: INodeProperties = {
	displayName: 'Caption',
	name: 'caption',
	type: 'string',
	typeOptions: { rows: 4 },
	default: '',
	placeholder: 'e.g. Behind the scenes of our new studio',
	description:
		'The text of the post. It can contain hashtags and mentions, or use their own fields.',
};

const privacy: INodeProperties[] = [
	{
		displayName: 'Who Can See It Name or ID',
		name: 'privacyLevel',
		type: 'options',
		typeOptions: {
			loadOptionsMethod: 'getPrivacyLevels',
			loadOptionsDependsOn: ['account.value'],
		},
		default: '',
		required: true,
		displayOptions: { show: { platform: ['tiktok'] } },
		description:
			'The choices this creator has right now. TikTok requires a choice for each post, so nothing is preselected. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
	},
	{
		displayName: 'Who Can See It',
		name: 'privacyLevel',
		type: 'options',
		options: [
			{ name: 'Everyone', value: 'PUBLIC' },
			{ name: 'Everyone With the Link', value: 'UNLISTED' },
			{ name: 'Only the Owner', value: 'PRIVATE' },
		],
		default: 'PUBLIC',
		displayOptions: { show: { platform: ['youtube'] } },
		description: 'Who can see the video',
	},
	{
		displayName: 'Who Can See It',
		name: 'privacyLevel',
		type: 'options',
		options: [
			{ name: 'Everyone', value: 'PUBLIC' },
			{
				name: 'Friends',
				value: 'FRIENDS',
				description: 'TikTok only: followers whom the creator follows back',
			},
			{
				name: 'Not Chosen',
				value: '',
				description: 'Posts are public, except on TikTok, which refuses a post without a choice',
			},
			{ name: 'Only the Creator', value: 'PRIVATE', description: 'TikTok and YouTube only' },
		],
		default: '',
		displayOptions: { show: { platform: ['several'] } },
		description:
			'A choice that is not available to a creator is refused, never replaced by another',
	},
];

/** Where to post, from version 2 on: the platform of each account follows from it. */
const accounts: INodeProperties = {
	displayName: 'Account Names or IDs',
	name: 'accounts',
	type: 'multiOptions',
	typeOptions: { loadOptionsMethod: 'getTargets' },
	default: [],
	required: true,
	description:
		'Creates one post per account: all of them, or none if one is refused. An expression can return IDs, handles, or a list of either, such as @nathan or [1, 2]. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
};

/** What single accounts say instead. */
const captionsByAccount: INodeProperties = {
	displayName: 'Captions by Account',
	name: 'captionsByAccount',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add caption',
	default: {},
	description: 'A different caption for some of the accounts. The others get the caption above.',
	options: [
		{
			displayName: 'Caption',
			name: 'captions',
			values: [
				{
					displayName: 'Account Name or ID',
					name: 'account',
					type: 'options',
					typeOptions: { loadOptionsMethod: 'getTargets' },
					default: '',
					description:
						'One of the accounts above. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
				},
				{ ...caption, description: 'The caption for this account' },
				{
					...hashtags,
					description: 'The hashtags for this account. Leave empty to use those above.',
				},
			],
		},
	],
};

const SOME_ACCOUNT = { accounts: [{ _cnd: { exists: true as const } }] };

/**
 * Shown when accounts are chosen, unless none of them is of these platforms (named in the order of the alphabet). Accounts that
 * were not picked from the list say so only where all are of one platform. Without a regular expression: n8n gives those 250 ms,
 * and a node whose fields cannot be told in time cannot be published.
 */
function forPlatforms(field: INodeProperties, ...platforms: string[]): INodeProperties {
	const others = PLATFORMS.filter((one) => !platforms.includes(one));
	const none = { _cnd: { includes: notOf(platforms) } };
	const allOfOne = others.map((one) => ({ _cnd: { startsWith: `${one}:` } }));
	const allOthers = { accounts: [none, ...allOfOne] };
	return fromVersion2({ ...field, displayOptions: { show: SOME_ACCOUNT, hide: allOthers } });
}

const privacyOfAccounts: INodeProperties = {
	displayName: 'Who Can See It Name or ID',
	name: 'privacyLevel',
	type: 'options',
	typeOptions: { loadOptionsMethod: 'getPrivacyChoices', loadOptionsDependsOn: ['accounts'] },
	default: '',
	description:
		'Facebook and Instagram posts are always public. TikTok requires a choice for each post, so nothing is preselected. A choice that is not available to a creator is refused, never replaced by another. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
};

/** The fields before an operation's own. */
export const targetFields: INodeProperties[] = [
	inVersion1(platform),
	inVersion1({
		...accountField,
		displayOptions: { show: { platform: ['facebook', 'instagram', 'tiktok', 'youtube'] } },
	}),
	inVersion1(severalAccounts),
	fromVersion2(accounts),
];

/** What is posted. */
export const contentFields: INodeProperties[] = [
	...video,
	caption,
	fromVersion2(hashtags),
	...privacy.map(inVersion1),
	forPlatforms(privacyOfAccounts, 'tiktok', 'youtube'),
];

/** What can be added to it. */
export const furtherFields: INodeProperties[] = [
	inVersion1(additionalFieldsOfVersion1),
	fromVersion2({ ...captionsByAccount, displayOptions: { show: SOME_ACCOUNT } }),
	fromVersion2(additionalFields),
	...[tiktokOptions, instagramOptions, facebookOptions, youtubeOptions].map(inVersion1),
	forPlatforms(tiktokOptions, 'tiktok'),
	forPlatforms(instagramOptions, 'instagram'),
	forPlatforms(facebookOptions, 'facebook'),
	forPlatforms(youtubeOptions, 'youtube'),
];
