import { call } from '../../../shared/transport';
import { simplify, whenPostFails } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import { postOrWait, readWait, waitFields } from '../../fields/wait';
import type { Operation } from '../../operation';

/** Looks again at the platform. */
export const reconcile: Operation = {
	option: {
		name: 'Reconcile',
		value: 'reconcile',
		action: 'Reconcile a post',
		description: 'Check the platform again for a post that is confirming or needs review',
	},
	fields: [postField, ...waitFields, whenPostFails, simplify, optionsField()],
	async execute(work) {
		const waits = readWait(work);
		const post = await call(work.core, 'PostService/ReconcilePost', { id: readPostId(work) });
		return [await postOrWait(waits, post)];
	},
};
