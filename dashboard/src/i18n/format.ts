// Numbers, sizes and times as people of a language write them. Times always name their zone.

import type { Timestamp } from "@bufbuild/protobuf/wkt";

export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

export type Time = Date | Timestamp;

export function toDate(time: Time): Date {
  return time instanceof Date ? time : new Date(Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6));
}

export interface Formatter {
  /** "Mon, 30 Nov 2026, 18:00 CET" */
  dateTime(time: Time, zone?: string): string;
  /** "Mon, 30 Nov 2026, 18:00:07 CET" */
  moment(time: Time, zone?: string): string;
  /** "Mon, 30 Nov 2026" */
  date(time: Time, zone?: string): string;
  /** "18:00" */
  time(time: Time, zone?: string): string;
  /** "18:00 CET" */
  timeWithZone(time: Time, zone?: string): string;
  /** "in 3 days", "2 minutes ago" */
  relative(time: Time, now?: Date): string;
  number(value: number | bigint): string;
  /** "12.4 MB" */
  bytes(value: number | bigint): string;
  /** "1:05" */
  duration(seconds: number): string;
  list(parts: string[]): string;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

export function formatter(locale: string): Formatter {
  const known = new Map<string, Intl.DateTimeFormat>();
  const dates = (options: Intl.DateTimeFormatOptions, zone?: string): Intl.DateTimeFormat => {
    const key = JSON.stringify([options, zone]);
    const format = known.get(key) ?? new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
    known.set(key, format);
    return format;
  };
  const day = { weekday: "short", day: "numeric", month: "short", year: "numeric" } as const;
  const clock = { hour: "2-digit", minute: "2-digit" } as const;
  const numbers = new Intl.NumberFormat(locale);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const lists = new Intl.ListFormat(locale, { type: "conjunction" });
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  return {
    dateTime: (time, zone) => dates({ ...day, ...clock, timeZoneName: "short" }, zone).format(toDate(time)),
    moment: (time, zone) => dates({ ...day, ...clock, second: "2-digit", timeZoneName: "short" }, zone).format(toDate(time)),
    date: (time, zone) => dates(day, zone).format(toDate(time)),
    time: (time, zone) => dates(clock, zone).format(toDate(time)),
    timeWithZone: (time, zone) => dates({ ...clock, timeZoneName: "short" }, zone).format(toDate(time)),
    relative: (time, now = new Date()) => {
      const seconds = Math.round((toDate(time).getTime() - now.getTime()) / 1000);
      const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
      return relative.format(Math.trunc(seconds / size), unit);
    },
    number: (value) => numbers.format(value),
    bytes: (value) => {
      let [amount, step] = [Number(value), 0];
      while (amount >= 1000 && step < units.length - 1) {
        amount /= 1000;
        step += 1;
      }
      const maximumFractionDigits = step > 1 && amount < 100 ? 1 : 0;
      const style = { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits } as const;
      return new Intl.NumberFormat(locale, style).format(amount);
    },
    duration: (seconds) => {
      const whole = Math.round(seconds);
      const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
      const rest = String(whole % 60).padStart(2, "0");
      return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
    },
    list: (parts) => lists.format(parts),
  };
}
