import { hasRole, type Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import type { Mode } from '../../kernel/events.ts';

/** Statistics of cases (办件统计). */

export const DIMENSIONS = ['MATTER', 'ORGAN', 'MODE', 'MONTH'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Conditions are joined by AND; null: not narrowed. */
export interface StatisticsFilter {
  /** First and last day: of acceptances and of closings, each by its own day. */
  from: Day | null;
  to: Day | null;
  matter: string | null;
  /** The organ that decides. */
  organ: string | null;
  mode: Mode | null;
  /** Division code of the county that handles the case. */
  division: string | null;
}

/** What is counted, as whole numbers. */
export interface Tally {
  accepted: number;
  closed: number;
  granted: number;
  rejected: number;
  /** Decided cases that had a last day. */
  timed: number;
  onTime: number;
  /** Decided cases whose working days are known, and their sum. */
  measured: number;
  workingDays: number;
  overdueRunning: number;
}

export interface Figures extends Tally {
  /** onTime of timed, 0 to 1, to 4 places; null where none is timed. */
  onTimeRate: number | null;
  /** Of the decided cases, to 2 places; null where there is none. */
  averageWorkingDays: number | null;
}

export function figuresOf(tally: Tally): Figures {
  return {
    ...tally,
    onTimeRate: ratio(tally.onTime, tally.timed, 4),
    averageWorkingDays: ratio(tally.workingDays, tally.measured, 2),
  };
}

function ratio(part: number, whole: number, places: number): number | null {
  if (whole === 0) return null;
  const scale = 10 ** places;
  return Math.round((part * scale) / whole) / scale;
}

/** Whether a person's numbers are those of all cases. */
export function countsEverything(person: Person): boolean {
  return hasRole(person, 'AUDITOR', 'ADMINISTRATOR');
}

/** Whether a person may ask for numbers at all: the offices, each for the cases that it sees. */
export function mayCount(person: Person): boolean {
  return countsEverything(person) || person.organ !== null || person.window !== null;
}

const MODE_NAMES: Record<Mode, string> = {
  DIRECT: '直接下放',
  SUBSTANTIVE_REVIEW: '下放实质性审核权',
  WINDOW_FORWARD: '服务窗口前移',
};

export interface Names {
  matters: ReadonlyMap<string, string>;
  organs: ReadonlyMap<string, string>;
}

/** What a row's key means, in Chinese; the key itself where nothing is known of it. */
export function labelOf(dimension: Dimension, key: string, { matters, organs }: Names): string {
  switch (dimension) {
    case 'MATTER':
      return matters.get(key) ?? key;
    case 'ORGAN':
      return organs.get(key) ?? (key === '' ? '（未明确）' : key);
    case 'MODE':
      return MODE_NAMES[key as Mode] ?? key;
    case 'MONTH':
      return `${key.slice(0, 4)}年${Number(key.slice(5))}月`;
  }
}

export type Row = Figures & { key: string; label: string };

const COLUMNS: readonly [string, (row: Row) => string | number | null][] = [
  ['代码', (row) => row.key],
  ['名称', (row) => row.label],
  ['受理', (row) => row.accepted],
  ['办结', (row) => row.closed],
  ['准予', (row) => row.granted],
  ['不予', (row) => row.rejected],
  ['有期限的决定', (row) => row.timed],
  ['按时', (row) => row.onTime],
  ['按时率', (row) => row.onTimeRate],
  ['平均工作日', (row) => row.averageWorkingDays],
  ['逾期在办', (row) => row.overdueRunning],
];

/**
 * A table as CSV, RFC 4180 (commas, CRLF, quotes doubled), with a byte-order mark, without which Excel takes UTF-8 for the
 * system's own code page.
 */
export function toCsv(rows: readonly Row[]): string {
  const lines = [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, read]) => read(row)))];
  return `\ufeff${lines.map((line) => `${line.map(writeCell).join(',')}\r\n`).join('')}`;
}

/** A spreadsheet takes a cell that begins like this for a formula; an apostrophe before it makes it text. */
const FORMULA = /^[=+\-@\t\r]/;

export function writeCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
