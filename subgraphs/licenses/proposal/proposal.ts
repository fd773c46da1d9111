import type { OwnAct } from '../../kernel/license-acts.ts';
import type { Proposal } from '../../kernel/proposal/proposal.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { LicenseHead } from '../license.ts';
import type { Grounds } from './grounds.ts';

/**
 * Proposed acts on licenses (拟办): no act on an organ's own authority is done by one person. A reviewer prepares it, or
 * a supervisor whose organ ordered it. An approver of the issuing organ does it.
 */

export type LicenseProposal = Proposal<OwnAct>;

/** What a proposal carries out. A stored proposal is the JSON text of it. Its act is its kind. */
export interface ActContent extends Grounds {
  number: string;
  /** The version on which it was prepared. */
  identifier: string;
  /** Number of acts on the license when it was prepared. */
  revision: number;
  reason: string;
  /** Id of the supervisor's order that it carries out, or null. */
  order: string | null;
}

/**
 * Refuses LICENSE_NOT_CURRENT, LICENSE_CHANGED if anything was done to the license since an act was prepared: the
 * approver decides on what the reviewer examined.
 */
export function requireUnchanged(content: ActContent, head: LicenseHead, revision: number): void {
  if (content.identifier !== head.identifier) throw new Refusal('LICENSE_NOT_CURRENT', 'proposal');
  if (content.revision !== revision) throw new Refusal('LICENSE_CHANGED', 'proposal');
}
