import { hasRole, type Person, type Role } from '../actor.ts';
import { Refusal } from '../refusal.ts';
import { RefusalCollector } from '../refusals/collector.ts';
import { requireLine } from '../text.ts';

/**
 * The purposes (用途) for which somebody may read a holder's code or a file that holds it (个人信息保护法 art. 6, 13):
 * a closed list. Staff state one for each reading. The stated purpose is stored, and the holder sees it.
 */

/** Whether a case is still undecided (OPEN), or decided or otherwise ended (ENDED). A license is always ENDED. */
export type Phase = 'OPEN' | 'ENDED';

interface PurposeRow {
  /** As people read it. */
  label: string;
  /** Who may give it. */
  roles: readonly Role[];
  /** While it fits. Absent: always. */
  phase?: Phase;
  /** Whether the hub assumes it for its only role: a system that states nothing. */
  isImplied?: boolean;
}

export const PURPOSES = {
  EXAMINATION: { label: '受理审查', roles: ['WINDOW_CLERK', 'REVIEWER'], phase: 'OPEN' },
  DECISION: { label: '审批', roles: ['REVIEWER', 'APPROVER'], phase: 'OPEN' },
  CERTIFICATION: { label: '制证发证', roles: ['WINDOW_CLERK', 'SEAL_KEEPER'], phase: 'ENDED' },
  SEAL_CONTROL: { label: '用印管理', roles: ['SEAL_KEEPER', 'SEAL_APPROVER'], phase: 'ENDED' },
  VERIFICATION: { label: '核验', roles: ['WINDOW_CLERK', 'REVIEWER', 'APPROVER'] },
  SUPERVISION: { label: '监督', roles: ['SUPERVISOR'] },
  AUDIT: { label: '审计', roles: ['AUDITOR'] },
  /** Protocol 1 of the city library has no header for a purpose. */
  COLLECTION: { label: '归集', roles: ['LIBRARY'], isImplied: true },
} as const satisfies Record<string, PurposeRow>;

export type Purpose = keyof typeof PURPOSES;
const ROWS: Readonly<Record<Purpose, PurposeRow>> = PURPOSES;
const NAMES = Object.keys(PURPOSES) as Purpose[];

/** Roles that may give some purpose. */
export const READING_ROLES: readonly Role[] = [...new Set(NAMES.flatMap((name) => ROWS[name].roles))];

/** Roles whose people may look by a complete code: those that state a purpose. */
export const SEARCHING_ROLES: readonly Role[] = READING_ROLES.filter((role) =>
  NAMES.some((name) => ROWS[name].roles.includes(role) && !ROWS[name].isImplied),
);

/** Returns the phase in which a purpose fits, or null if it fits in both. */
export function phaseOfPurpose(purpose: Purpose): Phase | null {
  return ROWS[purpose].phase ?? null;
}

/** What a request states: not checked yet. Null: nothing. */
export interface StatedPurpose {
  purpose: string | null;
  remark: string | null;
}

/** A purpose that the person may give. */
export interface ReadingPurpose {
  purpose: Purpose;
  /** What the person adds in own words. */
  remark: string | null;
}

const MAX_REMARK_CHARS = 200;

/**
 * Returns the purpose for which `person` reads. Refuses PURPOSE_MISSING, PURPOSE_UNKNOWN, PURPOSE_UNFIT (not by this
 * role, or not in this phase of the case; null is any phase), FIELD_TOO_LONG, FIELD_MALFORMED.
 */
export function requirePurpose(stated: StatedPurpose, person: Person, phase: Phase | null): ReadingPurpose {
  const remark = stated.remark?.trim() || null;
  const faults = new RefusalCollector();
  const purpose = faults.check(() => requireFitPurpose(stated.purpose, person, phase), null);
  faults.check(() => {
    if (remark !== null) requireLine(remark, MAX_REMARK_CHARS, 'remark');
  });
  faults.settle();
  if (purpose === null) throw new Error('a purpose that nothing refused is known');
  return { purpose, remark };
}

function requireFitPurpose(stated: string | null | undefined, person: Person, phase: Phase | null): Purpose {
  const name = stated?.trim() || findImplied(person);
  if (name === null) throw new Refusal('PURPOSE_MISSING', 'purpose');
  const purpose = NAMES.find((candidate) => candidate === name);
  if (purpose === undefined) throw new Refusal('PURPOSE_UNKNOWN', 'purpose');
  const row = ROWS[purpose];
  const isFit = hasRole(person, ...row.roles) && (row.phase === undefined || phase === null || row.phase === phase);
  if (!isFit) throw new Refusal('PURPOSE_UNFIT', 'purpose', row.label);
  return purpose;
}

/** Returns the purpose of a system whose only role has one that is implied, or null. */
function findImplied({ roles }: Person): Purpose | null {
  const [role, ...others] = roles;
  if (role === undefined || others.length > 0) return null;
  return NAMES.find((name) => ROWS[name].isImplied && ROWS[name].roles.includes(role)) ?? null;
}
