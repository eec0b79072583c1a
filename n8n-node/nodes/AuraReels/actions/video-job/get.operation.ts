import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { readVideoJobId, videoJobField } from '../../fields/video-job';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** One job. */
export const get: Operation = {
	option: {
		name: 'Get',
		value: 'get',
		action: 'Get a video job',
		description: 'Get a video job with its video, titles, description, hashtags, and transcription',
	},
	fields: [videoJobField, optionsField()],
	async execute(work) {
		const video_job_id = readVideoJobId(work);
		return [success(await call(work.core, 'MediaService/GetVideoJob', { video_job_id }))];
	},
};
