import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";

import { CoreAway, readViolation, toProblem } from "../src/api/problem";

describe("a broken rule", () => {
  it("is taken apart as the core writes it", () => {
    const text = "too long (rule: CAPTION_TOO_LONG; measured: 2201; limit: 2200; remedy: shorten it; or cut; account: 3)";
    expect(readViolation("content.caption", text, "")).toEqual({
      field: "content.caption",
      rule: "CAPTION_TOO_LONG",
      message: "too long",
      measured: "2201",
      limit: "2200",
      remedy: "shorten it; or cut",
      accountId: 3n,
    });
  });

  it("is shown as it is where it is written otherwise", () => {
    expect(readViolation("id", "must be positive", "FIELD")).toMatchObject({ rule: "FIELD", message: "must be positive" });
  });
});

describe("a problem", () => {
  it("is the core's silence, the end of a login, or a refusal", () => {
    expect(toProblem(new CoreAway(new TypeError("fetch"))).kind).toBe("away");
    expect(toProblem(new ConnectError("who?", Code.Unauthenticated)).kind).toBe("signedOut");
    expect(toProblem(new ConnectError("no", Code.FailedPrecondition))).toMatchObject({ kind: "refused", message: "no" });
  });
});
