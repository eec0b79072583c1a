/** Times as they come out of fields and expressions. */

import { ParameterError } from '../../shared/errors';
import type { ScheduleTimeInput } from '../../shared/api';

const REMEDY =
	'Give a time such as 2030-12-25T18:00:00 or 2030-12-25T18:00:00+01:00, or a date from an expression such as {{ $now.plus(1, "day") }}.';

/**
 * A time for the schedule. One with an offset is an instant; one without is a wall clock time in `zone`, so that
 * 18:00 stays 18:00 across a change of daylight saving time.
 */
export function scheduleTime(value: unknown, zone: string): ScheduleTimeInput {
	const text = timeText(value);
	return hasOffset(text) ? { text } : { wall_time: { local: text, time_zone: zone } };
}

/** An instant; one without an offset is UTC, as everywhere in AuraReels' own data. */
export function instant(value: unknown): string {
	const given = timeText(value);
	const text = hasOffset(given) ? given : `${complete(given.replace(' ', 'T'))}Z`;
	if (Number.isNaN(Date.parse(text))) throw new ParameterError(`"${given}" is not a time`, REMEDY);
	return text;
}

/** A date gets midnight, and a time without seconds its seconds: RFC 3339 leaves neither out. */
function complete(text: string): string {
	if (/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return `${text}T00:00:00`;
	return /T[0-9]{2}:[0-9]{2}$/.test(text) ? `${text}:00` : text;
}

function timeText(value: unknown): string {
	if (value instanceof Date) return value.toISOString();
	const luxon = value as { toISO?: () => string | null } | null;
	if (typeof luxon === 'object' && luxon && typeof luxon.toISO === 'function')
		return luxon.toISO() ?? '';
	const text = typeof value === 'string' ? value.trim() : '';
	if (text === '') throw new ParameterError('No time is given', REMEDY);
	return text;
}

function hasOffset(text: string): boolean {
	return /[0-9](Z|[+-][0-9]{2}:?[0-9]{2})$/i.test(text) && /[T ]/.test(text);
}
