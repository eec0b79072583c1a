/**
 * Times as they come out of fields, expressions and spreadsheets.
 *
 * What can mean one time only is understood: ISO 8601 in its usual variants, day.month.year, year/month/day, a month by its
 * English name, a spreadsheet's serial number, a Unix time. What can mean two (is 03/02 in February or in March?) is refused
 * by name: a post at the wrong time cannot be taken back.
 */

import { ParameterError } from '../../shared/errors';
import type { ScheduleTimeInput } from '../../shared/api';

const REMEDY =
	'Use a time such as 2030-12-25T18:00:00 or 2030-12-25T18:00:00+01:00, or an expression such as {{ $now.plus(1, "day") }}.';

/**
 * A time for the schedule. One with an offset is an instant; one without is a wall clock time in `zone`, so that
 * 18:00 stays 18:00 across a change of daylight saving time.
 */
export function scheduleTime(value: unknown, zone: string): ScheduleTimeInput {
	const { text, hasOffset, isDay } = timeOf(value);
	if (isDay) {
		throw new ParameterError(`"${shown(value)}" is a date without a time`, REMEDY);
	}
	return hasOffset ? { text } : { wall_time: { local: text, time_zone: zone } };
}

/** An instant; one without an offset is UTC, as everywhere in AuraReels' own data, and a day begins at midnight. */
export function instant(value: unknown): string {
	const { text, hasOffset, isDay } = timeOf(value);
	const complete = hasOffset ? text : `${text}${isDay ? 'T00:00:00' : ''}Z`;
	if (Number.isNaN(Date.parse(complete))) throw unreadable(value);
	return complete;
}

/** A time in the form of RFC 3339, with an offset or without one; a day has no time. */
interface Time {
	text: string;
	hasOffset: boolean;
	isDay: boolean;
}

function timeOf(value: unknown): Time {
	if (value instanceof Date) {
		if (Number.isNaN(value.getTime())) throw unreadable(value);
		return { text: value.toISOString(), hasOffset: true, isDay: false };
	}
	const luxon = value as { toISO?: () => string | null } | null;
	if (typeof luxon === 'object' && luxon && typeof luxon.toISO === 'function') {
		const text = luxon.toISO();
		if (!text) throw unreadable(value);
		return { text, hasOffset: true, isDay: false };
	}
	if (typeof value === 'number') return numbered(value);
	if (typeof value === 'object' && value !== null) throw unreadable(value);
	const text = typeof value === 'string' ? value.trim() : '';
	if (text === '') throw new ParameterError('The time is empty', REMEDY);
	if (/^[0-9]+([.,][0-9]+)?$/.test(text)) return numbered(Number(text.replace(',', '.')));
	const found = iso(text) ?? ordered(text) ?? slashed(text) ?? named(text);
	if (!found) throw unreadable(value);
	return found;
}

/** Serial numbers of the years 1954 to 2173. */
const SERIAL = { first: 20_000, last: 100_000 };

/** The serial number of 1 January 1970: spreadsheets count days from the end of 1899. */
const SERIAL_OF_1970 = 25_569;

const DAY_MS = 86_400_000;

/** A number: a spreadsheet's days, or Unix seconds or milliseconds of the years 2001 to 2286. */
function numbered(value: number): Time {
	if (value >= SERIAL.first && value < SERIAL.last) {
		const seconds = Math.round((value - SERIAL_OF_1970) * (DAY_MS / 1000));
		const text = new Date(seconds * 1000).toISOString().slice(0, 19);
		return Number.isInteger(value)
			? { text: text.slice(0, 10), hasOffset: false, isDay: true }
			: { text, hasOffset: false, isDay: false };
	}
	const milliseconds = value >= 1e12 && value < 1e13 ? value : value * 1000;
	if (milliseconds >= 1e12 && milliseconds < 1e13) {
		return { text: new Date(milliseconds).toISOString(), hasOffset: true, isDay: false };
	}
	throw new ParameterError(
		`The number ${value} is not a time`,
		`A number can be a spreadsheet's serial number (46016.75) or a Unix time in seconds or milliseconds. ${REMEDY}`,
	);
}

/** What may follow the day: a time, and an offset. */
const CLOCK =
	'(?:(?:[T,]\\s*|\\s+)([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:[.,][0-9]+)?))?\\s*([AP]\\.?M\\.?)?\\s*(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$';

