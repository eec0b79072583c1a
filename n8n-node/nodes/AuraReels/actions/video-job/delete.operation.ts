import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { readVideoJobId, videoJobField } from '../../fields/video-job';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** Removes a job. */
export const deleteJob: Operation = {
	option: {
		name: 'Delete',
		value: 'delete',
		action: 'Delete a video job',
		description: 'Delete a video job. Posts created from it do not change.',
	},
	fields: [videoJobField, optionsField()],
	async execute(work) {
		const video_job_id = readVideoJobId(work);
		await call(work.core, 'MediaService/DeleteVideoJob', { video_job_id });
		return [success({ video_job_id, deleted: true })];
	},
};
