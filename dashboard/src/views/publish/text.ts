// The text of a post while it is being written. The core joins and counts it for good; this says at once what to expect,
// and the core's answer replaces it as soon as it is there.

import { CaptionUnit } from "../../rpc/aurareels/v1/platform_pb";

export interface TextParts {
  caption: string;
  hashtags: string[];
  mentions: string[];
}

/** The length of a text in a platform's unit. */
export function lengthIn(unit: CaptionUnit, text: string): number {
  switch (unit) {
    case CaptionUnit.CODE_POINTS:
      return [...text].length;
    case CaptionUnit.BYTES:
      return new TextEncoder().encode(text).length;
    default:
      return text.length;
  }
}

/** Entries from what was typed or pasted: separated by spaces, commas or line ends, without their sign, each once. */
export function entriesOf(input: string, sign: "#" | "@"): string[] {
  const names = input
    .split(/[\s,;]+/)
    .flatMap((part) => (sign === "#" ? part.split(/(?=[#＃])/) : [part]))
    .map((part) => part.replace(sign === "#" ? /^[#＃]+/ : /^@+/, ""))
    .filter(Boolean);
  return [...new Set(names)];
}

/** Entries with others added behind; the same entry in other case is not repeated. */
export function withEntries(entries: string[], added: string[]): string[] {
  const known = new Set(entries.map((entry) => entry.toLowerCase()));
  const fresh = added.filter((entry) => {
    const key = entry.toLowerCase();
    return !known.has(key) && known.add(key);
  });
  return [...entries, ...fresh];
}

const TAG = { "#": /[#＃]([\p{L}\p{N}\p{M}_\p{Extended_Pictographic}\u200d\ufe0f]+)/gu, "@": /@([A-Za-z0-9_.]+)/g };

function standing(text: string, sign: "#" | "@"): Set<string> {
  return new Set([...text.matchAll(TAG[sign])].map((match) => (match[1] ?? "").toLowerCase()));
}

/** The text as it will most likely be sent: the caption, then the hashtags and mentions that do not stand in it. */
export function compose({ caption, hashtags, mentions }: TextParts): string {
  const body = caption.replace(/\r\n?/g, "\n").trim();
  const missing = (entries: string[], sign: "#" | "@") => {
    const there = standing(body, sign);
    return withEntries([], entries)
      .filter((entry) => !there.has(entry.toLowerCase()))
      .map((entry) => sign + entry);
  };
  return [body, ...missing(hashtags, "#"), ...missing(mentions, "@")].filter(Boolean).join(" ");
}
