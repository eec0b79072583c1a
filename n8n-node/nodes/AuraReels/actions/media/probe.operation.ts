import type { INodeProperties } from 'n8n-workflow';

import { ParameterError } from '../../../shared/errors';
import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { text } from '../../../shared/values';
import { success } from '../../results';

const video: INodeProperties = {
	displayName: 'Video URL or Media ID',
	name: 'video',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'e.g. https://example.com/video.mp4',
	description:
		'A public http(s) URL, <code>cloudflare-stream:</code> and a UID, or the "media_id" of an uploaded video',
};

/** A look at a video, before anything is made of it. */
export const probe: Operation = {
	option: {
		name: 'Check',
		value: 'probe',
		action: 'Check a video',
		description: 'Get the properties of a video and the rules it breaks, without creating anything',
	},
	fields: [video, optionsField()],
	async execute(work) {
		const given = text(work.node.getNodeParameter('video', work.item, ''), 'Video URL or Media ID');
		if (given === '') {
			throw new ParameterError(
				'"Video URL or Media ID" is empty',
				'Enter a public http(s) URL, or the "media_id" of an uploaded video.',
			);
		}
		const isUrl = /^[a-z][a-z0-9+.-]*:/i.test(given);
		const request = isUrl ? { video_url: given } : { media_id: given };
		return [success(await call(work.core, 'MediaService/ProbeVideo', request))];
	},
};
