import type { Inheritance } from './organ/reform.ts';

/**
 * Positions that a person may hold (岗位). The organ, not the role, says whether it is the county or the city.
 * To add a role, add it here and to the rows of the policies. The compiler and `test/policy/matrix.test.ts` name what
 * is missing.
 */
export const ROLES = [
  'APPLICANT',
  'WINDOW_CLERK',
  'REVIEWER',
  'APPROVER',
  'SEAL_KEEPER',
  'SEAL_APPROVER',
  'SUPERVISOR',
  'AUDITOR',
  'LIBRARY',
  'ADMINISTRATOR',
] as const;
export type Role = (typeof ROLES)[number];

/** Whether a role is held by an organ's staff, who read what belongs to their organ. */
const IS_STAFF: Readonly<Record<Role, boolean>> = {
  APPLICANT: false,
  WINDOW_CLERK: true,
  REVIEWER: true,
  APPROVER: true,
  SEAL_KEEPER: true,
  SEAL_APPROVER: true,
  SUPERVISOR: true,
  AUDITOR: false,
  LIBRARY: false,
  ADMINISTRATOR: false,
};
export const STAFF_ROLES: readonly Role[] = ROLES.filter((role) => IS_STAFF[role]);

/** The owner of a verified token. A person belongs to at most one organ and acts only for it or at its window. */
export interface Person {
  kind: 'person';
  id: string;
  name: string;
  roles: readonly Role[];
  /** The organ's id, or null for applicants, auditors and systems without an organ. */
  organ: string | null;
  /** Division code of the integrated window (综合受理窗口) to which this person is seconded, or null. */
  window: string | null;
  /** The code under which this person holds licenses (`IDENTITY_KINDS`), or null. */
  holderCode: string | null;
  /** What the person's organ has taken over from former organs (机构改革) by today. Absent: nothing. */
  inherits?: readonly Inheritance[] | undefined;
  /** Present if the person's organ has ended. Such a person has no role and no organ, and can do no act. */
  ended?: EndedPlace | undefined;
}

/** A place that passed to other organs. */
export interface EndedPlace {
  organ: string;
  /** The names of the organs that took it over. */
  successors: readonly string[];
}

/** Maximum length of the issuer's name for a person (`sub`; OpenID Connect Core 1.0, 2). */
export const MAX_SUBJECT_CHARS = 255;

/** Who somebody is, as the identity provider says it. It says nothing of roles and organs. */
export interface Identity {
  /** The provider's own name: the URL of its OpenID Connect discovery. */
  issuer: string;
  /** Names the person at the issuer, always the same (`sub`). */
  subject: string;
  /** A code (`isHolderCode`), or null for whoever holds no licenses. */
  holderCode: string | null;
  name: string | null;
  issuedAt: Date;
  /** When the person proved who they are, or null if the issuer does not say it. */
  authTime: Date | null;
  /** The issuer's session (`sid`), or null. */
  session: string | null;
}

/**
 * Finds the person of an identity in the hub's own register, as of `now`: roles, organ, window. Returns null for
 * somebody whom the register does not know. Throws TokenError SESSION_ENDED for a session that has ended.
 */
export type ResolvePerson = (identity: Identity, now: Date) => Promise<Person | null>;

/** The caller: the public without a token, or a person with one. */
export type Actor = { kind: 'public' } | Person;

export const PUBLIC: Actor = { kind: 'public' };

/** Returns whether `actor` is a person who holds one of `roles`. */
export function hasRole(actor: Actor, ...roles: readonly Role[]): boolean {
  return actor.kind === 'person' && actor.roles.some((role) => roles.includes(role));
}
