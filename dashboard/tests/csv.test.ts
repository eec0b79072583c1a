import { expect, it } from "vitest";

import { cell, line } from "../src/views/posts/csv";

it("quotes, and doubles quotes inside", () => {
  expect(line(["7", 'a "b", c', "two\r\nlines", ""])).toBe('"7","a ""b"", c","two\r\nlines",""\r\n');
});

it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", "\n-1", "\u0000=1"])("%j is no formula", (text) => {
  expect(cell(text)).toBe(`"'${text}"`);
});

it.each(["plain", "a=b", "#tag", "1-1", "´"])("%j stays as it is", (text) => {
  expect(cell(text)).toBe(`"${text}"`);
});
