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
import * as shown from '../fields/platform-options';
import { onLongCaption } from '../fields/text';
import type { Work } from '../operation';
import { resolveAccount, resolveAccounts } from './accounts';
import { hashtagsOf, listOf } from './ids';
import { jsonObject } from './json';
import { uploadBinary } from './upload';
import { choice, fieldOf, flag, text, texts, whole } from '../../shared/values';

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
		caption: text(node.getNodeParameter('caption', item, ''), 'Caption'),
		privacy_level: hasPrivacy
			? text(node.getNodeParameter('privacyLevel', item, ''), 'Who Can See It')
			: '',
		...(hashtags.length > 0 ? { hashtags } : {}),
		...textContent(more),
		...(hasTiktok
			? {
					allow_duet: optional(tiktok.allowDuet, 'Allow Duet'),
					allow_stitch: optional(tiktok.allowStitch, 'Allow Stitch'),
				}
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
export async function readVariations(
	work: Work,
	accounts: number[],
): Promise<{ variations?: VariationInput[] }> {
	const { node, item } = work;
	if (hasPlatform(work)) return {};
	const given = node.getNodeParameter('captionsByAccount', item, {}) as { captions?: Fields[] };
	const variations: VariationInput[] = [];
	for (const { account, caption, hashtags } of given.captions ?? []) {
		const own = hashtagsOf(hashtags ?? '');
		const account_id = await resolveAccount(work, account);
		if (!accounts.includes(account_id)) {
			throw new ParameterError(
				`"Captions by Account" has a caption for account ${account_id}, which is not selected`,
				'Select that account, or remove its caption.',
			);
		}
		variations.push({
			account_id,
			content: {
				caption: text(caption, 'Captions by Account'),
				...(own.length > 0 ? { hashtags: own } : {}),
			},
			fields: own.length > 0 ? 'caption,hashtags' : 'caption',
		});
	}
	return variations.length > 0 ? { variations } : {};
}

/** The fields that only stand in what is sent when they were added. */
export function textContent(fields: Fields): PostContentInput {
	const content: PostContentInput = {};
	const given = (name: string, field: string, take: (yes: boolean) => void) => {
		// An empty cell is a field that was not added.
		const yes = flag(fields[name], field);
		if (yes !== undefined) take(yes);
	};
	given('allowComments', 'Allow Comments', (yes) => (content.allow_comments = yes));
	given('allowDuet', 'Allow Duet', (yes) => (content.allow_duet = yes));
	given('allowStitch', 'Allow Stitch', (yes) => (content.allow_stitch = yes));
	given('keepCopy', 'Keep a Copy', (yes) => (content.keep_copy = yes));
	if (fields.caption !== undefined) content.caption = text(fields.caption, 'Caption');
	if (fields.hashtags !== undefined) content.hashtags = hashtagsOf(fields.hashtags);
	if (fields.location !== undefined) content.location = text(fields.location, 'Location');
	if (fields.mediaId !== undefined) content.media_id = text(fields.mediaId, 'Media ID');
	if (fields.mentions !== undefined) {
		content.mentions = texts(listOf(fields.mentions), 'Mentions');
	}
	if (fields.metadata !== undefined) content.metadata = jsonObject(fields.metadata, 'Metadata');
	if (fields.onLongCaption !== undefined) {
		content.on_long_caption = choice(onLongCaption, fields.onLongCaption);
	}
	if (fields.privacyLevel !== undefined) {
		content.privacy_level = text(fields.privacyLevel, 'Who Can See It');
	}
	if (fields.thumbnailUrl !== undefined) {
		content.thumbnail_url = text(fields.thumbnailUrl, 'Thumbnail URL');
	}
	if (fields.videoJobId !== undefined) {
		content.video_job_id = text(fields.videoJobId, 'Video Job ID');
	}
	if (fields.videoUrl !== undefined) content.video_url = text(fields.videoUrl, 'Video URL');
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
	const source = text(node.getNodeParameter('videoSource', item, 'url'), 'Video');
	switch (source) {
		case 'binary': {
			const field = node.getNodeParameter('binaryPropertyName', item, 'data') as string;
			const media = await uploadBinary(work, field);
			return { media_id: media.media_id };
		}
		case 'media':
			return { media_id: given(node.getNodeParameter('mediaId', item, ''), 'Media ID') };
		case 'job':
			return { video_job_id: given(node.getNodeParameter('videoJobId', item, ''), 'Video Job ID') };
		case 'url':
			return { video_url: given(node.getNodeParameter('videoUrl', item, ''), 'Video URL') };
		default:
			throw new ParameterError(
				`"Video" cannot be "${source}"`,
				'Select a value from the list, or use url, binary, media, or job.',
			);
	}
}

function tiktokOptions(fields: Fields): TikTokOptionsInput {
	return {
		transfer: choice(fieldOf(shown.tiktokOptions, 'transfer'), fields.transfer) ?? null,
		video_cover_timestamp_ms: milliseconds(fields.videoCoverTimestampMs),
		brand_content_toggle: isOn(fields.brandContentToggle, 'Paid Partnership'),
		brand_organic_toggle: isOn(fields.brandOrganicToggle, 'Your Own Brand'),
		is_aigc: isOn(fields.isAigc, 'AI-Generated'),
	};
}

function instagramOptions(fields: Fields): InstagramOptionsInput {
	return {
		transfer: choice(fieldOf(shown.instagramOptions, 'transfer'), fields.transfer) ?? null,
		share_to_feed: optional(fields.shareToFeed, 'Share to Feed'),
		thumb_offset_ms: milliseconds(fields.thumbOffsetMs),
		collaborators: texts(listOf(fields.collaborators), 'Collaborators'),
		audio_name: text(fields.audioName, 'Audio Name'),
		is_ai_generated: isOn(fields.isAiGenerated, 'AI-Generated'),
		first_comment: text(fields.firstComment, 'First Comment'),
	};
}

function facebookOptions(fields: Fields): FacebookOptionsInput {
	return {
		transfer: choice(fieldOf(shown.facebookOptions, 'transfer'), fields.transfer) ?? null,
		title: text(fields.title, 'Title'),
		first_comment: text(fields.firstComment, 'First Comment'),
	};
}

function youtubeOptions(fields: Fields): YouTubeOptionsInput {
	return {
		title: text(fields.title, 'Title'),
		tags: texts(listOf(fields.tags), 'Tags'),
		category_id: text(fields.categoryId, 'Category ID'),
		made_for_kids: optional(fields.madeForKids, 'Made for Kids'),
		contains_synthetic_media: optional(
			fields.containsSyntheticMedia,
			'Altered or Synthetic Content',
		),
		notify_subscribers: optional(fields.notifySubscribers, 'Notify Subscribers'),
		publish: choice(fieldOf(shown.youtubeOptions, 'publish'), fields.publish) ?? null,
		embeddable: optional(fields.embeddable, 'Embeddable'),
		creative_commons: isOn(fields.creativeCommons, 'Creative Commons'),
		first_comment: text(fields.firstComment, 'First Comment'),
	};
}

function given(value: unknown, field: string): string {
	const found = text(value, field);
	if (found === '') {
		throw new ParameterError(
			`"${field}" is empty`,
			`Fill it in, or check what the expression in "${field}" returns.`,
		);
	}
	return found;
}

function optional(value: unknown, field: string): boolean | null {
	return flag(value, field) ?? null;
}

function isOn(value: unknown, field: string): boolean {
	return flag(value, field) === true;
}

function milliseconds(value: unknown): number | null {
	return whole(value, 'Cover Frame', 'Enter milliseconds, such as 1500.') ?? null;
}
