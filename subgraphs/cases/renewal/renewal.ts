import { type Day, dayOf } from '../../kernel/day.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import { hasEnded as hasPeriodEnded } from '../../kernel/period/validity.ts';
import { actOf, type Case, endsInLicenseAct, hasEnded, type LicenseFact } from '../case.ts';

/** The act of a renewal (延续). */
export const RENEWING = 'RENEW' satisfies LicenseAction;

/**
 * Returns the number of the license whose renewal (延续) a case has accepted and not settled, or null. A renewal is
 * settled by the new version, a rejection, or any other end of the case.
 */
export function findRunningRenewal(subject: Case): string | null {
  const { delegation, licenseNumber, step, result } = subject;
  if (!endsInLicenseAct(delegation) || actOf(subject) !== RENEWING || hasEnded(subject)) return null;
  return findAcceptance(subject) && step !== 'CERTIFIED' && result !== 'REJECTED' ? licenseNumber : null;
}

/**
 * Whether a renewal was accepted before the license ended (行政许可法第五十条). Releases up to 0.4 accepted one after the last
 * day as well: such a case does not keep the license in force.
 */
export function wasAskedInTime(subject: Case, { license }: LicenseFact): boolean {
  const day = findAcceptanceDay(subject);
  return day !== null && !hasPeriodEnded(license, day);
}

/** Returns the day on which a case was accepted, or null. */
export function findAcceptanceDay(subject: Case): Day | null {
  const accepted = findAcceptance(subject);
  return accepted ? dayOf(accepted.at) : null;
}

const findAcceptance = ({ steps }: Case) => steps.find(({ step }) => step === 'ACCEPTED');
