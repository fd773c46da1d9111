import type { Day } from '../day.ts';
import { isLive, type LicenseState, type ValidityState } from '../license-acts.ts';

/**
 * What the period of validity makes of a state (行政许可法第七十条第一项). The only home of this rule in TypeScript.
 * `buildStateOn` of the licenses states it in SQL; `test/licenses/validity.db.test.ts` compares the two.
 */

/** The period of validity (有效期), both days within it. A null end is 长期: it never ends. */
export interface ValidityPeriod {
  validFrom: Day | null;
  validUntil: Day | null;
  /** The first day of the version that takes its place (延续), if that is known before. Null or absent: none is. */
  supersededFrom?: Day | null;
}

/** The end of a period as a license without one prints it. */
const ENDLESS = '长期';

/** Returns the period that a record of a license states (GB/T 36903). */
export function periodOf({ ZZYXQQSRQ, ZZYXQJZRQ }: { ZZYXQQSRQ: string; ZZYXQJZRQ: string }): ValidityPeriod {
  return { validFrom: ZZYXQQSRQ, validUntil: ZZYXQJZRQ === ENDLESS ? null : ZZYXQJZRQ };
}

/** Returns a period, as records and codes state it, in the words of a certificate. */
export function printPeriod(from: string, until: string): string {
  return until === ENDLESS ? `${from}起长期有效` : `${from} 至 ${until}`;
}

/** Returns the day after a day. */
export function dayAfter(day: Day): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** Whether the last day of a period is before `day`. */
export function hasEnded({ validUntil }: ValidityPeriod, day: Day): boolean {
  return validUntil !== null && validUntil < day;
}

/** Whether another version has taken the place of this one by `day`. */
function isSuperseded({ supersededFrom = null }: ValidityPeriod, day: Day): boolean {
  return supersededFrom !== null && supersededFrom <= day;
}

/**
 * Returns the state of a version on a day of Asia/Shanghai, from the state that its acts made. From the first day of
 * the version that takes its place it is superseded. After the last day it has lapsed. Before the first day it is not
 * yet valid, unless it is suspended. A final state stays.
 */
export function stateOn(state: LicenseState, period: ValidityPeriod, day: Day): ValidityState {
  if (!isLive(state)) return state;
  if (isSuperseded(period, day)) return 'SUPERSEDED';
  if (hasEnded(period, day)) return 'LAPSED';
  return state === 'VALID' && period.validFrom !== null && day < period.validFrom ? 'NOT_YET_VALID' : state;
}

/**
 * Returns since when a license counts as renewed (视为准予延续, 行政许可法第五十条), or null if it does not: it is in force, and
 * a renewal that was asked for in time is undecided after the last day that the license states.
 */
export function deemedRenewedSince(
  state: ValidityState,
  { validUntil }: ValidityPeriod,
  isRenewalRunning: boolean,
  day: Day,
): Day | null {
  const isHeld = isRenewalRunning && isLive(state) && validUntil !== null && validUntil < day;
  return isHeld ? dayAfter(validUntil) : null;
}
