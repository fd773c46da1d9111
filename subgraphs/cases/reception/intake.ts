import type { ProgressLimits } from '../progress/limits.ts';

/**
 * How much an applicant and a member of the staff may bring in: what comes in stays, and the disk must not fill.
 * And how often somebody may guess.
 */

export interface IntakeLimits extends ProgressLimits {
  /** Most applications of one applicant that wait for acceptance, with those withdrawn within a day. */
  openApplications: number;
  /** Most bytes that one applicant may upload within a day. */
  applicantUploadBytes: number;
  /** The same for one member of the staff, who uploads for many applicants. */
  staffUploadBytes: number;
  /** Licenses that one person may name with a wrong holder's code within a day. */
  holderChecks: number;
}

/** The limits that an operator may set (docs/configuration.md). */
export interface IntakeSettings {
  OPEN_APPLICATIONS_PER_APPLICANT: number;
  UPLOAD_MB_PER_DAY: number;
  STAFF_UPLOAD_MB_PER_DAY: number;
  HOLDER_CHECKS_PER_DAY: number;
  PROGRESS_TRIES_PER_MINUTE: number;
}

const MB = 1_048_576;

/** Returns the limits that the settings name. */
export function readIntakeLimits(settings: IntakeSettings): IntakeLimits {
  return {
    openApplications: settings.OPEN_APPLICATIONS_PER_APPLICANT,
    applicantUploadBytes: settings.UPLOAD_MB_PER_DAY * MB,
    staffUploadBytes: settings.STAFF_UPLOAD_MB_PER_DAY * MB,
    holderChecks: settings.HOLDER_CHECKS_PER_DAY,
    progressTries: settings.PROGRESS_TRIES_PER_MINUTE,
  };
}

/** Returns the time from which on uploads and withdrawn applications count. */
export function startOfIntake(at: Date): Date {
  return new Date(at.getTime() - 86_400_000);
}
