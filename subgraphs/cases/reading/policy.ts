import type { Person } from '../../kernel/actor.ts';
import { ANYWHERE, type Place, type Policy } from '../../kernel/policy.ts';
import { READING_ROLES, SEARCHING_ROLES } from '../../kernel/privacy/purpose.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { maySee } from '../policy.ts';

/** A case as the policy of disclosure sees it. */
export interface VisibleCase {
  applicantCode: string;
  parties: readonly string[];
  window: string | null;
  /** Whether the person handles cases of one of its organs by an exception (SECOND_PERSON). Absent: no. */
  isSecondPerson?: boolean;
}

/** The organs and the window of the case, and a second person of an organ. For everybody else it does not exist. */
const CASE_PARTIES: Place<VisibleCase> = {
  name: 'CASE_PARTIES',
  includes: (visibility, person) => isVisible(visibility, person),
  refuse: () => new Refusal('CASE_UNKNOWN', 'case'),
};

/** Whether a person may open what the case holds. Staff state a purpose on top of it. */
export function isVisible(visibility: VisibleCase, person: Person): boolean {
  return visibility.isSecondPerson === true || maySee(person, visibility);
}

export const READING_POLICY: Policy<{ discloseApplicant: VisibleCase; findApplicantCases: null }> = {
  /** 查阅代码: `requirePurpose` then says which role may give which purpose. */
  discloseApplicant: {
    grants: [
      { roles: ['AUDITOR'], place: ANYWHERE },
      { roles: READING_ROLES, place: CASE_PARTIES },
    ],
  },
  /** 按证件号码查找: it finds what the person may see. `requirePurpose` says which role may give which purpose. */
  findApplicantCases: { grants: [{ roles: SEARCHING_ROLES, place: ANYWHERE }] },
};
