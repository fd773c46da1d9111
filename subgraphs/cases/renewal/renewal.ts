import { actOf, type Case, endsInLicenseAct, hasEnded } from '../case.ts';

/**
 * Returns the number of the license whose renewal (延续) a case has accepted and not settled, or null. A renewal is
 * settled by the new version, a rejection, or any other end of the case.
 */
export function findRunningRenewal(subject: Case): string | null {
  const { delegation, licenseNumber, steps, result, step } = subject;
  if (!endsInLicenseAct(delegation) || actOf(subject) !== 'RENEW' || hasEnded(subject)) return null;
  const isAccepted = steps.some((record) => record.step === 'ACCEPTED');
  return isAccepted && step !== 'CERTIFIED' && result !== 'REJECTED' ? licenseNumber : null;
}
