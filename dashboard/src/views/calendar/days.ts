// Days of a time zone as whole numbers: the calendar counts and compares days thousands of times while it scrolls, which
// is cheap with numbers and not with date objects. Day 0 is 1 January 1970. The browser's own zones are asked, because the
// library for dates is a tenth of what the view may weigh.

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The days that a view shows, from the first to before `end`. */
export interface Days {
  first: number;
  end: number;
}

/** Which days, and how they are laid out. */
export type Layout = "month" | "week" | "agenda";

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a clock of that zone shows, as if it were UTC. */
function wallMs(zone: string, instant: number): number {
  let format = formats.get(zone);
  if (!format) {
    const two = "2-digit";
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    });
    formats.set(zone, format);
  }
  const shown: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) {
    shown[type] = Number(value);
  }
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Where an instant stands on a calendar of that zone: its day, and the minutes since midnight. */
export function placeOf(zone: string, instant: number): { day: number; minute: number } {
  const wall = wallMs(zone, instant);
  const day = Math.floor(wall / DAY_MS);
  return { day, minute: Math.floor((wall - day * DAY_MS) / MINUTE_MS) };
}

export const dayOf = (zone: string, instant: number): number => placeOf(zone, instant).day;
export const minuteOf = (zone: string, instant: number): number => placeOf(zone, instant).minute;

/** The day as UTC's midnight: for formatting with the zone "UTC", and for calculating. */
export function dateOf(day: number): Date {
  return new Date(day * DAY_MS);
}

export function dayNumber(year: number, month: number, date: number): number {
  return Date.UTC(year, month, date) / DAY_MS;
}

/** The instant at which a day begins; where midnight is left out, the first instant after it. */
export function startOf(zone: string, day: number): number {
  return instantAt(zone, day, 0);
}

/** The instant of a wall clock time. Of a time that is left out, the one by the offset before the gap; of one that happens
 * twice, the first. */
export function instantAt(zone: string, day: number, minute: number): number {
  const wall = day * DAY_MS + minute * MINUTE_MS;
  const offset = (instant: number) => wallMs(zone, instant) - instant;
  // No zone changes its clocks twice within two days.
  const [before, after] = [wall - offset(wall - DAY_MS), wall - offset(wall + DAY_MS)];
  return wallMs(zone, before) === wall || wallMs(zone, after) !== wall ? before : after;
}

/** "2026-12-25", as addresses and date fields have it. */
export function dayText(day: number): string {
  return dateOf(day).toISOString().slice(0, 10);
}

/** The day of "2026-12-25"; undefined when it is none. */
export function readDay(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    return undefined;
  }
  const day = Date.parse(text) / DAY_MS;
  return Number.isNaN(day) ? undefined : day;
}

/** What the clock shows, as ScheduleTime.wall_time wants it: the core reads it by its own rules of the zone. */
export function wallText(day: number, minute: number, second = 0): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${dayText(day)}T${two(Math.floor(minute / 60))}:${two(minute % 60)}:${two(second)}`;
}

/** The first weekday of a language's calendars: 0 is Sunday, 1 is Monday. */
export function firstWeekday(region: string): 0 | 1 {
  const locale = new Intl.Locale(region).maximize() as Intl.Locale & WeekInfo;
  const first = (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay;
  // Browsers without this knowledge: the two of our languages whose first region begins on Sunday.
  return first === undefined ? (/^(en|en-US|pt-BR)$/.test(region) ? 0 : 1) : first === 7 ? 0 : 1;
}

/** Two names of one thing, older and newer; TypeScript knows neither yet. */
interface WeekInfo {
  weekInfo?: { firstDay: number };
  getWeekInfo?(): { firstDay: number };
}

/** 0 is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

/** The first day of the day's week. */
export function weekOf(day: number, first: 0 | 1): number {
  return day - ((weekdayOf(day) - first + 7) % 7);
}

/** The first day of the day's month. */
export function monthOf(day: number): number {
  const date = dateOf(day);
  return dayNumber(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

/** The same date some months on; the last one of its month where that has fewer days. */
export function addMonths(day: number, months: number): number {
  const date = dateOf(day);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months + 1, 0));
  return dayNumber(last.getUTCFullYear(), last.getUTCMonth(), Math.min(date.getUTCDate(), last.getUTCDate()));
}

/** The days that a layout shows around a day. A month is always six weeks, so that nothing moves from month to month. */
export function shown(layout: Layout, day: number, first: 0 | 1): Days {
  switch (layout) {
    case "month": {
      const begin = weekOf(monthOf(day), first);
      return { first: begin, end: begin + 42 };
    }
    case "week": {
      const begin = weekOf(day, first);
      return { first: begin, end: begin + 7 };
    }
    case "agenda": {
      const begin = monthOf(day);
      return { first: begin, end: addMonths(begin, 1) };
    }
  }
}

/** The day to look at after one step back or forward. */
export function step(layout: Layout, day: number, by: -1 | 1): number {
  return layout === "week" ? day + 7 * by : addMonths(day, by);
}
