import { LICENSE_SERIAL_PATTERN } from '../identifier.ts';

/**
 * How an issuer writes the numbers of a license type (编号规则): a template of fixed text and parts in braces.
 * `{DIVISION}` is the issuer's division code, `{YEAR}` and `{MONTH}` those of issue, `{RUNNING:4}` a running number of
 * four digits, which starts again each year.
 */

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

/** Writes a number by a template. A running number that is too long for its part makes the number longer. */
export function writeNumber(template: string, { divisionCode, day, running }: NumberParts): string {
  const values = { DIVISION: divisionCode, YEAR: day.slice(0, 4), MONTH: day.slice(5, 7) };
  return template.replaceAll(PART_PATTERN, (_, part: keyof typeof values | undefined, width: string) =>
    part === undefined ? String(running).padStart(Number(width), '0') : values[part],
  );
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
  if (/[{}]/.test(template.replaceAll(PART_PATTERN, ''))) return '大括号内只能是 DIVISION、YEAR、MONTH、RUNNING:位数';
  if (parts.filter((part) => part === 'RUNNING').length !== 1) return '须有且只有一个流水号 {RUNNING:位数}';
  if (!parts.includes('YEAR')) return '流水号每年重新起算，须有年份 {YEAR}';
  const serial = toSerial(writeNumber(template, { divisionCode: '000000', day: '2026-01-01', running: 1 }));
  return LICENSE_SERIAL_PATTERN.test(serial) ? null : '电子证照标识的流水号最多 36 位数字和大写字母';
}
