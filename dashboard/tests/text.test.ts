import { describe, expect, it } from "vitest";

import { CaptionUnit } from "../src/rpc/aurareels/v1/platform_pb";
import { compose, entriesOf, lengthIn, withEntries } from "../src/views/publish/text";

describe("chips", () => {
  it("take what is typed or pasted apart", () => {
    expect(entriesOf("#reels, aura  #über;two", "#")).toEqual(["reels", "aura", "über", "two"]);
    expect(entriesOf("#one#two", "#")).toEqual(["one", "two"]);
    expect(entriesOf("@ada, @ben.b", "@")).toEqual(["ada", "ben.b"]);
    expect(entriesOf(" , # ", "#")).toEqual([]);
  });

  it("hold each entry once, whatever its case", () => {
    expect(withEntries(["Reels"], ["reels", "aura", "AURA"])).toEqual(["Reels", "aura"]);
  });
});

describe("the text that will be sent", () => {
  it("is the caption, then the hashtags and mentions that do not stand in it", () => {
    const parts = { caption: " Hello #Aura and @ada ", hashtags: ["aura", "reels"], mentions: ["Ada", "ben"] };
    expect(compose(parts)).toBe("Hello #Aura and @ada #reels @ben");
  });

  it("takes no word of the caption that only begins like a hashtag for it", () => {
    expect(compose({ caption: "#aurareels", hashtags: ["aura"], mentions: [] })).toBe("#aurareels #aura");
  });

  it("has hashtags alone where there is no caption, and one kind of line end", () => {
    expect(compose({ caption: "", hashtags: ["a", "b"], mentions: [] })).toBe("#a #b");
    expect(compose({ caption: "one\r\ntwo\rthree", hashtags: [], mentions: [] })).toBe("one\ntwo\nthree");
  });

  it("is counted in the unit of each platform", () => {
    expect(lengthIn(CaptionUnit.UTF16, "é👋")).toBe(3);
    expect(lengthIn(CaptionUnit.CODE_POINTS, "é👋")).toBe(2);
    expect(lengthIn(CaptionUnit.BYTES, "é👋")).toBe(6);
  });
});
