import { ANYWHERE, type Place, type Policy } from '../../kernel/policy.ts';
import { READING_ROLES } from '../../kernel/privacy/purpose.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { maySee } from '../policy.ts';

/** A case as the policy of disclosure sees it. */
export interface VisibleCase {
  applicantCode: string;
  parties: readonly string[];
  window: string | null;
}

/** The organs and the window of the case. For everybody else it does not exist. */
const CASE_PARTIES: Place<VisibleCase> = {
  name: 'CASE_PARTIES',
  includes: (visibility, person) => maySee(person, visibility),
  refuse: () => new Refusal('CASE_UNKNOWN', 'case'),
};

export const READING_POLICY: Policy<{ discloseApplicant: VisibleCase }> = {
  /** 查阅代码: `requirePurpose` then says which role may give which purpose. */
  discloseApplicant: {
    grants: [
      { roles: ['AUDITOR'], place: ANYWHERE },
      { roles: READING_ROLES, place: CASE_PARTIES },
    ],
  },
};
