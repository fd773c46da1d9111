import { ANYWHERE, type Grant, type Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import { PROPOSALS, type Proposal } from './proposal.ts';

const approverOf = ({ kind }: Proposal) => PROPOSALS[kind].approver;
const APPROVERS: readonly Grant<Proposal>[] = [
  { roles: ['APPROVER'], place: PROPOSAL_ORGAN, when: (subject) => approverOf(subject) === 'APPROVER' },
  { roles: ['SUPERVISOR'], place: PROPOSAL_ORGAN, when: (subject) => approverOf(subject) === 'SUPERVISOR' },
  { roles: ['ADMINISTRATOR'], place: ANYWHERE, when: (subject) => approverOf(subject) === 'ADMINISTRATOR' },
];

export const PROPOSAL_POLICY: Policy<{ decideProposal: Proposal; withdrawProposal: Proposal }> = {
  /** 批准或者不予批准. */
  decideProposal: decisionRule(APPROVERS),
  /** 撤回. */
  withdrawProposal: withdrawalRule(['ADMINISTRATOR', 'APPROVER']),
};
