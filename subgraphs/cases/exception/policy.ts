import { actsFor } from '../../kernel/organ/place.ts';
import type { Place, Policy } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';

interface ExceptionSubjects {
  recordException: { organ: string };
  endException: { organ: string; personOrgan: string | null; isOver: boolean };
}

/** The organ that an exception is for. */
const EXCEPTION_ORGAN: Place<{ organ: string }> = {
  name: 'EXCEPTION_ORGAN',
  includes: ({ organ }, person) => actsFor(person, organ, null),
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};
/** The organ of the person who handles another organ's cases. */
const SECOND_PERSON_ORGAN: Place<{ personOrgan: string | null }> = {
  name: 'SECOND_PERSON_ORGAN',
  includes: ({ personOrgan }, person) => actsFor(person, personOrgan, null),
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

export const EXCEPTION_POLICY: Policy<ExceptionSubjects> = {
  /** 提议例外: only proposes. */
  recordException: { grants: [{ roles: ['APPROVER'], place: EXCEPTION_ORGAN }] },
  /** 提前终止: one person is enough, since it restores the rule. */
  endException: {
    grants: [
      { roles: ['APPROVER'], place: SECOND_PERSON_ORGAN },
      { roles: ['APPROVER', 'SUPERVISOR'], place: EXCEPTION_ORGAN },
    ],
    state: ({ isOver }) => (isOver ? new Refusal('EXCEPTION_ENDED', 'exception') : null),
  },
};
