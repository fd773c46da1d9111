import { actsFor } from '../../kernel/organ/place.ts';
import type { Place, Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { RegistrationProposal } from './registration.ts';

const clause = '实施方案三.7（电子证照与实体证照同步）';

/** A matter, and the organ that issues its licenses. */
interface IssuedMatter {
  issuer: string;
  matter: string;
}

/** The organ that issues the licenses of the matter. */
const ISSUING_ORGAN: Place<IssuedMatter> = {
  name: 'ISSUER',
  includes: ({ issuer, matter }, person) => actsFor(person, issuer, matter),
  refuse: () => new Refusal('ORGAN_WITHOUT_POWER', 'matter'),
};

/** What each row is about. A new ledger has only its issuer. */
type RegistrationSubjects = Record<'decideRegistration' | 'withdrawRegistration', RegistrationProposal> & {
  proposeRegistration: IssuedMatter;
};

export const REGISTRATION_POLICY: Policy<RegistrationSubjects> = {
  /** 拟登记存量证照. */
  proposeRegistration: { grants: [{ roles: ['REVIEWER'], place: ISSUING_ORGAN }], clause },
  /** 批准或者不予批准. */
  decideRegistration: {
    ...decisionRule<RegistrationProposal>([{ roles: ['APPROVER'], place: PROPOSAL_ORGAN }]),
    clause,
  },
  /** 撤回. */
  withdrawRegistration: { ...withdrawalRule<RegistrationProposal>(['REVIEWER']), clause },
};
