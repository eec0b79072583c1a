import type { IDataObject } from 'n8n-workflow';

import { call } from '../../../shared/transport';
import { simplify } from '../../fields/failing';
import { optionsWithZone, readRevision, revision } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import { readScheduledAt, scheduledAtFields } from '../../fields/scheduled-at';
import type { Operation } from '../../operation';
import { postResult } from '../../results';

/** Another time for a draft or scheduled post. */
export const reschedule: Operation = {
	option: {
		name: 'Reschedule',
		value: 'reschedule',
		action: 'Reschedule a post',
		description: 'Change the time of a scheduled post, or schedule a draft',
	},
	fields: [postField, ...scheduledAtFields, simplify, ...optionsWithZone(revision)],
	async execute(work) {
		const options = work.node.getNodeParameter('options', work.item, {}) as IDataObject;
		const post = await call(work.core, 'PostService/ReschedulePost', {
			id: readPostId(work),
			scheduled_at: readScheduledAt(work),
			revision: readRevision(options),
		});
		return [postResult(post)];
	},
};
