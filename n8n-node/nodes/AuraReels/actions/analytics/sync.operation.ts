import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import type { Operation } from '../../operation';
import { numbersOf } from '../../read/numbers';
import { success } from '../../results';

/** Reads the numbers of a post at its platform now. */
export const sync: Operation = {
	option: {
		name: 'Sync',
		value: 'sync',
		action: 'Sync the analytics of a post',
		description:
			'Read the analytics of a published post from its platform now. If that is not possible, "problem" says why.',
	},
	fields: [postField, optionsField()],
	async execute(work) {
		const found = await call(work.core, 'AnalyticsService/SyncPostAnalytics', {
			post_id: readPostId(work),
		});
		return [success(numbersOf(found))];
	},
};
