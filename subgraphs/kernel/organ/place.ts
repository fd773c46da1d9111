import { z } from 'zod';
import type { Person } from '../actor.ts';
import type { Day } from '../day.ts';
import type { OrganFact } from '../events/events.ts';
import { hasEnded, listInheritances, listSuccessors, nameOn, type Succession } from './reform.ts';

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

const texts = z.array(z.string());

/** What an organ has become by a day: what it took over, or who took its place. It goes from process to process. */
export const placeSchema = z.object({
  inherits: z.array(z.object({ organ: z.string(), matters: texts.nullable(), except: texts })),
  ended: z.object({ organ: z.string(), successors: texts }).nullable(),
});
export type Place = z.infer<typeof placeSchema>;

/** Finds what an organ has become by now. */
export type ResolvePlace = (organ: string, now: Date) => Promise<Place>;

/** Returns what an organ has become by a day. `organs` has those that reforms concern. */
export function placeOf(
  { organs, shares }: { organs: ReadonlyMap<string, OrganFact>; shares: readonly Succession[] },
  organ: string,
  day: Day,
): Place {
  const inherits = listInheritances(shares, organ, day).map(({ organ: former, matters, except }) => ({
    ...{ organ: former, matters: matters && [...matters], except: [...except] },
  }));
  if (!hasEnded(shares, organ, day)) return { inherits, ended: null };
  const successors = listSuccessors(shares, organ, day).map((id) => nameOn(organs.get(id) ?? { name: id }, day));
  return { inherits: [], ended: { organ, successors } };
}

/** Returns a person at what the own organ has become. Of an ended organ, nobody has a role any more. */
export function placePerson(person: Person, { inherits, ended }: Place): Person {
  if (ended) return { ...person, roles: [], organ: null, window: null, ended };
  return inherits.length === 0 ? person : { ...person, inherits };
}
