import { call } from '../../../shared/transport';
import { simplify, whenPostFailsAfterWait } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import { postOrWait, readWait, waitFields } from '../../fields/wait';
import type { Operation } from '../../operation';
import { postResult } from '../../results';

/** One post with its attempts. */
export const get: Operation = {
	option: {
		name: 'Get',
		value: 'get',
		action: 'Get a post',
		description: 'Get a post, with all attempts to publish it',
	},
	fields: [postField, ...waitFields, whenPostFailsAfterWait, simplify, optionsField()],
	async execute(work) {
		const waits = readWait(work);
		const id = readPostId(work);
		const post = await call(work.core, 'PostService/GetPost', { id });
		return [
			await postOrWait(waits, post, async (settled) =>
				// What was tried in the meantime belongs to the answer.
				postResult(settled === post ? post : await call(work.core, 'PostService/GetPost', { id })),
			),
		];
	},
};
