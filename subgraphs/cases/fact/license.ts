import type { Day } from '../../kernel/day.ts';
import type { ValidityState } from '../../kernel/license-acts.ts';
import { dayAfter, hasEnded, stateOn, type ValidityPeriod } from '../../kernel/period/validity.ts';
import type { LicenseFact } from '../case.ts';

/** What a license is on a day, from its newest event. A renewal may wait for its first day meanwhile. Pure. */

/** The current version of a license on a day, and the period of the license. */
export interface CurrentLicense extends ValidityPeriod {
  identifier: string;
  version: number;
  validFrom: Day;
  validUntil: Day | null;
  state: ValidityState;
}

/**
 * Returns the current version on a day. While the newest one waits for its first day, that is the one before it. Both
 * have one state, and the license is in force from the first day of the one to the last day of the other.
 */
export function currentOn(fact: LicenseFact, day: Day): CurrentLicense {
  const { identifier, version, license } = fact;
  const { validFrom, validUntil } = license;
  // Events of earlier releases do not have the member.
  const earlier = fact.earlier ?? null;
  const isEarlier = earlier !== null && day < validFrom;
  const current = isEarlier ? earlier : { identifier, version, validFrom };
  return { ...current, validUntil, state: stateOn(fact.state, { validFrom: current.validFrom, validUntil }, day) };
}

/**
 * Returns the state that decides which acts a license allows: that of its newest version. While a renewal holds off its
 * end (视为准予延续), it has no last day.
 */
export function stateForActs({ state, license }: LicenseFact, day: Day, isEndHeld: boolean): ValidityState {
  return stateOn(state, isEndHeld ? { ...license, validUntil: null } : license, day);
}

/** Whether what runs on a day is not the last term that was granted: a renewal waits for its first day. */
export function hasNextTerm({ license: { termFrom, validFrom } }: LicenseFact, day: Day): boolean {
  return day < (termFrom ?? validFrom);
}

/**
 * Returns the first day of a renewal (延续): the day after the last day of the license while that is still to come, else
 * the day of the grant. Null for a license without a last day: any day will do.
 */
export function renewalStart({ license }: LicenseFact, today: Day): Day | null {
  const { validUntil } = license;
  if (validUntil === null) return null;
  return hasEnded(license, today) ? today : dayAfter(validUntil);
}
