import { LICENSE_ACTS } from '../../kernel/license-acts.ts';
import type { Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import type { LicenseProposal } from './proposal.ts';

const clause = ({ kind }: LicenseProposal) => LICENSE_ACTS[kind].clause;

export const LICENSE_PROPOSAL_POLICY: Policy<
  Record<'decideLicenseProposal' | 'withdrawLicenseProposal', LicenseProposal>
> = {
  /** 批准或者不予批准. */
  decideLicenseProposal: {
    ...decisionRule<LicenseProposal>([{ roles: ['APPROVER'], place: PROPOSAL_ORGAN }]),
    clause,
  },
  /** 撤回拟办. */
  withdrawLicenseProposal: { ...withdrawalRule<LicenseProposal>(['REVIEWER', 'SUPERVISOR']), clause },
};
