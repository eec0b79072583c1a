// Rows of CSV as RFC 4180 has them, harmless in a spreadsheet.
//
// A cell that a spreadsheet would take for a formula begins with an apostrophe instead; and every cell is in quotes, so
// that none falls apart into two where a spreadsheet separates by semicolons or tabs.

// Spreadsheets skip white space, and take the wide forms of East Asian keyboards for the narrow ones.
const FORMULA = /^[\s\u0000]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/;

/** A spreadsheet knows UTF-8 by it. */
export const BYTE_ORDER_MARK = "\uFEFF";

export function cell(value: string): string {
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return `"${harmless.replaceAll('"', '""')}"`;
}

export function line(values: readonly string[]): string {
  return `${values.map(cell).join(",")}\r\n`;
}
