import type { Day } from '../../kernel/day.ts';
import type { Mode } from '../../kernel/events/events.ts';
import { LICENSE_ACTS, type LicenseAction } from '../../kernel/license-acts.ts';
import type { CsvCell } from '../../kernel/list/csv-text.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';

/** Statistics of cases (办件统计). */

export const DIMENSIONS = [
  'MATTER',
  'ORGAN',
  'MODE',
  'MONTH',
  'DIVISION',
  'ACCEPTED_BY',
  'POWER_TYPE',
  'ACTION',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Conditions are joined by AND. Null means no condition. */
export interface StatisticsFilter {
  /** First and last day. An acceptance and a closing each count by their own day. */
  from: Day | null;
  to: Day | null;
  matter: string | null;
  /** The organ that decides. */
  organ: string | null;
  mode: Mode | null;
  /** Division code of the county that handles the case. */
  division: string | null;
}

/** The counts, as integers. */
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
  /** `onTime` divided by `timed`, 0 to 1, rounded to 4 decimal places. Null if `timed` is 0. */
  onTimeRate: number | null;
  /** Average of the decided cases, rounded to 2 decimal places. Null if there are none. */
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

const MODE_NAMES: Record<Mode, string> = {
  DIRECT: '直接下放',
  SUBSTANTIVE_REVIEW: '下放实质性审核权',
  WINDOW_FORWARD: '服务窗口前移',
};

const POWER_TYPE_NAMES: Record<MatterFact['powerType'], string> = {
  LICENSE: '行政许可',
  CONFIRMATION: '行政确认',
  FILING: '其他行政权力（备案）',
  OTHER: '其他行政权力（其他）',
};

export interface Names {
  matters: ReadonlyMap<string, string>;
  organs: ReadonlyMap<string, string>;
}

/** Returns what a row's key means, in Chinese, or the key itself if it is unknown. */
export function labelOf(dimension: Dimension, key: string, { matters, organs }: Names): string {
  switch (dimension) {
    case 'MATTER':
      return matters.get(key) ?? key;
    case 'ORGAN':
    case 'ACCEPTED_BY':
      return organs.get(key) ?? (key === '' ? '（未明确）' : key);
    case 'MODE':
      return MODE_NAMES[key as Mode] ?? key;
    case 'MONTH':
      return `${key.slice(0, 4)}年${Number(key.slice(5))}月`;
    case 'POWER_TYPE':
      return POWER_TYPE_NAMES[key as MatterFact['powerType']] ?? key;
    case 'ACTION':
      return key === '' ? '（不涉及证照）' : LICENSE_ACTS[key as LicenseAction].label;
    case 'DIVISION':
      return key;
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

/** Returns the lines of a table for a spreadsheet, the heading first. */
export function toLines(rows: readonly Row[]): CsvCell[][] {
  return [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, readCell]) => readCell(row)))];
}
