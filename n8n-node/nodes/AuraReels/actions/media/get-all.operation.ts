import { call } from '../../../shared/transport';
import { limitFields, readAll } from '../../fields/limit';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** MediaService's own largest page. */
const LARGEST_PAGE = 100;

/** The user's uploads, newest first. */
export const getAll: Operation = {
	option: {
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many uploaded videos',
		description: 'Get the uploaded videos, newest first',
	},
	fields: [...limitFields, optionsField()],
	async execute(work) {
		const media = await readAll(work, async ({ page_size, page_token }) => {
			const size = Math.min(page_size, LARGEST_PAGE);
			const page = { page_size: size, page_token };
			const answer = await call(work.core, 'MediaService/ListMedia', page);
			return { entries: answer.media, next_page_token: answer.next_page_token };
		});
		return media.map((one) => success(one));
	},
};
