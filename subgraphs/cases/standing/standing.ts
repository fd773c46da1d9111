import { LICENSE_ACTS, type LicenseAction } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { LicenseFact } from '../case.ts';

/**
 * Cases that run on one license at the same time (同一证照的在办件), and which of them must be settled before another one.
 * Pure.
 */

/** A case on a license that is accepted and not settled: it is undecided, or granted and its act is not done. */
export interface RunningCase {
  id: string;
  /** Null for whom the case is not to be shown. */
  number: string | null;
  act: LicenseAction;
  isGranted: boolean;
  /** Whether it renews the license and was accepted in time: while it runs, the license has no last day. */
  holdsEnd: boolean;
}

/** A license with the cases that run on it. */
export type StandingLicense = LicenseFact & { running: readonly RunningCase[] };

/** How far a case has gone that keeps another one waiting: accepted, or granted. */
type Progress = 'RUNNING' | 'GRANTED';
type Before = Partial<Record<LicenseAction, Progress>>;

/** The acts of other cases that must be settled first: before a case is accepted, and before it is granted. */
interface OrderRow {
  acceptance: Before;
  grant: Before;
}

/** Until a granted transfer or end is done, nobody knows for whom, or for what, another act would be. */
const AFTER_GRANTED_END: Before = { TRANSFER: 'GRANTED', CANCEL: 'GRANTED' };
/**
 * What was decided on an earlier version is not printed (LICENSE_CHANGED). A granted renewal must not be lost that way:
 * it is printed before anything else is granted, and granted after everything else is printed.
 */
const AFTER_GRANTED_RENEWAL: Before = { ...AFTER_GRANTED_END, RENEW: 'GRANTED' };
const AFTER_ALL_GRANTED: Before = Object.fromEntries(Object.keys(LICENSE_ACTS).map((act) => [act, 'GRANTED']));

const PLAIN: OrderRow = { acceptance: AFTER_GRANTED_END, grant: AFTER_GRANTED_RENEWAL };
/** An act that is asked for once at a time: one application, one decision (行政许可法第三十二条、第三十八条). */
const once = (act: LicenseAction): OrderRow => ({
  acceptance: { ...AFTER_GRANTED_END, [act]: 'RUNNING' },
  grant: { ...AFTER_GRANTED_RENEWAL, [act]: 'GRANTED' },
});

/** The table of pairs: one row for each act of a new case, one entry for each act of another one before it. */
export const CASE_ORDER: Readonly<Record<LicenseAction, OrderRow>> = {
  // There is no license yet.
  ISSUE: { acceptance: {}, grant: {} },
  CHANGE: PLAIN,
  CORRECT: PLAIN,
  RENEW: { ...once('RENEW'), grant: AFTER_ALL_GRANTED },
  REISSUE: once('REISSUE'),
  RETAIN: once('RETAIN'),
  // Who takes a license over must know its last day. The renewal is asked for by the present holder, and settled first.
  TRANSFER: {
    acceptance: { ...AFTER_GRANTED_END, TRANSFER: 'RUNNING', RENEW: 'RUNNING' },
    grant: { ...AFTER_GRANTED_END, RENEW: 'RUNNING' },
  },
  // What was granted is printed, or its task voided, before the license ends.
  CANCEL: { acceptance: { ...AFTER_GRANTED_END, CANCEL: 'RUNNING' }, grant: AFTER_ALL_GRANTED },
};

/** Returns the running case that must be settled before another case of `act` is accepted or granted, or null. */
export function findCaseBefore(
  act: LicenseAction,
  stage: keyof OrderRow,
  running: readonly RunningCase[],
): RunningCase | null {
  const awaited = CASE_ORDER[act][stage];
  return running.find((one) => awaited[one.act] === 'RUNNING' || (awaited[one.act] && one.isGranted)) ?? null;
}

/**
 * Refuses CASE_RUNNING_ON_LICENSE while another case on the license must be settled first. Names that case by its
 * number where it may be shown.
 */
export function requireTurn(act: LicenseAction, stage: keyof OrderRow, license: StandingLicense | null): void {
  const awaitedCase = license && findCaseBefore(act, stage, license.running);
  if (!awaitedCase) return;
  const progress = awaitedCase.isGranted ? '已准予待制证' : '正在办理';
  const number = awaitedCase.number === null ? '' : `，办件${awaitedCase.number}`;
  throw new Refusal(
    'CASE_RUNNING_ON_LICENSE',
    'licenseNumber',
    `${LICENSE_ACTS[awaitedCase.act].label}${progress}${number}`,
  );
}

/** Whether a renewal that was asked for in time holds off the last day of a license. */
export function isEndHeld({ running }: StandingLicense): boolean {
  return running.some(({ holdsEnd }) => holdsEnd);
}
