import { call } from '../../../shared/transport';
import { limitFields, readAll } from '../../fields/limit';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** MediaService's own largest page. */
const LARGEST_PAGE = 100;

/** The user's jobs, newest first. */
export const getAll: Operation = {
	option: {
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many video jobs',
		description: 'Get the video jobs, newest first, without their transcriptions',
	},
	fields: [...limitFields, optionsField()],
	async execute(work) {
		const jobs = await readAll(work, async ({ page_size, page_token }) => {
			const page = { page_size: Math.min(page_size, LARGEST_PAGE), page_token };
			const answer = await call(work.core, 'MediaService/ListVideoJobs', page);
			return { entries: answer.video_jobs, next_page_token: answer.next_page_token };
		});
		return jobs.map((job) => success(job));
	},
};
