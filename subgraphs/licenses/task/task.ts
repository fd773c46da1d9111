import { isDeepStrictEqual } from 'node:util';
import { type Day, dayOf } from '../../kernel/day.ts';
import type { GrantContent, OrganFact } from '../../kernel/events/events.ts';
import { readHeld } from '../../kernel/identity/co-ownership.ts';
import {
  type Act,
  beginsPeriod,
  LICENSE_ACTS,
  makesVersion,
  periodMove,
  takesOverOnFirstDay,
} from '../../kernel/license-acts.ts';
import { requireActFits } from '../../kernel/license-type/act-fit.ts';
import { listLicenseChanges } from '../../kernel/license-type/changes.ts';
import { relabel } from '../../kernel/license-type/renaming.ts';
import { hasEnded, periodOf } from '../../kernel/period/validity.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { LicenseHead } from '../license.ts';
import { requireSealed } from '../registration/record.ts';

/** A granted case whose act on a license is to be done (制证任务). */
export interface CertificateTask {
  caseId: string;
  caseNumber: string;
  content: GrantContent;
  contentDigest: string;
  authorisation: string;
  issuer: OrganFact;
  parties: readonly string[];
  counters: readonly string[];
  handledBy: string;
  /** Division code of the integrated window that accepted the case, or null. */
  window: string | null;
  decidedAt: Date;
  /** License number, reserved at the first attempt so that no number is ever lost. */
  number: string | null;
  doneAt: Date | null;
  /** When the organ that decided voided the task (作废), or null. */
  voidedAt: Date | null;
}

/** Refuses TASK_VOIDED, and LICENSE_ACT_NOT_ALLOWED unless `act` is the act that the case ends in. */
export function requireTaskAct(task: Pick<CertificateTask, 'content' | 'voidedAt'>, act: Act): void {
  if (task.voidedAt !== null) throw new Refusal('TASK_VOIDED', 'case');
  const { action } = task.content;
  if (action !== act)
    throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'case', `此办件准予的是${LICENSE_ACTS[action].label}`);
}

/**
 * Refuses LICENSE_CHANGED for an act that makes a version, unless it was decided on what stands: it states lines,
 * holder and period of then, and would put them back onto the license. Refuses, with the codes of `requireActFits`,
 * unless the act fits the license. Whether it is still in time, `requireTaskInTime` says.
 */
export function requireTaskFits(task: DecidedTask, head: LicenseHead): void {
  const { action, licenseType, holder } = task.content;
  const { record } = head;
  const state = head.state === 'NOT_YET_VALID' ? head.state : head.storedState;
  if (makesVersion(action) && !isDecidedOn(task, head)) throw new Refusal('LICENSE_CHANGED', 'case');
  const license = { licenseType: record.ZZLXDM, held: readHeld(record), state };
  requireActFits({ action, licenseType, applicantCode: holder.code }, license, 'case');
}

/**
 * Refuses TASK_LICENSE_ENDED for a version that would have lapsed on the day on which it is made: nobody could hand it
 * out. A renewal that holds off the end keeps the license in force. `head` is null for an issue.
 */
export function requireTaskInTime({ content }: CertificateTask, head: LicenseHead | null, day: Day): void {
  const { action } = content;
  if (!makesVersion(action)) return;
  const isOver = keepsPeriod(action) ? head?.state === 'LAPSED' : hasEnded(content, day);
  if (isOver) throw new Refusal('TASK_LICENSE_ENDED', 'case');
}

/** Whether an act makes a version with the period of the license that it replaces. */
function keepsPeriod(act: Act): boolean {
  return makesVersion(act) && !beginsPeriod(act);
}

type DecidedTask = Pick<CertificateTask, 'content' | 'decidedAt'>;

/**
 * Whether a grant was decided on the version that stands. Its version, and the difference that it states, are compared
 * with the register's own record: what cases know of a license is a copy. A grant of a release up to 0.4.1 names
 * neither, so its time counts.
 */
function isDecidedOn(task: DecidedTask, { version, record }: LicenseHead): boolean {
  const { content, decidedAt } = task;
  const { onVersion, changes, renamed = [] } = content;
  if (onVersion === undefined || changes === undefined) return new Date(requireSealed(record).ZZQZSJ) <= decidedAt;
  const standing = { ...readHeld(record), fields: relabel(record.KZ_NR, renamed) };
  const actual = listLicenseChanges(standing, content);
  return version === onVersion && isDeepStrictEqual(actual, changes) && isOfItsPeriod(task, record);
}

/**
 * Whether the period of a grant follows from that of the version that stands: a renewal begins after it, a retention
 * may end later, a correction states it as it should have been, every other act keeps it. While a renewal waits for its
 * first day, the new version also has the period before that day.
 */
function isOfItsPeriod({ content, decidedAt }: DecidedTask, record: LicenseHead['record']): boolean {
  const { validFrom, validUntil } = periodOf(record);
  const move = periodMove(content.action);
  if (move === 'BEGINS') return validUntil === null || content.validFrom > validUntil;
  if (move === 'CORRECTS') return true;
  const isLater = content.validUntil !== null && validUntil !== null && content.validUntil > validUntil;
  if (content.validUntil !== validUntil && !(move === 'EXTENDS' && isLater)) return false;
  const waited = validFrom !== null && takesOverOnFirstDay(record.KZ_CZ as Act) && dayOf(decidedAt) < validFrom;
  return content.validFrom === validFrom || (waited && content.validFrom < validFrom);
}
