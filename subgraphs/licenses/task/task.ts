import type { GrantContent, OrganFact } from '../../kernel/events/events.ts';
import {
  type Act,
  beginsPeriod,
  makesVersion,
  requireActFits,
  takesOverOnFirstDay,
} from '../../kernel/license-acts.ts';
import { periodOf } from '../../kernel/period/validity.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { LicenseHead } from '../license.ts';

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
  /** License number, reserved at the first attempt so that no number is ever lost. */
  number: string | null;
  doneAt: Date | null;
  /** When the organ that decided voided the task (作废), or null. */
  voidedAt: Date | null;
}

/** Refuses TASK_VOIDED, and LICENSE_ACT_NOT_ALLOWED unless `act` is the act that the case ends in. */
export function requireTaskAct(task: Pick<CertificateTask, 'content' | 'voidedAt'>, act: Act): void {
  if (task.voidedAt !== null) throw new Refusal('TASK_VOIDED', 'case');
  if (task.content.action !== act) throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'case');
}

/**
 * Refuses, with the codes of `requireActFits`, unless the task's act fits the license it names. The last day was judged
 * when the case was accepted and granted: what is granted in time may be printed after it. What another case has
 * renewed meanwhile is not renewed again, and nothing takes the later last day from it: what a decision stated before
 * the renewal, with the last day of then, is not printed any more.
 */
export function requireTaskFits({ content }: CertificateTask, head: LicenseHead): void {
  const { action, licenseType, holder } = content;
  const { record } = head;
  const state = head.state === 'NOT_YET_VALID' ? head.state : head.storedState;
  if (takesOverOnFirstDay(action) && isOfThisTerm(content, record))
    throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'case');
  if (keepsPeriod(action) && content.validUntil !== periodOf(record).validUntil)
    throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'case', '决定以后证照已另行延续，请作废本制证任务，重新办理');
  const license = { licenseType: record.ZZLXDM, holderCode: record.CZZTDM, state };
  requireActFits({ action, licenseType, holderCode: holder.code }, license, 'case');
}

/** Whether an act makes a version with the period of the license that it replaces. */
function keepsPeriod(act: Act): boolean {
  return makesVersion(act) && !beginsPeriod(act);
}

/** Whether the version has a last day and begins no earlier than what was granted: another case has renewed it. */
function isOfThisTerm({ validFrom }: GrantContent, record: LicenseHead['record']): boolean {
  const period = periodOf(record);
  return period.validUntil !== null && period.validFrom !== null && validFrom <= period.validFrom;
}
