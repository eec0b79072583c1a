/** When a post should go out. */

import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { ScheduleTimeInput } from '../../shared/api';
import type { Work } from '../operation';
import { scheduleTime } from '../read/time';
import { text } from '../../shared/values';
import { timeZone } from './options';
import { fromVersion2 } from './versions';

export const scheduledAt: INodeProperties = {
	displayName: 'Scheduled At',
	name: 'scheduledAt',
	type: 'dateTime',
	default: '',
	required: true,
	placeholder: 'e.g. 2030-12-25T18:00:00',
	description:
		"When to publish the post. A time without an offset is in the workflow's time zone, unless you set another one. A time up to one minute in the past means now.",
};

/** With the zone in which it is read: among the options in version 1, beside it from version 2 on. */
export const scheduledAtFields: INodeProperties[] = [scheduledAt, fromVersion2(timeZone)];

/** Reads it. */
export function readScheduledAt(work: Work, value?: unknown): ScheduleTimeInput {
	const options = work.node.getNodeParameter('options', work.item, {}) as IDataObject;
	const own = work.node.getNodeParameter('timeZone', work.item, '');
	const zone = text(options.timeZone || own, 'Time Zone') || work.node.getTimezone();
	return scheduleTime(value ?? work.node.getNodeParameter('scheduledAt', work.item, ''), zone);
}
