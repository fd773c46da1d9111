/** CSV for the spreadsheets of offices (RFC 4180: commas, CRLF, quotes doubled). */

export type CsvCell = string | number | null;

/**
 * Returns a table as CSV, with a byte-order mark. Without that mark Excel reads UTF-8 in the code page of the system.
 */
export function writeCsv(lines: readonly (readonly CsvCell[])[]): string {
  return `\ufeff${lines.map((line) => `${line.map(writeCell).join(',')}\r\n`).join('')}`;
}

/**
 * A spreadsheet reads a cell that begins like this as a formula; some read the full-width signs as well. An apostrophe
 * before it makes it text.
 */
const FORMULA_START = /^[=+\-@\t\r＝＋－＠]/;

export function writeCell(value: CsvCell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA_START.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
