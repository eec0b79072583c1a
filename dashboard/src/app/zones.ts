// What a clock on the wall in a time zone means, with the days on which clocks are changed.

const formats = new Map<string, Intl.DateTimeFormat>();

function wallFormat(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) {
    return known;
  }
  const digits = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
  const made = new Intl.DateTimeFormat("en-US", { ...digits, hourCycle: "h23", timeZone: zone });
  formats.set(zone, made);
  return made;
}

/** What clocks show in the zone at an instant, as milliseconds: as if that were UTC. */
function wallMillis(zone: string, instant: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of wallFormat(zone).formatToParts(instant)) {
    parts[type] = Number(value);
  }
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The zone's distance from UTC at an instant, in minutes: 60 for Berlin in winter. */
export function offsetAt(zone: string, instant: Date): number {
  const whole = Math.floor(instant.getTime() / 1000) * 1000;
  return (wallMillis(zone, whole) - whole) / 60_000;
}

/** "2026-12-25T18:00:00": what clocks show in the zone at an instant. */
export function toWall(zone: string, instant: Date): string {
  return new Date(wallMillis(zone, instant.getTime())).toISOString().slice(0, 19);
}

export type Reading =
  /** Clocks are put forward over this time: it does not exist. */
  | { kind: "gap" }
  /** Clocks are put back over this time: it happens twice. `instant` is the earlier, which the core takes. */
  | { kind: "twice"; instant: Date; later: Date }
  | { kind: "once"; instant: Date };

const DAY_MS = 86_400_000;

/** Reads a wall time of a zone. */
export function readWall(zone: string, local: string): Reading {
  const wall = Date.parse(`${local.replace(" ", "T")}Z`);
  const offsets = new Set([wall - DAY_MS, wall + DAY_MS].map((near) => offsetAt(zone, new Date(near))));
  const instants = [...offsets]
    .map((offset) => wall - offset * 60_000)
    .filter((instant) => wallMillis(zone, instant) === wall)
    .sort((a, b) => a - b);
  const [first, second] = instants;
  if (first === undefined) {
    return { kind: "gap" };
  }
  const instant = new Date(first);
  return second === undefined ? { kind: "once", instant } : { kind: "twice", instant, later: new Date(second) };
}

/** "UTC+1", "UTC-3:30" */
export function offsetName(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const sign = minutes < 0 ? "-" : "+";
  return minutes === 0 ? "UTC" : `UTC${sign}${hours}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
}
