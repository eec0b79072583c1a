import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import type { Operation } from '../../operation';
import { numbersOf } from '../../read/numbers';
import { success } from '../../results';

/** What is known of how a post does. */
export const get: Operation = {
	option: {
		name: 'Get',
		value: 'get',
		action: 'Get the analytics of a post',
		description:
			'Get the views, likes, comments, and shares of a published post as last read, with their history',
	},
	fields: [postField, optionsField()],
	async execute(work) {
		const found = await call(work.core, 'AnalyticsService/GetPostAnalytics', {
			post_id: readPostId(work),
		});
		return [success(numbersOf(found))];
	},
};
