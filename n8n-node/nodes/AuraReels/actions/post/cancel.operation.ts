import { call } from '../../../shared/transport';
import { simplify } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import type { Operation } from '../../operation';
import { postResult } from '../../results';

/** Stops a post that nobody can have seen yet. */
export const cancel: Operation = {
	option: {
		name: 'Cancel',
		value: 'cancel',
		action: 'Cancel a post',
		description:
			'Cancel a draft or scheduled post, or one on its way that nobody can have seen yet',
	},
	fields: [postField, simplify, optionsField()],
	async execute(work) {
		return [postResult(await call(work.core, 'PostService/CancelPost', { id: readPostId(work) }))];
	},
};
