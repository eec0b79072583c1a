import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** Removes a draft. */
export const deleteDraft: Operation = {
	option: {
		name: 'Delete Draft',
		value: 'deleteDraft',
		action: 'Delete a draft of a post',
		description: 'Delete a draft. To stop a scheduled post, use Cancel.',
	},
	fields: [postField, optionsField()],
	async execute(work) {
		const id = readPostId(work);
		await call(work.core, 'PostService/DeleteDraft', { id });
		return [success({ id, deleted: true })];
	},
};
