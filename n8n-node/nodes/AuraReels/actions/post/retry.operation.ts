import { call } from '../../../shared/transport';
import { simplify, whenPostFails } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import { postOrWait, readWait, waitFieldsOfPublishing } from '../../fields/wait';
import type { Operation } from '../../operation';

/** Goes on with a failed post. */
export const retry: Operation = {
	option: {
		name: 'Retry',
		value: 'retry',
		action: 'Retry a failed post',
		description: 'Retry a failed post. It stays the same post and is never published twice.',
	},
	fields: [postField, ...waitFieldsOfPublishing, whenPostFails, simplify, optionsField()],
	async execute(work) {
		const waits = readWait(work);
		const post = await call(work.core, 'PostService/RetryPost', { id: readPostId(work) });
		return [await postOrWait(waits, post)];
	},
};
