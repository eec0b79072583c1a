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
			'Cancel a post that cannot be visible yet: a draft, a scheduled post, or one that is being prepared',
	},
	fields: [postField, simplify, optionsField()],
	async execute(work) {
		return [postResult(await call(work.core, 'PostService/CancelPost', { id: readPostId(work) }))];
	},
};
