import type { Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import type { LicenseProposal } from './proposal.ts';

export const LICENSE_PROPOSAL_POLICY: Policy<
  Record<'decideLicenseProposal' | 'withdrawLicenseProposal', LicenseProposal>
> = {
  /** 批准或者不予批准, by an approver of the issuing organ. */
  decideLicenseProposal: decisionRule([{ roles: ['APPROVER'], place: PROPOSAL_ORGAN }]),
  /** 撤回. */
  withdrawLicenseProposal: withdrawalRule(['REVIEWER', 'SUPERVISOR']),
};
