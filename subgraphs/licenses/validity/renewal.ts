import { type Day, dayOf } from '../../kernel/day.ts';
import type { LicenseState } from '../../kernel/license-acts.ts';
import { dayAfter, type ValidityPeriod } from '../../kernel/period/validity.ts';

/** What renewals (延续) make of the last day of a license. Pure. */

/** A renewal that a case accepted. `until` is the end that it holds off; null if the license had none. */
export interface Renewal {
  caseId: string;
  isRunning: boolean;
  isGranted: boolean;
  until: Day | null;
  settledAt: Date | null;
  caseNumber: string;
  acceptedOn: Day;
  /** Whether the register has stated that it holds off the end, and not that it does so no longer. */
  isHeld: boolean;
}

/**
 * From how many days before the last day the register states that a renewal holds it off. Most renewals are decided
 * before, so nothing needs to be stated of them; a library that cannot be reached has as many days to learn it.
 */
export const HOLD_NOTICE_DAYS = 7;

/** Whether a renewal holds off the end of a period: it runs, and no other renewal has given a later last day. */
export function holdsLastDay({ isRunning, until }: Renewal, { validUntil }: ValidityPeriod): boolean {
  if (validUntil === null) return isRunning && until === null;
  return isRunning && until !== null && validUntil <= until;
}

/** Returns the renewal that holds off the end of a period, or null. */
export function findHolding(renewals: readonly Renewal[], period: ValidityPeriod): Renewal | null {
  return renewals.find((renewal) => holdsLastDay(renewal, period)) ?? null;
}

/** Returns the stored state of a new version: what is suspended stays so in every version, until it is restored. */
export function stateOfNewVersion(head: { storedState: LicenseState } | null): LicenseState {
  return head?.storedState === 'SUSPENDED' ? 'SUSPENDED' : 'VALID';
}

/** A time in which a license counted as renewed (视为准予延续), both days within it. `until` is null while it does. */
export interface DeemedPeriod {
  from: Day;
  until: Day | null;
}

/** What ended such a time. */
export interface DeemedEnds {
  /** First day of the version that a case made, or null if it made none. */
  startOf: (caseId: string) => Day | null;
  /** When an act ended the license, or null. */
  endedAt: Date | null;
}

/**
 * Returns when a license counted as renewed, oldest first: from the day after the last day that it stated, until the
 * day before the renewal begins. Without one, until the day of the refusal or of the license's end: that day it was in
 * force until then.
 */
export function listDeemedPeriods(renewals: readonly Renewal[], ends: DeemedEnds, today: Day): DeemedPeriod[] {
  return renewals
    .flatMap((renewal): DeemedPeriod[] => {
      if (renewal.until === null) return [];
      const from = dayAfter(renewal.until);
      const start = ends.startOf(renewal.caseId);
      if (start === null) {
        const settled = [renewal.settledAt, ends.endedAt].filter((at) => at !== null).map((at) => dayOf(at));
        const until = settled.toSorted()[0] ?? null;
        return (until ?? today) < from ? [] : [{ from, until }];
      }
      return start <= from ? [] : [{ from, until: dayBefore(start) }];
    })
    .toSorted((a, b) => a.from.localeCompare(b.from));
}

function dayBefore(day: Day): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
