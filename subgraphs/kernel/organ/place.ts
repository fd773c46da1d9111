import type { Person } from '../actor.ts';

/**
 * Where a person acts: at the own organ, and at former organs whose place it has taken (机构改革). Every question of
 * an organ's power asks these functions; a tidy test forbids to compare a person's organ otherwise.
 */

type Placed = Pick<Person, 'organ' | 'inherits'>;

/**
 * Whether a person acts for an organ. `matterId`: the matter in question, or null for what belongs to no matter. A
 * successor acts for a former organ in the matters of its share.
 */
export function actsFor({ organ: own, inherits = [] }: Placed, organ: string | null, matterId: string | null): boolean {
  if (organ === null || own === null) return false;
  if (own === organ) return true;
  return inherits.some(({ organ: former, matters, except }) => {
    if (former !== organ) return false;
    return matters === null
      ? matterId === null || !except.includes(matterId)
      : matterId !== null && matters.includes(matterId);
  });
}

/** Whether a person acts for one of these organs. See `actsFor`. */
export function actsForOneOf(person: Placed, organs: readonly (string | null)[], matterId: string | null): boolean {
  return organs.some((organ) => actsFor(person, organ, matterId));
}

/**
 * Returns the organs whose records a person reads: the own one, and former ones of which it has any share. Records of a
 * former organ are not divided by matter, so each of its successors reads them.
 */
export function organsOf({ organ, inherits = [] }: Placed): string[] {
  return organ === null ? [] : [organ, ...inherits.map((former) => former.organ)];
}

/** Whether a person reads the records of one of these organs. */
export function readsOneOf(person: Placed, organs: readonly (string | null)[]): boolean {
  return organsOf(person).some((organ) => organs.includes(organ));
}
