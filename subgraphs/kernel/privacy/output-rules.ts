import { type Actor, hasRole, STAFF_ROLES } from '../actor.ts';

/** How the texts that a subgraph answers are protected: its table, in `outputs.ts` of the subgraph. Pure. */
export interface OutputRules {
  /** Whether codes in texts are masked. False for a subgraph that has no applicant's or holder's data. */
  masksCodes: boolean;
  /** By reason: coordinates whose text must not be changed, since it is a key, signed, or masks its code itself. */
  verbatim?: Readonly<Record<string, readonly string[]>>;
  /** Coordinates with the name or id of a member of staff, and whether the value of this parent is one. */
  staff?: Readonly<Record<string, (parent: never) => boolean>>;
}

/** The field of every parent names a member of staff. */
export const ALWAYS = (): boolean => true;

/** In place of a name that the caller does not learn. */
export const ANONYMOUS = '经办人员';

const OFFICE_ROLES = [...STAFF_ROLES, 'AUDITOR', 'ADMINISTRATOR'] as const;

/** Whether the caller works for an office and may therefore know who acted. */
export function isOffice(actor: Actor): boolean {
  return hasRole(actor, ...OFFICE_ROLES);
}
