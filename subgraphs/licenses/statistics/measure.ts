import type { Day } from '../../kernel/day.ts';
import { LICENSE_ACTS, LICENSE_STATE_LABELS } from '../../kernel/license-acts.ts';
import type { CsvCell } from '../../kernel/list/csv-text.ts';

/**
 * What is counted of licenses, and by what (证照统计). To add a measure or a dimension, add a row here and its SQL in
 * store.ts, which the compiler demands. No dimension names a person, and everything counted is in a list that the
 * caller may read.
 */

/** By what rows are grouped. */
export const DIMENSIONS = [
  'STATE',
  'TYPE',
  'ISSUER',
  'DIVISION',
  'MATTER',
  'ORIGIN',
  'ACT',
  'MONTH',
  'SUPERVISOR',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Most dimensions of one table. */
const MAX_DIMENSIONS = 3;

interface MeasureRow {
  label: string;
  dimensions: readonly Dimension[];
  /** DAY: what stands on a day. PERIOD: what happened from one day to another. NOW: what stands now. */
  time: 'DAY' | 'PERIOD' | 'NOW';
  /** The words of the dimension STATE. */
  states: Readonly<Record<string, string>>;
  /** What the seconds of a row are the time until, or null if it has none. */
  lag: string | null;
  /** The row of LICENSE_READS that says whose records a caller counts. */
  reads: 'licenseStatistics' | 'blanks' | 'supervisionOrders';
}

const COLLECTION_STATES = { PENDING: '待归集', COLLECTED: '已归集', FAILED: '归集失败' };
const ORDER_STATES = { OPEN: '待执行', CARRIED_OUT: '已执行', DECLINED: '不予执行', OVERTAKEN: '已无须执行' };
const BLANK_STATES = {
  IN_STOCK: '在库',
  IN_TRANSIT: '调拨在途',
  ASSIGNED: '已领用',
  PRINTED: '已打印',
  DELIVERED: '已送达',
  RECALLED: '已收回',
  SPOILED: '已作废',
  LOST: '遗失作废',
  VOIDED: '未使用而作废',
};
const BY_LICENSE = { reads: 'licenseStatistics', lag: null, states: {} } as const;

export const MEASURES = {
  /** Licenses by the state of their current version on a day. */
  LICENSES: {
    ...{ ...BY_LICENSE, label: '证照', time: 'DAY', states: LICENSE_STATE_LABELS },
    dimensions: ['STATE', 'TYPE', 'ISSUER', 'DIVISION', 'MATTER', 'ORIGIN'],
  },
  /** Acts by the day on which they were entered. */
  ACTS: {
    ...{ ...BY_LICENSE, label: '证照办理', time: 'PERIOD' },
    dimensions: ['ACT', 'MONTH', 'ISSUER', 'TYPE', 'DIVISION', 'MATTER'],
  },
  /** Licenses that time ended (失效), by the day on which that was entered. */
  LAPSES: {
    ...{ ...BY_LICENSE, label: '到期失效', time: 'PERIOD' },
    dimensions: ['MONTH', 'ISSUER', 'TYPE', 'DIVISION', 'MATTER'],
  },
  /** Changes for the city library, by the day on which they happened. */
  COLLECTIONS: {
    ...{ ...BY_LICENSE, label: '归集', time: 'PERIOD', states: COLLECTION_STATES, lag: '归集用时' },
    dimensions: ['STATE', 'MONTH', 'ISSUER', 'TYPE', 'DIVISION', 'MATTER'],
  },
  /** Orders of supervisors, by the day on which they were given. */
  ORDERS: {
    ...{ label: '监管指令', time: 'PERIOD', states: ORDER_STATES, lag: '办理用时', reads: 'supervisionOrders' },
    dimensions: ['STATE', 'ACT', 'MONTH', 'ISSUER', 'SUPERVISOR'],
  },
  /** Numbered blanks. */
  BLANKS: {
    ...{ label: '空白证照', time: 'NOW', states: BLANK_STATES, lag: null, reads: 'blanks' },
    dimensions: ['STATE', 'ISSUER', 'TYPE'],
  },
} as const satisfies Record<string, MeasureRow>;
export type Measure = keyof typeof MEASURES;
export const MEASURE_NAMES = Object.keys(MEASURES) as [Measure, ...Measure[]];

/** Returns the row of a measure with the types of all rows. */
export const rowOf = (measure: Measure): MeasureRow => MEASURES[measure];

/** Conditions, joined by AND. Null: none. */
export interface Conditions {
  /** The day whose state counts, where the measure has a day. Null: today. */
  on: Day | null;
  /** First and last day, where the measure has a period. */
  from: Day | null;
  to: Day | null;
  organ: string | null;
  licenseType: string | null;
  matter: string | null;
}

/** The dimension of each condition on a value. */
export const CONDITION_DIMENSIONS = { organ: 'ISSUER', licenseType: 'TYPE', matter: 'MATTER' } as const;

export interface Question {
  measure: Measure;
  by: readonly Dimension[];
  conditions: Conditions;
}

/** A fault of a question: the argument, and a sentence. */
export interface QuestionFault {
  argument: string;
  message: string;
}

/** Returns what is wrong with a question, or null. */
export function findFault({ measure, by, conditions }: Question): QuestionFault | null {
  const { dimensions, label, time } = rowOf(measure);
  const fitting = `${label}可按 ${dimensions.join('、')} 统计`;
  if (by.length === 0 || by.length > MAX_DIMENSIONS || new Set(by).size < by.length)
    return { argument: 'by', message: `by 须为 1 至 ${MAX_DIMENSIONS} 个不同的维度。` };
  if (by.some((one) => !dimensions.includes(one))) return { argument: 'by', message: `${fitting}。` };
  const { on, from, to } = conditions;
  if (on !== null && time !== 'DAY') return { argument: 'filter.on', message: `${label}不按某一日统计。` };
  if ((from !== null || to !== null) && time !== 'PERIOD')
    return { argument: from === null ? 'filter.to' : 'filter.from', message: `${label}不按期间统计。` };
  if (from !== null && to !== null && to < from) return { argument: 'filter.to', message: 'to 不能早于 from。' };
  for (const [condition, dimension] of Object.entries(CONDITION_DIMENSIONS)) {
    if (conditions[condition as keyof typeof CONDITION_DIMENSIONS] === null || dimensions.includes(dimension)) continue;
    return { argument: `filter.${condition}`, message: `${fitting}，不能限定 ${condition}。` };
  }
  return null;
}

/** A row: the keys in the order of `by`, empty where nothing is known, and the counts. */
export interface CountedRow {
  keys: readonly string[];
  count: number;
  /** Average and longest time in seconds of those that ended. Null if none did, or the measure has no such time. */
  averageSeconds: number | null;
  longestSeconds: number | null;
}

export interface LabelledRow extends CountedRow {
  labels: readonly string[];
}

/** Names in Chinese that the database knows. */
export interface Names {
  organs: ReadonlyMap<string, string>;
  matters: ReadonlyMap<string, string>;
  types: ReadonlyMap<string, string>;
}

const UNKNOWN = '（未载明）';
const ORIGIN_LABELS: Readonly<Record<string, string>> = { ISSUED: '制发', REGISTERED: '存量登记' };
/** What no row of LICENSE_ACTS names: the register stated that a sheet was spoiled. */
const FURTHER_ACTS: Readonly<Record<string, string>> = { SPOIL: '作废纸质证照' };

/** Returns what a key means, in Chinese, or the key itself if that is unknown. */
export function labelOf(measure: Measure, dimension: Dimension, key: string, names: Names): string {
  switch (dimension) {
    case 'STATE':
      return rowOf(measure).states[key] ?? key;
    case 'ACT':
      return (Object.hasOwn(LICENSE_ACTS, key) ? LICENSE_ACTS[key as 'ISSUE'].label : FURTHER_ACTS[key]) ?? key;
    case 'ORIGIN':
      return ORIGIN_LABELS[key] ?? key;
    case 'MONTH':
      return `${key.slice(0, 4)}年${Number(key.slice(5))}月`;
    case 'TYPE':
      return key === '' ? '（不限）' : (names.types.get(key) ?? key);
    case 'MATTER':
      return names.matters.get(key) ?? key;
    case 'ISSUER':
    case 'SUPERVISOR':
      return names.organs.get(key) ?? (key === '' ? UNKNOWN : key);
    case 'DIVISION':
      return key === '' ? UNKNOWN : key;
  }
}

const DIMENSION_LABELS: Readonly<Record<Dimension, string>> = {
  STATE: '状态',
  TYPE: '证照类型',
  ISSUER: '机关',
  DIVISION: '办理行政区划',
  MATTER: '事项',
  ORIGIN: '来源',
  ACT: '操作',
  MONTH: '月份',
  SUPERVISOR: '监管机关',
};

/** Returns the lines of a table for a spreadsheet: heading, rows, totals. */
export function toLines(
  { measure, by }: Pick<Question, 'measure' | 'by'>,
  rows: readonly LabelledRow[],
  totals: CountedRow,
): CsvCell[][] {
  const { label, lag } = rowOf(measure);
  const heading = by.flatMap((dimension) => [`${DIMENSION_LABELS[dimension]}代码`, DIMENSION_LABELS[dimension]]);
  const lagHeading = lag === null ? [] : [`平均${lag}（秒）`, `最长${lag}（秒）`];
  const figures = (row: CountedRow) => [row.count, ...(lag === null ? [] : [row.averageSeconds, row.longestSeconds])];
  const total = by.flatMap((_, i) => (i === 0 ? ['', '合计'] : ['', '']));
  return [
    [...heading, label, ...lagHeading],
    ...rows.map((row) => [...row.keys.flatMap((key, i) => [key, row.labels[i] ?? key]), ...figures(row)]),
    [...total, ...figures(totals)],
  ];
}
