/** When a post should go out. */

import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { ScheduleTimeInput } from '../../shared/api';
import type { Work } from '../operation';
import { scheduleTime } from '../read/time';

export const scheduledAt: INodeProperties = {
	displayName: 'Scheduled At',
	name: 'scheduledAt',
	type: 'dateTime',
	default: '',
	required: true,
	placeholder: 'e.g. 2030-12-25T18:00:00',
	description:
		"When the post should go out. A time without an offset is read in the workflow's time zone, or in the one set in the options. Up to a minute in the past means now.",
};

/** Reads it, with the zone of the options. */
export function readScheduledAt(work: Work, value?: unknown): ScheduleTimeInput {
	const options = work.node.getNodeParameter('options', work.item, {}) as IDataObject;
	const zone = String(options.timeZone ?? '').trim() || work.node.getTimezone();
	return scheduleTime(value ?? work.node.getNodeParameter('scheduledAt', work.item, ''), zone);
}
