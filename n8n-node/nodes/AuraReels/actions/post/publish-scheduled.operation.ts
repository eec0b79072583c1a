import type { INodeProperties } from 'n8n-workflow';

import { call } from '../../../shared/transport';
import { simplify, whenPostFails } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { postField, readPostId } from '../../fields/post';
import { postOrWait, readWait, waitFieldsOfPublishing } from '../../fields/wait';
import type { Operation } from '../../operation';
import { instant } from '../../read/time';
import { judgedPost } from '../../results';

const expectedScheduledAt: INodeProperties = {
	displayName: 'Expected Time',
	name: 'expectedScheduledAt',
	type: 'string',
	default: '',
	placeholder: 'e.g. {{ $json.body.scheduled_at }}',
	description:
		'The time this workflow expects the post to be scheduled for. If the post was rescheduled or cancelled in the meantime, nothing is published and "result" is "superseded". A time without an offset is UTC.',
};

/** An existing post, now. */
export const publishScheduled: Operation = {
	option: {
		name: 'Publish Scheduled',
		value: 'publishScheduled',
		action: 'Publish a scheduled post now',
		description: 'Publish an existing draft or scheduled post now',
	},
	fields: [
		postField,
		expectedScheduledAt,
		...waitFieldsOfPublishing,
		whenPostFails,
		simplify,
		optionsField(),
	],
	async execute(work) {
		const waits = readWait(work);
		const expected = work.node.getNodeParameter('expectedScheduledAt', work.item, '');
		const { post, result, message } = await call(work.core, 'PostService/PublishPostNow', {
			id: readPostId(work),
			expected_scheduled_at: expected === '' ? null : instant(expected),
		});
		if (!post) return [];
		// Nothing will happen to a post that was superseded, so there is nothing to wait for.
		if (result === 'superseded') return [judgedPost(post, { result, message })];
		return [await postOrWait(waits, post, (settled) => judgedPost(settled, { result, message }))];
	},
};
