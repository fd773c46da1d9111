import { ANYWHERE, type Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import type { ImportProposal } from './proposal.ts';

export const IMPORT_PROPOSAL_POLICY: Policy<Record<'decideImport' | 'withdrawImport', ImportProposal>> = {
  /** 批准或者不予批准: an approver of the organ that it acts for, or another administrator. */
  decideImport: decisionRule([
    { roles: ['APPROVER'], place: PROPOSAL_ORGAN, when: ({ organ }) => organ !== null },
    { roles: ['ADMINISTRATOR'], place: ANYWHERE, when: ({ organ }) => organ === null },
  ]),
  /** 撤回. */
  withdrawImport: withdrawalRule(['ADMINISTRATOR']),
};
