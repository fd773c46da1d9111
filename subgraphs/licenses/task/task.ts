import type { GrantContent, OrganFact } from '../../kernel/events/events.ts';
import { type Act, makesVersion, requireActFits } from '../../kernel/license-acts.ts';
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
  if (task.content.action !== act) throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'case');
}

/**
 * Refuses LICENSE_CHANGED for an act that makes a version, if another one was made since the decision: it states lines,
 * holder and period of then, and would put them back onto the license. Refuses, with the codes of `requireActFits`,
 * unless the act fits the license. The last day was judged when the case was accepted and granted: what is granted in
 * time may be printed after it.
 */
export function requireTaskFits(task: DecidedTask, head: LicenseHead): void {
  const { action, licenseType, holder } = task.content;
  const { record } = head;
  const state = head.state === 'NOT_YET_VALID' ? head.state : head.storedState;
  if (makesVersion(action) && isOutdated(task, head)) throw new Refusal('LICENSE_CHANGED', 'case');
  const license = { licenseType: record.ZZLXDM, holderCode: record.CZZTDM, state };
  requireActFits({ action, licenseType, holderCode: holder.code }, license, 'case');
}

type DecidedTask = Pick<CertificateTask, 'content' | 'decidedAt'>;

/** Whether a version was made since the decision. A grant of a release up to 0.4.1 names none, so its time counts. */
function isOutdated({ content, decidedAt }: DecidedTask, { version, record }: LicenseHead): boolean {
  const { onVersion } = content;
  return onVersion === undefined ? new Date(requireSealed(record).ZZQZSJ) > decidedAt : version !== onVersion;
}
