import type { Resource } from '../../operation';
import { cancel } from './cancel.operation';
import { createDraft } from './create-draft.operation';
import { deleteDraft } from './delete-draft.operation';
import { getAll } from './get-all.operation';
import { get } from './get.operation';
import { publishScheduled } from './publish-scheduled.operation';
import { publish } from './publish.operation';
import { reconcile } from './reconcile.operation';
import { reschedule } from './reschedule.operation';
import { resolve } from './resolve.operation';
import { retry } from './retry.operation';
import { schedule } from './schedule.operation';
import { update } from './update.operation';
import { validate } from './validate.operation';

/** Posts: one video on one account each. */
export const post: Resource = {
	option: { name: 'Post', value: 'post' },
	operations: [
		publish,
		schedule,
		validate,
		publishScheduled,
		createDraft,
		deleteDraft,
		get,
		getAll,
		update,
		reschedule,
		cancel,
		retry,
		reconcile,
		resolve,
	],
	first: 'publish',
};
