import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { SchedulePostsRequestInput } from '../../../shared/api';
import { call } from '../../../shared/transport';
import { contentFields, furtherFields, targetFields } from '../../fields/content';
import { simplify, whenPostFails } from '../../fields/failing';
import { optionsWithZone } from '../../fields/options';
import { allowDuplicate, readRequest, requestKey } from '../../fields/request';
import { readScheduledAt, scheduledAtFields } from '../../fields/scheduled-at';
import type { Operation } from '../../operation';
import { choice, whole } from '../../../shared/values';
import { judgedPost } from '../../results';

const latePolicy: INodeProperties = {
	displayName: 'Maximum Delay (Seconds)',
	name: 'latePolicySeconds',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: 86400,
	description:
		'How late a post can be published if the core was down at its time. After that, it fails with MISSED.',
};

const scheduler: INodeProperties = {
	displayName: 'Scheduler',
	name: 'scheduler',
	type: 'options',
	options: [
		{
			name: 'AuraReels',
			value: 'core',
			description: 'The core publishes the post within a second of its time',
		},
		{
			name: 'N8n Workflow',
			value: 'n8n',
			description:
				'The core calls the scheduler workflow, which waits and publishes the post. If it does not, the core does.',
		},
	],
	default: 'core',
	description: "What publishes the post at its time. Defaults to the core's setting.",
};

/** One video, at a time, on one or more accounts. */
export const schedule: Operation = {
	option: {
		name: 'Schedule',
		value: 'schedule',
		action: 'Schedule a post',
		description: 'Schedule a video for later, on one or more accounts',
	},
	fields: [
		...targetFields,
		...contentFields,
		...scheduledAtFields,
		whenPostFails,
		simplify,
		...furtherFields,
		...optionsWithZone(allowDuplicate, latePolicy, requestKey, scheduler),
	],
	async execute(work) {
		const options = work.node.getNodeParameter('options', work.item, {}) as IDataObject;
		const request: SchedulePostsRequestInput = {
			...(await readRequest(work)),
			scheduled_at: readScheduledAt(work),
			scheduler: choice(scheduler, options.scheduler) ?? null,
			late_policy_seconds:
				whole(options.latePolicySeconds, 'Maximum Delay', 'Enter seconds, such as 3600.') ?? null,
		};
		const { posts, existed } = await call(work.core, 'PostService/SchedulePosts', request);
		return posts.map((post, index) => judgedPost(post, { existed: existed[index] }));
	},
};
