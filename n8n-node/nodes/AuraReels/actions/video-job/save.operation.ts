import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { AiMetadataInput, VideoJobInput } from '../../../shared/api';
import { ParameterError } from '../../../shared/errors';
import { fieldMask } from '../../../shared/field-mask';
import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { readVideoJobId, videoJobField } from '../../fields/video-job';
import type { Operation } from '../../operation';
import { hashtagsOf, listOf } from '../../read/ids';
import { text, texts } from '../../../shared/values';
import { success } from '../../results';

const jobFields: INodeProperties = {
	displayName: 'Fields to Save',
	name: 'jobFields',
	type: 'collection',
	placeholder: 'Add field',
	default: {},
	description: 'Only the fields you add are changed',
	options: [
		{
			displayName: 'Description',
			name: 'description',
			type: 'string',
			typeOptions: { rows: 4 },
			default: '',
			description: 'What the video shows, for use in captions',
		},
		{
			displayName: 'Hashtags',
			name: 'hashtags',
			type: 'string',
			default: '',
			placeholder: 'e.g. dogs, surfing',
			description: 'Comma-separated, with or without "#", or an expression that returns a list',
		},
		{
			displayName: 'Media ID',
			name: 'mediaId',
			type: 'string',
			default: '',
			placeholder: 'e.g. {{ $json.media_id }}',
			description:
				'The media ID of an uploaded video, instead of a video URL. The video is kept as long as the job exists.',
		},
		{
			displayName: 'Thumbnail URL',
			name: 'thumbnailUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. https://example.com/cover.jpg',
			description: 'The public URL of a cover image, for posts created from the job alone',
		},
		{
			displayName: 'Titles',
			name: 'titles',
			type: 'string',
			typeOptions: { rows: 3 },
			default: '',
			placeholder: 'e.g. A dog on a surfboard',
			description: 'Titles to choose from, one per line, or an expression that returns a list',
		},
		{
			displayName: 'Transcription',
			name: 'transcription',
			type: 'string',
			typeOptions: { rows: 4 },
			default: '',
			description: 'What is said in the video',
		},
		{
			displayName: 'Video URL',
			name: 'videoUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. https://example.com/video.mp4',
			description:
				'A public http(s) URL of the video, or <code>cloudflare-stream:</code> and its UID. Leave empty while the video is being made.',
		},
	],
};

/** What a field is in the API, and how it is read. */
const FIELDS: Record<string, [path: string, read: (value: unknown) => VideoJobInput]> = {
	description: [
		'ai_metadata.description',
		(value) => ai({ description: text(value, 'Description') }),
	],
	hashtags: ['ai_metadata.hashtags', (value) => ai({ hashtags: hashtagsOf(value) })],
	mediaId: ['media_id', (value) => ({ media_id: text(value, 'Media ID') })],
	thumbnailUrl: ['thumbnail_url', (value) => ({ thumbnail_url: text(value, 'Thumbnail URL') })],
	titles: ['ai_metadata.titles', (value) => ai({ titles: lines(value) })],
	transcription: [
		'ai_metadata.transcription',
		(value) => ai({ transcription: text(value, 'Transcription') }),
	],
	videoUrl: ['video_url', (value) => ({ video_url: text(value, 'Video URL') })],
};

/** Saves what is known of a job: all at once or part by part. */
export const save: Operation = {
	option: {
		name: 'Save',
		value: 'save',
		action: 'Save a video job',
		description:
			'Save the URL of a video, and the titles, description, and hashtags a language model wrote for it. Posts can then be created from the job alone.',
	},
	fields: [videoJobField, jobFields, optionsField()],
	async execute(work) {
		const given = work.node.getNodeParameter('jobFields', work.item, {}) as IDataObject;
		let video_job: VideoJobInput = { video_job_id: readVideoJobId(work) };
		const paths: string[] = [];
		for (const [name, [path, read]] of Object.entries(FIELDS)) {
			if (given[name] === undefined) continue;
			const part = read(given[name]);
			const ai_metadata = { ...video_job.ai_metadata, ...part.ai_metadata };
			video_job = { ...video_job, ...part, ai_metadata };
			paths.push(path);
		}
		if (paths.length === 0) {
			throw new ParameterError('There is nothing to save', 'Add a field to "Fields to Save".');
		}
		const request = { video_job, update_mask: fieldMask(paths) };
		return [success(await call(work.core, 'MediaService/PutVideoJob', request))];
	},
};

function ai(ai_metadata: AiMetadataInput): VideoJobInput {
	return { ai_metadata };
}

/** A list, or one a line: titles hold commas. */
function lines(value: unknown): string[] {
	const all =
		typeof value === 'string' && !/^\s*\[/.test(value) ? value.split('\n') : listOf(value);
	return texts(all, 'Titles');
}
