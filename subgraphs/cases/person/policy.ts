import { ROLES } from '../../kernel/actor.ts';
import { actsFor } from '../../kernel/organ/place.ts';
import { ANYWHERE, type Place, type Policy, type ReadRule } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { REGISTER_APPROVERS } from './appointment.ts';

/** Whose sign-ins are ended: the person, and the organ where the register has the person now. */
export interface SignedIn {
  person: string;
  organ: string | null;
}

const OWN_SESSIONS: Place<SignedIn> = {
  name: 'OWN_SESSIONS',
  includes: ({ person }, { id }) => person === id,
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

/** The organ of the person. */
const PERSON_ORGAN: Place<SignedIn> = {
  name: 'PERSON_ORGAN',
  includes: ({ organ }, person) => actsFor(person, organ, null),
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

export const SESSION_POLICY: Policy<{ endSessions: SignedIn }> = {
  /** 结束登录. */
  endSessions: {
    grants: [
      { roles: ['ADMINISTRATOR'], place: ANYWHERE },
      { roles: ['SUPERVISOR'], place: PERSON_ORGAN },
      { roles: ROLES, place: OWN_SESSIONS },
    ],
  },
};

/** Who reads the register: who maintains it, who approves for an organ, and auditors. */
export const REGISTER_READ: ReadRule = { everything: ['ADMINISTRATOR', 'AUDITOR'], ownOrgan: REGISTER_APPROVERS };
