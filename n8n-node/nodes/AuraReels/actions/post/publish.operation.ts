import { call } from '../../../shared/transport';
import { contentFields, furtherFields, targetFields } from '../../fields/content';
import { simplify, whenPostFails } from '../../fields/failing';
import { optionsField } from '../../fields/options';
import { allowDuplicate, readRequest, requestKey } from '../../fields/request';
import { postOrWait, readWait, waitFieldsOfPublishing } from '../../fields/wait';
import type { Operation } from '../../operation';
import { judgedPost } from '../../results';

/** One video, now, on one or more accounts. */
export const publish: Operation = {
	option: {
		name: 'Publish',
		value: 'publish',
		action: 'Publish a post',
		description: 'Publish a video now, on one or more accounts',
	},
	fields: [
		...targetFields,
		...contentFields,
		...waitFieldsOfPublishing,
		whenPostFails,
		simplify,
		...furtherFields,
		optionsField(allowDuplicate, requestKey),
	],
	async execute(work) {
		const waits = readWait(work);
		const request = await readRequest(work);
		const { posts, existed } = await call(work.core, 'PostService/PublishPosts', request);
		return await Promise.all(
			posts.map((post, index) =>
				postOrWait(waits, post, (settled) => judgedPost(settled, { existed: existed[index] })),
			),
		);
	},
};
