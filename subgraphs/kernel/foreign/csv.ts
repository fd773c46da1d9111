import { parse } from 'csv-parse/sync';

/** CSV of offices: RFC 4180, one record a line. */

/** A line of a file. */
export interface CsvLine {
  /** As an editor counts, from 1. */
  line: number;
  text: string;
}

/** Returns the lines of a file that hold anything but blanks and commas. A byte order mark is ignored. */
export function listCsvLines(text: string): CsvLine[] {
  const texts = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  return texts.map((line, i) => ({ line: i + 1, text: line })).filter((line) => /[^\s,]/.test(line.text));
}

/**
 * Returns the trimmed cells of a line, or null if its quotes do not match. A quoted cell may hold commas and quotes but
 * no line break, so an unclosed quote spoils only its own line.
 */
export function splitCsvLine(text: string): string[] | null {
  try {
    const [cells] = parse(text, { trim: true }) as string[][];
    return cells ?? null;
  } catch {
    return null;
  }
}
