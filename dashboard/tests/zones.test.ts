import { describe, expect, it } from "vitest";

import { offsetAt, offsetName, readWall, toWall } from "../src/app/zones";

const at = (text: string) => new Date(text);

describe("a wall time", () => {
  it("is one instant on an ordinary day", () => {
    expect(readWall("Europe/Berlin", "2026-12-25T18:00:00")).toEqual({ kind: "once", instant: at("2026-12-25T17:00:00Z") });
    expect(readWall("Asia/Kathmandu", "2026-12-25 18:00")).toEqual({ kind: "once", instant: at("2026-12-25T12:15:00Z") });
  });

  it("does not exist while clocks are put forward", () => {
    expect(readWall("Europe/Berlin", "2027-03-28T02:30:00").kind).toBe("gap");
    expect(readWall("America/New_York", "2027-03-14T02:00:00").kind).toBe("gap");
    expect(readWall("Europe/Berlin", "2027-03-28T03:00:00")).toEqual({ kind: "once", instant: at("2027-03-28T01:00:00Z") });
  });

  it("happens twice while clocks are put back, and the earlier is taken", () => {
    expect(readWall("Europe/Berlin", "2026-10-25T02:30:00")).toEqual({
      kind: "twice",
      instant: at("2026-10-25T00:30:00Z"),
      later: at("2026-10-25T01:30:00Z"),
    });
    // Half an hour only.
    expect(readWall("Australia/Lord_Howe", "2027-04-04T01:45:00")).toEqual({
      kind: "twice",
      instant: at("2027-04-03T14:45:00Z"),
      later: at("2027-04-03T15:15:00Z"),
    });
    expect(readWall("Europe/Berlin", "2026-10-25T03:00:00").kind).toBe("once");
  });

  it("comes back from the instant", () => {
    expect(toWall("America/Sao_Paulo", at("2026-12-25T17:00:00Z"))).toBe("2026-12-25T14:00:00");
    expect(toWall("UTC", at("2026-12-25T00:00:00Z"))).toBe("2026-12-25T00:00:00");
  });
});

describe("an offset", () => {
  it("is named with its minutes only where it has some", () => {
    expect(offsetName(offsetAt("Europe/Berlin", at("2026-07-01T00:00:00Z")))).toBe("UTC+2");
    expect(offsetName(offsetAt("America/St_Johns", at("2026-12-01T00:00:00Z")))).toBe("UTC-3:30");
    expect(offsetName(0)).toBe("UTC");
  });
});
