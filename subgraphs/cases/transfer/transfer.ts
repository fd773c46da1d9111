import { type Day, dayOf, isWithin } from '../../kernel/day.ts';
import type { Assignment, DelegationFact, OrganFact } from '../../kernel/events/events.ts';
import { competentOrgan, type Succession } from '../../kernel/organ/reform.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { type Case, type CaseFile, hasEnded, type OrganPair, type Position } from '../case.ts';

/** Returns the delegation of a running case after a transfer (划转) of its matter: same mode, new organs. */
function moveDelegation(delegation: DelegationFact, newOrgans: OrganPair): DelegationFact {
  const replaceOrgan = (organ: string | null) => {
    if (organ === delegation.cityOrgan) return newOrgans.cityOrgan;
    return organ === delegation.countyOrgan ? newOrgans.countyOrgan : organ;
  };
  const moveAssignment = (assignment: Assignment): Assignment => ({
    ...assignment,
    organ: replaceOrgan(assignment.organ),
    second: replaceOrgan(assignment.second),
  });
  return {
    ...delegation,
    ...newOrgans,
    accepts: moveAssignment(delegation.accepts),
    examines: moveAssignment(delegation.examines),
    decides: moveAssignment(delegation.decides),
    seals: moveAssignment(delegation.seals),
    liable: moveAssignment(delegation.liable),
  };
}

/** Positions before acceptance. Such a case follows the current state of its matter. */
const POSITIONS_BEFORE_ACCEPTANCE: ReadonlySet<Position> = new Set<Position>(['RECEIVED', 'SUPPLEMENT_ASKED']);

const pairOf = ({ cityOrgan, countyOrgan }: OrganPair): OrganPair => ({ cityOrgan, countyOrgan });
const isSamePair = (a: OrganPair, b: OrganPair) => a.cityOrgan === b.cityOrgan && a.countyOrgan === b.countyOrgan;

/**
 * Returns a running case with the organs that its matter has on `today`, and its previous organs in `from`.
 * Returns null if the case does not change: the organs are the same, the list says that running cases stay, or the case
 * is decided.
 * A case that is not accepted yet takes today's mode too.
 */
export function follow(
  subject: Case,
  matter: MatterFact,
  shares: readonly Succession[],
  today: Day,
): (CaseFile & { from: OrganPair }) | null {
  if (hasEnded(subject) || subject.step === 'DECIDED' || subject.step === 'CERTIFIED') return null;
  const { delegation } = subject;
  const from = pairOf(delegation);
  if (POSITIONS_BEFORE_ACCEPTANCE.has(subject.step)) {
    const current = matter.delegations.find((period) => isWithin(today, period.validFrom, period.validTo));
    if (!current || (current.mode === delegation.mode && isSamePair(current, from))) return null;
    return { ...subject, matter, delegation: current, from };
  }
  const { cityOrgan, countyOrgan } = currentOrgans(subject, matter, today);
  const heir = (organ: string) => competentOrgan(shares, organ, matter.matterId, today);
  // Also a case that stayed with its organ when the matter moved passes to the successor of that organ.
  const to = { cityOrgan: heir(cityOrgan), countyOrgan: heir(countyOrgan) };
  if (isSamePair(to, from)) return null;
  return {
    ...subject,
    matter: { ...subject.matter, organs: joinOrgans(subject.matter.organs, matter.organs) },
    delegation: moveDelegation(delegation, to),
    acceptedBy: subject.acceptedBy === delegation.cityOrgan ? to.cityOrgan : to.countyOrgan,
    from,
  };
}

/**
 * Returns the organs of an accepted case on `today`. It starts with the organs at acceptance.
 * It then applies each later transfer that running cases follow.
 */
function currentOrgans(subject: Case, matter: MatterFact, today: Day): OrganPair {
  const acceptanceIndex = subject.steps.findLastIndex((record) => record.step === 'ACCEPTED');
  const acceptedOn = dayOf(subject.steps[acceptanceIndex]?.at ?? new Date(0));
  const firstTransfer = subject.steps.slice(acceptanceIndex + 1).find((record) => record.data?.moved)?.data?.moved;
  let organs = pairOf(firstTransfer?.from ?? subject.delegation);
  let previous = organs;
  const periods = matter.delegations.filter(
    ({ validFrom, validTo }) => (validFrom ?? '') <= today && (validTo === null || validTo >= acceptedOn),
  );
  for (const period of periods) {
    if (!isSamePair(period, previous) && period.runningCases === 'FOLLOW') organs = pairOf(period);
    previous = pairOf(period);
  }
  return organs;
}

/** Returns a case whose organs are named as `matter` names them today. Returns the same object if none changed. */
export function renameOrgans(subject: Case, matter: MatterFact): Case {
  const names = new Map(matter.organs.map((organ) => [organ.id, organ]));
  const organs = subject.matter.organs.map((organ) => names.get(organ.id) ?? organ);
  const isSame = organs.every((organ, i) => organ.name === subject.matter.organs[i]?.name);
  return isSame ? subject : { ...subject, matter: { ...subject.matter, organs } };
}

export function joinOrgans(organs: readonly OrganFact[], added: readonly OrganFact[]): OrganFact[] {
  return [...organs, ...added.filter((organ) => !organs.some((existing) => existing.id === organ.id))];
}
