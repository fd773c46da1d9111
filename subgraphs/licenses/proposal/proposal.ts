import type { OwnAct } from '../../kernel/license-acts.ts';
import type { Proposal as KernelProposal } from '../../kernel/proposal/proposal.ts';

/**
 * Proposed acts on licenses (拟办): no act on an organ's own authority is done by one person. A reviewer prepares it, or
 * the supervisor who ordered it. An approver of the issuing organ does it.
 */

export type LicenseProposal = KernelProposal<OwnAct>;
