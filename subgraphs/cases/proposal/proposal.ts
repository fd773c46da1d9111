import type { Role } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import type { Proposal as KernelProposal } from '../../kernel/proposal/proposal.ts';
import type { Agreement } from '../agreement/agreement.ts';
import type { Notice } from '../calendar/working-day.ts';
import type { ExceptionContent } from '../exception/exception.ts';
import { type PersonChange, REGISTER_APPROVERS } from '../person/appointment.ts';

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
  CHANGE_PEOPLE: { changes: readonly PersonChange[] };
}
export type ProposalKind = keyof ProposalContents;

interface ProposalRow {
  /** The mutation that proposes it. */
  mutation: string;
  /** Who approves: these roles at the organ that it acts for. ADMINISTRATOR: another one, if it acts for no organ. */
  approvers: readonly Role[];
  /** What it is, for a person. */
  title: string;
  /** Where it rests in the plan or in law. */
  clause: string;
}

const AGREEMENTS = '实施方案二（二）（承接协议）';
const PLATFORMS = '实施方案三.3（全流程线上闭环审批管理）';
const WEBHOOKS = '实施方案三.6（“双推送”“双回路”）';

/** The table of kinds. A new kind is a row here, a row of contents above, and how it is carried out. */
export const PROPOSALS = {
  RECORD_AGREEMENT: { mutation: 'recordAgreement', approvers: ['APPROVER'], title: '登记承接协议', clause: AGREEMENTS },
  END_AGREEMENT: { mutation: 'endAgreement', approvers: ['APPROVER'], title: '终止承接协议', clause: AGREEMENTS },
  LOAD_CALENDAR: {
    mutation: 'loadCalendar',
    approvers: ['ADMINISTRATOR'],
    title: '载入工作日历',
    clause: '行政许可法第八十二条（期限以工作日计算）',
  },
  REGISTER_PLATFORM: {
    mutation: 'registerPlatform',
    approvers: ['APPROVER'],
    title: '登记审批平台',
    clause: PLATFORMS,
  },
  CHANGE_PLATFORM: { mutation: 'changePlatform', approvers: ['APPROVER'], title: '变更审批平台', clause: PLATFORMS },
  ADD_PLATFORM_KEY: { mutation: 'addPlatformKey', approvers: ['APPROVER'], title: '增加平台公钥', clause: PLATFORMS },
  END_PLATFORM_KEY: { mutation: 'endPlatformKey', approvers: ['APPROVER'], title: '停用平台公钥', clause: PLATFORMS },
  REMOVE_PLATFORM: { mutation: 'removePlatform', approvers: ['APPROVER'], title: '注销审批平台', clause: PLATFORMS },
  REGISTER_WEBHOOK: { mutation: 'registerWebhook', approvers: ['SUPERVISOR'], title: '登记推送地址', clause: WEBHOOKS },
  REMOVE_WEBHOOK: { mutation: 'removeWebhook', approvers: ['SUPERVISOR'], title: '撤销推送地址', clause: WEBHOOKS },
  RECORD_EXCEPTION: {
    mutation: 'recordException',
    approvers: ['APPROVER'],
    title: '职责分离的例外',
    clause: '实施方案三.5（权责一致）',
  },
  CHANGE_PEOPLE: {
    mutation: 'changePeople',
    approvers: [...REGISTER_APPROVERS, 'ADMINISTRATOR'],
    title: '变更人员岗位',
    clause: '实施方案三.8（编随事走、人随编走）',
  },
} as const satisfies Record<ProposalKind, ProposalRow>;

/** A proposal of an act of administration. */
export type Proposal = KernelProposal<ProposalKind>;
