import type { Role } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import type { Proposal as KernelProposal } from '../../kernel/proposal/proposal.ts';
import type { Agreement } from '../agreement/agreement.ts';
import type { Notice } from '../calendar/working-day.ts';
import type { ExceptionContent } from '../exception/exception.ts';

/**
 * Proposals (提议): no act of administration takes effect by one person. An administrator proposes it, and another
 * person approves it: somebody of the organ that it acts for, or another administrator. An approver proposes an
 * exception for the own organ.
 */

/** What each kind of proposal carries out. Times are RFC 3339. A stored proposal is the JSON text of one. */
export interface ProposalContents {
  RECORD_AGREEMENT: Agreement;
  END_AGREEMENT: { number: string; on: Day; reason: string };
  LOAD_CALENDAR: Notice;
  REGISTER_PLATFORM: { organ: string; name: string; url: string; publicKey: string };
  CHANGE_PLATFORM: { id: string; name: string | null; url: string | null; renewSecret: boolean };
  ADD_PLATFORM_KEY: { id: string; publicKey: string; validFrom: string | null; validTo: string | null };
  END_PLATFORM_KEY: { id: string; kid: string; validTo: string | null };
  REMOVE_PLATFORM: { id: string };
  REGISTER_WEBHOOK: { organ: string; url: string };
  REMOVE_WEBHOOK: { organ: string };
  RECORD_EXCEPTION: ExceptionContent;
}
export type ProposalKind = keyof ProposalContents;

interface ProposalRow {
  /** The mutation that proposes it. */
  mutation: string;
  /** Who approves: this role at the organ that it acts for. ADMINISTRATOR: another administrator. */
  approver: Role;
  /** What it is, for a person. */
  title: string;
}

/** The table of kinds. A new kind is a row here, a row of contents above, and how it is carried out. */
export const PROPOSALS = {
  RECORD_AGREEMENT: { mutation: 'recordAgreement', approver: 'APPROVER', title: '登记承接协议' },
  END_AGREEMENT: { mutation: 'endAgreement', approver: 'APPROVER', title: '终止承接协议' },
  LOAD_CALENDAR: { mutation: 'loadCalendar', approver: 'ADMINISTRATOR', title: '载入工作日历' },
  REGISTER_PLATFORM: { mutation: 'registerPlatform', approver: 'APPROVER', title: '登记审批平台' },
  CHANGE_PLATFORM: { mutation: 'changePlatform', approver: 'APPROVER', title: '变更审批平台' },
  ADD_PLATFORM_KEY: { mutation: 'addPlatformKey', approver: 'APPROVER', title: '增加平台公钥' },
  END_PLATFORM_KEY: { mutation: 'endPlatformKey', approver: 'APPROVER', title: '停用平台公钥' },
  REMOVE_PLATFORM: { mutation: 'removePlatform', approver: 'APPROVER', title: '注销审批平台' },
  REGISTER_WEBHOOK: { mutation: 'registerWebhook', approver: 'SUPERVISOR', title: '登记推送地址' },
  REMOVE_WEBHOOK: { mutation: 'removeWebhook', approver: 'SUPERVISOR', title: '撤销推送地址' },
  RECORD_EXCEPTION: { mutation: 'recordException', approver: 'APPROVER', title: '职责分离的例外' },
} as const satisfies Record<ProposalKind, ProposalRow>;

/** A proposal of an act of administration. */
export type Proposal = KernelProposal<ProposalKind>;