/** "2030-12-25T18:00:00+01:00", "2030-12-25 18:00", "2030/12/25". */
function iso(text: string): Time | undefined {
	const found = new RegExp(`^([0-9]{4})([-/.])([0-9]{1,2})\\2([0-9]{1,2})${CLOCK}`, 'i').exec(text);
	return found ? assembled(text, found[1], found[3], found[4], found.slice(5)) : undefined;
}

/** "25.12.2030 18:00": with dots the day comes first, wherever it is written so. */
function ordered(text: string): Time | undefined {
	const found = new RegExp(`^([0-9]{1,2})\\.\\s?([0-9]{1,2})\\.\\s?([0-9]{4})${CLOCK}`, 'i').exec(
		text,
	);
	return found ? assembled(text, found[3], found[2], found[1], found.slice(4)) : undefined;
}

/** "25/12/2030": only where one of the two cannot be a month, or both are the same. */
function slashed(text: string): Time | undefined {
	const found = new RegExp(`^([0-9]{1,2})([/-])([0-9]{1,2})\\2([0-9]{4})${CLOCK}`, 'i').exec(text);
	if (!found) return undefined;
	const [, first, , second, year] = found;
	if (Number(first) <= 12 && Number(second) <= 12 && Number(first) !== Number(second)) {
		throw new ParameterError(
			`"${text}" is ambiguous: it can be day ${Number(first)} of month ${Number(second)}, or day ${Number(second)} of month ${Number(first)}`,
			`Write the year first. ${REMEDY}`,
		);
	}
	const [day, month] = Number(first) > 12 ? [first, second] : [second, first];
	return assembled(text, year, month, day, found.slice(5));
}

/** "Dec 25, 2030 6:00 PM", "25 December 2030 18:00": JavaScript reads English names, here without any zone of its own. */
function named(text: string): Time | undefined {
	const hasName = /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b/i.test(text);
	if (!hasName || !/\b[0-9]{4}\b/.test(text)) return undefined;
	const hasOffset = /(\bZ|\bUTC|\bGMT|[+-][0-9]{2}:?[0-9]{2})\b/.test(text);
	const at = Date.parse(hasOffset ? text : `${text.replace(/\b(at|um)\b|,/gi, ' ')} UTC`);
	if (Number.isNaN(at)) return undefined;
	const complete = new Date(at).toISOString();
	if (hasOffset) return { text: complete, hasOffset, isDay: false };
	const isDay = !/[0-9]:[0-9]{2}|[0-9]\s*[ap]\.?m/i.test(text);
	return { text: complete.slice(0, isDay ? 10 : 19), hasOffset, isDay };
}

/** Puts the parts together; a day or an hour that no calendar has is refused. */
function assembled(
	text: string,
	year: string,
	month: string,
	day: string,
	[hours, minutes, seconds = '00', half, offset]: string[],
): Time {
	const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
	const isReal = new Date(`${date}T00:00:00Z`).toJSON()?.startsWith(date);
	if (!isReal) throw new ParameterError(`"${text}" is not a valid date`, REMEDY);
	if (hours === undefined) return { text: date, hasOffset: false, isDay: true };
	const hour = half ? (Number(hours) % 12) + (/p/i.test(half) ? 12 : 0) : Number(hours);
	if (hour > 24 || (half && Number(hours) > 12)) throw unreadable(text);
	const clock = `${String(hour).padStart(2, '0')}:${minutes}:${seconds.replace(',', '.')}`;
	if (!offset) return { text: `${date}T${clock}`, hasOffset: false, isDay: false };
	const zone = /^[+-]/.test(offset)
		? offset.replace(/^(...):?([0-9]{2})?$/, (_, h, m) => `${h}:${m ?? '00'}`)
		: 'Z';
	return { text: `${date}T${clock}${zone}`, hasOffset: true, isDay: false };
}

function unreadable(value: unknown): ParameterError {
	return new ParameterError(`"${shown(value)}" is not a valid time`, REMEDY);
}

function shown(value: unknown): string {
	return typeof value === 'object' && value !== null && !(value instanceof Date)
		? JSON.stringify(value)
		: String(value);
}
