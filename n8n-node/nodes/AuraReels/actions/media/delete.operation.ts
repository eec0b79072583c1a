import { call } from '../../../shared/transport';
import { mediaField, readMediaId } from '../../fields/media';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** Removes an upload. */
export const deleteMedia: Operation = {
	option: {
		name: 'Delete',
		value: 'delete',
		action: 'Delete an uploaded video',
		description: 'Delete an uploaded video immediately. Refused while a post needs it.',
	},
	fields: [mediaField, optionsField()],
	async execute(work) {
		const media_id = readMediaId(work);
		await call(work.core, 'MediaService/DeleteMedia', { media_id });
		return [success({ media_id, deleted: true })];
	},
};
