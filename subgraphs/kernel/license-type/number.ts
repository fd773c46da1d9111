import { LICENSE_SERIAL_PATTERN } from '../identifier.ts';
import { endsInMark } from './license-key.ts';

/**
 * How an issuer writes the numbers of a license type (编号规则): a template of fixed text and parts in braces.
 * `{DIVISION}` is the issuer's division code, `{YEAR}` and `{MONTH}` those of issue, `{RUNNING:4}` a running number of
 * four digits, which starts again each year.
 */

/** How the hub writes numbers for issuers without a format: with six digits, and more when those are used up. */
export const HUB_TEMPLATE = '{DIVISION}{YEAR}{RUNNING:6}';

/** Maximum of characters of a template and of a number. */
export const MAX_NUMBER_CHARS = 60;

const PART_PATTERN = /\{(?:(DIVISION|YEAR|MONTH)|RUNNING:([1-9]|1[0-2]))\}/g;

/** What a number is made of. */
export interface NumberParts {
  divisionCode: string;
  /** First day of the license, `YYYY-MM-DD`: gives year and month. */
  day: string;
  /** From 1. */
  running: number;
}

/** Writes a number by a template. `fitsRunning` says whether it has room for the running number. */
export function writeNumber(template: string, { divisionCode, day, running }: NumberParts): string {
  const values = { DIVISION: divisionCode, YEAR: day.slice(0, 4), MONTH: day.slice(5, 7) };
  return template.replaceAll(PART_PATTERN, (_, part: keyof typeof values | undefined, width: string) =>
    part === undefined ? String(running).padStart(Number(width), '0') : values[part],
  );
}

/** How an issuer writes numbers. `issuer` is an organ id; null: everybody without an own one. */
export interface NumberFormat {
  issuer: string | null;
  template: string;
}

/** Returns the template by which an issuer writes the numbers of a type: its own, that of all, or the hub's. */
export function templateFor(formats: readonly NumberFormat[], issuer: string): string {
  const format = formats.find((one) => one.issuer === issuer) ?? formats.find((one) => one.issuer === null);
  return format?.template ?? HUB_TEMPLATE;
}

/** Returns the last running number for which a template has room in a year. The hub's own numbers grow. */
export function lastRunning(template: string): number {
  if (template === HUB_TEMPLATE) return Number.POSITIVE_INFINITY;
  const widths = [...template.matchAll(PART_PATTERN)].flatMap(([, , width]) =>
    width === undefined ? [] : Number(width),
  );
  return 10 ** Math.min(...widths) - 1;
}

/** Whether a running number has room in its part of a template. */
export function fitsRunning(template: string, running: number): boolean {
  return running <= lastRunning(template);
}

/** Whether a number can have been written by a template for a division, at any time. */
export function isWrittenBy(template: string, number: string, divisionCode: string): boolean {
  const parts = [...template.matchAll(PART_PATTERN)];
  const widthOf = ([, part, width]: RegExpExecArray) =>
    part === undefined ? Number(width) : { DIVISION: divisionCode.length, YEAR: 4, MONTH: 2 }[part as 'YEAR'];
  let [place, rest] = [0, number];
  const takeText = (text: string) => {
    const isThere = rest.startsWith(text);
    rest = rest.slice(text.length);
    return isThere;
  };
  for (const match of parts) {
    if (!takeText(template.slice(place, match.index))) return false;
    place = match.index + match[0].length;
    // The hub's own running number is the last part, and may have more digits.
    const width = template === HUB_TEMPLATE && match[1] === undefined ? Math.max(6, rest.length) : widthOf(match);
    const written = rest.slice(0, width);
    const isWritten = match[1] === 'DIVISION' ? written === divisionCode : /^\d+$/.test(written);
    if (written.length !== width || !isWritten) return false;
    rest = rest.slice(width);
  }
  return rest === template.slice(place);
}

/** Returns what a license identifier (GB/T 36904) carries of a number: its digits and capital letters. */
export function toSerial(number: string): string {
  return number.replaceAll(/[^0-9A-Z]/g, '');
}

/**
 * Returns what is wrong with a template, in words, or null. A license identifier must be able to carry its numbers, and
 * no two licenses may get the same: it has one running number, and the year in which that starts again.
 */
export function findTemplateProblem(template: string): string | null {
  const parts = [...template.matchAll(PART_PATTERN)].map(([part]) => part.slice(1, -1).split(':')[0]);
  if (/\s/.test(template)) return '编号中不能有空格';
  if (/[{}]/.test(template.replaceAll(PART_PATTERN, ''))) return '大括号内只能是 DIVISION、YEAR、MONTH、RUNNING:位数';
  if (parts.filter((part) => part === 'RUNNING').length !== 1) return '须有且只有一个流水号 {RUNNING:位数}';
  if (!parts.includes('YEAR')) return '流水号每年重新起算，须有年份 {YEAR}';
  const sample = writeNumber(template, { divisionCode: '000000', day: '2026-01-01', running: 1 });
  if (endsInMark(sample)) return '编号末尾不能是 @ 和八位数字';
  const serial = toSerial(sample);
  return LICENSE_SERIAL_PATTERN.test(serial) ? null : '电子证照标识的流水号最多 36 位数字和大写字母';
}
