/** Reads what is posted where. A binary file is uploaded on the way. */

import type { IDataObject } from 'n8n-workflow';

import type {
	FacebookOptionsInput,
	InstagramOptionsInput,
	PlatformOptionsInput,
	PostContentInput,
	TikTokOptionsInput,
	VariationInput,
	YouTubeOptionsInput,
} from '../../shared/api';
import { ParameterError } from '../../shared/errors';
import { readAccount } from '../fields/account';
import type { Work } from '../operation';
import { resolveAccount, resolveAccounts } from './accounts';
import { hashtagsOf, listOf } from './ids';
import { jsonObject } from './json';
import { uploadBinary } from './upload';

type Fields = IDataObject;

/** The accounts to post to. */
export async function readAccounts(work: Work): Promise<number[]> {
	const { node, item } = work;
	const platform = platformOf(work);
	if (platform !== 'several') return [await readAccount(work)];
	const name = hasPlatform(work) ? 'accountIds' : 'accounts';
	return await resolveAccounts(work, node.getNodeParameter(name, item, []));
}

/** Whether the platform is a field of its own, as in version 1. From version 2 on the accounts say it. */
function hasPlatform({ node }: Work): boolean {
	return node.getNode().typeVersion < 2;
}

/** One platform, or "several" when there can be several. */
function platformOf(work: Work): string {
	return hasPlatform(work)
		? (work.node.getNodeParameter('platform', work.item) as string)
		: 'several';
}

/** What is to be posted. */
export async function readContent(work: Work): Promise<PostContentInput> {
	const { node, item } = work;
	const platform = platformOf(work);
	const hashtags = hashtagsOf(node.getNodeParameter('hashtags', item, ''));
	const more = node.getNodeParameter('additionalFields', item, {}) as Fields;
	const hasTiktok = platform === 'tiktok' || platform === 'several';
	const hasPrivacy = hasTiktok || platform === 'youtube';
	const tiktok = node.getNodeParameter('tiktokOptions', item, {}) as Fields;
	return {
		...(await readVideo(work)),
		caption: text(node.getNodeParameter('caption', item, '')),
		privacy_level: hasPrivacy ? text(node.getNodeParameter('privacyLevel', item, '')) : '',
		...(hashtags.length > 0 ? { hashtags } : {}),
		...textContent(more),
		...(hasTiktok
			? { allow_duet: optional(tiktok.allowDuet), allow_stitch: optional(tiktok.allowStitch) }
			: {}),
		platform_options: platformOptions((of) => {
			if (platform !== of && platform !== 'several') return undefined;
			const given = node.getNodeParameter(`${of}Options`, item, {}) as Fields;
			// Which platforms the accounts are of is not known here: only what was added is sent.
			return hasPlatform(work) || Object.keys(given).length > 0 ? given : undefined;
		}),
	};
}

/** The captions that single accounts get instead of the post's, where there are any. */
export async function readVariations(work: Work): Promise<{ variations?: VariationInput[] }> {
	const { node, item } = work;
	if (hasPlatform(work)) return {};
	const given = node.getNodeParameter('captionsByAccount', item, {}) as { captions?: Fields[] };
	const variations: VariationInput[] = [];
	for (const { account, caption, hashtags } of given.captions ?? []) {
		const own = hashtagsOf(hashtags ?? '');
		variations.push({
			account_id: await resolveAccount(work, account),
			content: { caption: text(caption), ...(own.length > 0 ? { hashtags: own } : {}) },
			fields: own.length > 0 ? 'caption,hashtags' : 'caption',
		});
	}
	return variations.length > 0 ? { variations } : {};
}

/** The fields that only stand in what is sent when they were added. */
export function textContent(fields: Fields): PostContentInput {
	const content: PostContentInput = {};
	if (fields.allowComments !== undefined) content.allow_comments = fields.allowComments === true;
	if (fields.allowDuet !== undefined) content.allow_duet = fields.allowDuet === true;
	if (fields.allowStitch !== undefined) content.allow_stitch = fields.allowStitch === true;
	if (fields.caption !== undefined) content.caption = text(fields.caption);
	if (fields.hashtags !== undefined) content.hashtags = hashtagsOf(fields.hashtags);
	if (fields.keepCopy !== undefined) content.keep_copy = fields.keepCopy === true;
	if (fields.location !== undefined) content.location = text(fields.location);
	if (fields.mediaId !== undefined) content.media_id = text(fields.mediaId);
	if (fields.mentions !== undefined) content.mentions = listOf(fields.mentions).map(text);
	if (fields.metadata !== undefined) content.metadata = jsonObject(fields.metadata, 'Metadata');
	if (fields.onLongCaption !== undefined) {
		content.on_long_caption = fields.onLongCaption as PostContentInput['on_long_caption'];
	}
	if (fields.privacyLevel !== undefined) content.privacy_level = text(fields.privacyLevel);
	if (fields.thumbnailUrl !== undefined) content.thumbnail_url = text(fields.thumbnailUrl);
	if (fields.videoJobId !== undefined) content.video_job_id = text(fields.videoJobId);
	if (fields.videoUrl !== undefined) content.video_url = text(fields.videoUrl);
	return content;
}

