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
	displayName: 'Latest After (Seconds)',
	name: 'latePolicySeconds',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: 86400,
	description:
		'When the core was down at the time: publish if found late by less than this, otherwise fail with MISSED',
};

const scheduler: INodeProperties = {
	displayName: 'Scheduler',
	name: 'scheduler',
	type: 'options',
	options: [
		{
			name: 'AuraReels',
			value: 'core',
			description: 'The core publishes by itself, within a second of the time',
		},
		{
			name: 'N8n Workflow',
			value: 'n8n',
			description:
				'The core calls the scheduler workflow, which waits and publishes; the core steps in if it does not',
		},
	],
	default: 'core',
	description: "Who wakes the post at its time. The core's own setting when not added.",
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
				whole(options.latePolicySeconds, 'Latest After', 'Give seconds, such as 3600.') ?? null,
		};
		const { posts, existed } = await call(work.core, 'PostService/SchedulePosts', request);
		return posts.map((post, index) => judgedPost(post, { existed: existed[index] }));
	},
};
