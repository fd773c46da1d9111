import type { Role } from '../../kernel/actor.ts';
import { ADMINISTRATION, ANYWHERE, type Grant, type Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import { PROPOSALS, type Proposal } from './proposal.ts';

/** Who approves proposals of one kind: people of the organ that it acts for, or if there is none, an administrator. */
function grantsOf(kind: string, approvers: readonly Role[]): Grant<Proposal>[] {
  const ofOrgan = approvers.filter((role) => role !== 'ADMINISTRATOR');
  const grants: Grant<Proposal>[] = [
    { roles: ofOrgan, place: PROPOSAL_ORGAN, when: (proposal) => proposal.kind === kind && proposal.organ !== null },
    {
      roles: ['ADMINISTRATOR'],
      place: ANYWHERE,
      when: (proposal) => proposal.kind === kind && proposal.organ === null,
    },
  ];
  return grants.filter(({ roles }) => roles.some((role) => approvers.includes(role)));
}

const APPROVERS = Object.entries(PROPOSALS).flatMap(([kind, { approvers }]) => grantsOf(kind, approvers));

const clause = ({ kind }: Proposal) => PROPOSALS[kind].clause;

/** The administration of agreements, calendars, platforms, webhooks and people: each of these only proposes. */
export const ADMINISTRATION_POLICY = {
  recordAgreement: ADMINISTRATION,
  endAgreement: ADMINISTRATION,
  loadCalendar: ADMINISTRATION,
  registerPlatform: ADMINISTRATION,
  changePlatform: ADMINISTRATION,
  addPlatformKey: ADMINISTRATION,
  endPlatformKey: ADMINISTRATION,
  removePlatform: ADMINISTRATION,
  registerWebhook: ADMINISTRATION,
  removeWebhook: ADMINISTRATION,
  changePeople: ADMINISTRATION,
  importPeople: ADMINISTRATION,
};

export const PROPOSAL_POLICY: Policy<{ decideProposal: Proposal; withdrawProposal: Proposal }> = {
  /** 批准或者不予批准. */
  decideProposal: { ...decisionRule<Proposal>(APPROVERS), clause },
  /** 撤回. */
  withdrawProposal: { ...withdrawalRule<Proposal>(['ADMINISTRATOR', 'APPROVER']), clause },
};