/** How the fields of each platform become its options. */
const READERS = {
	tiktok: tiktokOptions,
	instagram: instagramOptions,
	facebook: facebookOptions,
	youtube: youtubeOptions,
};

/** The options of those platforms whose fields are given. */
export function platformOptions(
	fieldsOf: (platform: keyof typeof READERS) => Fields | undefined,
): PlatformOptionsInput {
	const options: Record<string, unknown> = {};
	for (const [platform, read] of Object.entries(READERS)) {
		const fields = fieldsOf(platform as keyof typeof READERS);
		if (fields) options[platform] = read(fields);
	}
	return options as PlatformOptionsInput;
}

async function readVideo(work: Work): Promise<PostContentInput> {
	const { node, item } = work;
	switch (node.getNodeParameter('videoSource', item, 'url')) {
		case 'binary': {
			const field = node.getNodeParameter('binaryPropertyName', item, 'data') as string;
			const media = await uploadBinary(work, field);
			return { media_id: media.media_id };
		}
		case 'media':
			return { media_id: given(node.getNodeParameter('mediaId', item, ''), 'Media ID') };
		case 'job':
			return { video_job_id: given(node.getNodeParameter('videoJobId', item, ''), 'Video Job ID') };
		default:
			return { video_url: given(node.getNodeParameter('videoUrl', item, ''), 'Video URL') };
	}
}

function tiktokOptions(fields: Fields): TikTokOptionsInput {
	return {
		transfer: (fields.transfer as TikTokOptionsInput['transfer']) ?? null,
		video_cover_timestamp_ms: number(fields.videoCoverTimestampMs, 'Cover Frame'),
		brand_content_toggle: fields.brandContentToggle === true,
		brand_organic_toggle: fields.brandOrganicToggle === true,
		is_aigc: fields.isAigc === true,
	};
}

function instagramOptions(fields: Fields): InstagramOptionsInput {
	return {
		transfer: (fields.transfer as InstagramOptionsInput['transfer']) ?? null,
		share_to_feed: optional(fields.shareToFeed),
		thumb_offset_ms: number(fields.thumbOffsetMs, 'Cover Frame'),
		collaborators: listOf(fields.collaborators).map(text),
		audio_name: text(fields.audioName),
		is_ai_generated: fields.isAiGenerated === true,
		first_comment: text(fields.firstComment),
	};
}

function facebookOptions(fields: Fields): FacebookOptionsInput {
	return {
		transfer: (fields.transfer as FacebookOptionsInput['transfer']) ?? null,
		title: text(fields.title),
		first_comment: text(fields.firstComment),
	};
}

function youtubeOptions(fields: Fields): YouTubeOptionsInput {
	return {
		title: text(fields.title),
		tags: listOf(fields.tags).map(text),
		category_id: text(fields.categoryId),
		made_for_kids: optional(fields.madeForKids),
		contains_synthetic_media: optional(fields.containsSyntheticMedia),
		notify_subscribers: optional(fields.notifySubscribers),
		publish: (fields.publish as YouTubeOptionsInput['publish']) ?? null,
		embeddable: optional(fields.embeddable),
		creative_commons: fields.creativeCommons === true,
		first_comment: text(fields.firstComment),
	};
}

function given(value: unknown, field: string): string {
	const found = text(value);
	if (found === '') {
		throw new ParameterError(
			`"${field}" is empty`,
			`Fill it in, or check what the expression in "${field}" gives.`,
		);
	}
	return found;
}

function text(value: unknown): string {
	return value === undefined || value === null ? '' : String(value).trim();
}

function optional(value: unknown): boolean | null {
	return value === undefined || value === null ? null : value === true;
}

function number(value: unknown, field: string): number | null {
	if (value === undefined || value === null || value === '') return null;
	const found = Number(value);
	if (!Number.isInteger(found) || found < 0) {
		throw new ParameterError(
			`"${field}" is not a whole number`,
			'Give milliseconds, such as 1500.',
		);
	}
	return found;
}
