import { describe, expect, it } from "vitest";

import { addMonths, dayNumber, dayOf, dayText, instantAt, minuteOf, monthOf, readDay, shown, startOf, step, wallText, weekOf, weekdayOf } from "../src/views/calendar/days";

const BERLIN = "Europe/Berlin";
const NEW_YORK = "America/New_York";

describe("days of a zone", () => {
  it("begin at its own midnight", () => {
    const day = dayNumber(2026, 11, 25);
    expect(new Date(startOf(BERLIN, day)).toISOString()).toBe("2026-12-24T23:00:00.000Z");
    expect(new Date(startOf(NEW_YORK, day)).toISOString()).toBe("2026-12-25T05:00:00.000Z");
    expect(dayOf(BERLIN, startOf(BERLIN, day))).toBe(day);
    expect(dayOf(BERLIN, startOf(BERLIN, day) - 1)).toBe(day - 1);
  });

  it("have 23 and 25 hours when clocks change", () => {
    const hours = (day: number) => (startOf(BERLIN, day + 1) - startOf(BERLIN, day)) / 3_600_000;
    expect(hours(dayNumber(2026, 2, 29))).toBe(23);
    expect(hours(dayNumber(2026, 9, 25))).toBe(25);
  });

  it("begin after a midnight that is left out", () => {
    const day = dayNumber(2026, 3, 24);
    expect(dayOf("Africa/Cairo", startOf("Africa/Cairo", day))).toBe(day);
    expect(dayOf("Africa/Cairo", startOf("Africa/Cairo", day) - 1)).toBe(day - 1);
  });

  it("tell the wall clock's minute", () => {
    const day = dayNumber(2026, 6, 1);
    const instant = instantAt("Asia/Kolkata", day, 18 * 60 + 5);
    expect(new Date(instant).toISOString()).toBe("2026-07-01T12:35:00.000Z");
    expect([dayOf("Asia/Kolkata", instant), minuteOf("Asia/Kolkata", instant)]).toEqual([day, 18 * 60 + 5]);
  });
});

describe("days as numbers", () => {
  it("are written and read", () => {
    const day = dayNumber(2028, 1, 29);
    expect(dayText(day)).toBe("2028-02-29");
    expect(readDay("2028-02-29")).toBe(day);
    expect(readDay("yesterday")).toBeUndefined();
    expect(readDay("2028-13-01")).toBeUndefined();
    expect(wallText(day, 9 * 60 + 7)).toBe("2028-02-29T09:07:00");
  });

  it("know their week and month", () => {
    const friday = dayNumber(2026, 11, 25);
    expect(weekdayOf(friday)).toBe(5);
    expect(weekdayOf(-1)).toBe(3);
    expect(dayText(weekOf(friday, 1))).toBe("2026-12-21");
    expect(dayText(weekOf(friday, 0))).toBe("2026-12-20");
    expect(dayText(monthOf(friday))).toBe("2026-12-01");
    expect(dayText(addMonths(dayNumber(2026, 0, 31), 1))).toBe("2026-02-28");
    expect(dayText(addMonths(friday, -12))).toBe("2025-12-25");
  });

  it("are shown by layout", () => {
    const friday = dayNumber(2026, 11, 25);
    const text = ({ first, end }: { first: number; end: number }) => [dayText(first), dayText(end)];
    expect(text(shown("month", friday, 1))).toEqual(["2026-11-30", "2027-01-11"]);
    expect(text(shown("week", friday, 0))).toEqual(["2026-12-20", "2026-12-27"]);
    expect(text(shown("agenda", friday, 0))).toEqual(["2026-12-01", "2027-01-01"]);
    expect(dayText(step("week", friday, -1))).toBe("2026-12-18");
    expect(dayText(step("month", friday, 1))).toBe("2027-01-25");
  });
});
