import { describe, expect, it } from "vitest";

import { texts as de } from "../src/i18n/de";
import { texts as en } from "../src/i18n/en";
import { texts as es } from "../src/i18n/es";
import { texts as brazilian } from "../src/i18n/pt-BR";

type Node = string | ((...values: never[]) => string) | { [key: string]: Node };

/** Each text by its path, as what it is: its words, or a function of so many values. */
function all(node: Node, path = ""): [string, string | { values: number }][] {
  if (typeof node === "string") {
    return [[path, node]];
  }
  if (typeof node === "function") {
    return [[path, { values: node.length }]];
  }
  return Object.entries(node).flatMap(([key, child]) => all(child, path ? `${path}.${key}` : key));
}

const english = new Map(all(en as unknown as Node));
const others = { de, "pt-BR": brazilian, es };

describe.each(Object.entries(others))("%s", (_, texts) => {
  const found = new Map(all(texts as unknown as Node));

  it("has each text that English has, and no other", () => {
    expect([...found.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("takes the same values, and leaves nothing empty", () => {
    for (const [path, text] of found) {
      const counterpart = english.get(path);
      expect(typeof text, path).toBe(typeof counterpart);
      if (typeof text === "string") {
        expect(text.trim() === "", path).toBe(typeof counterpart === "string" && counterpart.trim() === "");
      } else if (typeof counterpart === "object") {
        // A language may do without a value ("1 post" has no number in it), but has no use for one more.
        expect(text.values, path).toBeLessThanOrEqual(counterpart.values);
      }
    }
  });

  it("is translated: long texts are not English", () => {
    const same = [...found].filter(([path, text]) => typeof text === "string" && text.length > 24 && text === english.get(path));
    expect(same).toEqual([]);
  });
});
