import type { GrantContent, OrganFact } from '../../kernel/events/events.ts';
import { type Act, requireActFits } from '../../kernel/license-acts.ts';
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
 * Refuses, with the codes of `requireActFits`, unless the task's act fits the license it names. The period was judged
 * when the case was accepted and granted: what is granted in time may be printed after the last day.
 */
export function requireTaskFits({ content }: CertificateTask, { record, storedState: state }: LicenseHead): void {
  const { action, licenseType, holder } = content;
  const license = { licenseType: record.ZZLXDM, holderCode: record.CZZTDM, state };
  requireActFits({ action, licenseType, holderCode: holder.code }, license, 'case');
}
