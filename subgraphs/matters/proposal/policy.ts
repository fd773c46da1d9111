import { ANYWHERE, type Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import type { ImportProposal } from './proposal.ts';

const clause = ({ kind }: ImportProposal) =>
  kind === 'DELEGATIONS' ? '实施方案二（下放方式）' : '实施方案三.1（精简办事流程环节）';

export const IMPORT_PROPOSAL_POLICY: Policy<Record<'decideImport' | 'withdrawImport', ImportProposal>> = {
  /** 批准或者不予批准: an approver of the organ that it acts for, or another administrator. */
  decideImport: {
    ...decisionRule<ImportProposal>([
      { roles: ['APPROVER'], place: PROPOSAL_ORGAN, when: ({ organ }) => organ !== null },
      { roles: ['ADMINISTRATOR'], place: ANYWHERE, when: ({ organ }) => organ === null },
    ]),
    clause,
  },
  /** 撤回. */
  withdrawImport: { ...withdrawalRule<ImportProposal>(['ADMINISTRATOR']), clause },
};
