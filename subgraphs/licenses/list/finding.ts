import { type Day, isDay } from '../../kernel/day.ts';
import { splitPeriod } from '../../kernel/finding/keys.ts';
import type { LicenseRecord } from '../act/record.ts';

/** What a license is found by, and the keys of its index (`licenses.find_keys` in the database). Pure. */

/** Stands for no end of validity (长期) where days are compared. */
export const NO_END = '9999-12-31';

/** The columns of a license by which lists find it, as in the record of its current version. */
export function summarize({ ZZMC, CZZT, CZZTDM, KZ_GY, ZZLXDM, ZZYXQQSRQ, ZZYXQJZRQ }: LicenseRecord) {
  return {
    name: ZZMC,
    holderName: CZZT,
    holderCode: CZZTDM,
    coHolderCodes: (KZ_GY?.GYR ?? []).map((one) => one.CZZTDM),
    typeCode: ZZLXDM,
    validFrom: ZZYXQQSRQ,
    validUntil: isDay(ZZYXQJZRQ) ? ZZYXQJZRQ : NO_END,
  };
}

/** A range of days, both included. Null: no bound. */
export interface DayRange {
  from: Day | null;
  to: Day | null;
}

/** Keys hold the days of these years one by one. What is earlier or later has one key. */
const FIRST_YEAR = 1980;
const LAST_YEAR = 2100;

/**
 * Returns the keys of which a license has one in a scope if a day of it is in a range. `kind`: f is the first day of
 * validity, u the last one. They are whole years, whole months and single days.
 */
export function keysOfRange(scope: string, kind: 'f' | 'u', { from, to }: DayRange): string[] {
  const first = from === null || from < `${FIRST_YEAR}-01-01` ? `${FIRST_YEAR}-01-01` : from;
  const last = to === null || to > `${LAST_YEAR}-12-31` ? `${LAST_YEAR}-12-31` : to;
  const isEarly = from === null || from < `${FIRST_YEAR}-01-01`;
  const isLate = to === null || to > `${LAST_YEAR}-12-31`;
  const parts = [...(isEarly ? ['0'] : []), ...joinYears(splitPeriod(first, last)), ...(isLate ? ['9'] : [])];
  return parts.map((part) => `${scope}|${kind}:${part.replaceAll('-', '')}`);
}

/** Joins the twelve months of a year. */
function joinYears(parts: readonly string[]): string[] {
  const months = Map.groupBy(
    parts.filter((part) => part.length === 'YYYY-MM'.length),
    (month) => month.slice(0, 4),
  );
  const isWhole = (part: string) => part.length === 'YYYY-MM'.length && months.get(part.slice(0, 4))?.length === 12;
  return [...new Set(parts.map((part) => (isWhole(part) ? part.slice(0, 4) : part)))];
}
