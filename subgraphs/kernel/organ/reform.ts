import type { Day } from '../day.ts';

/**
 * Changes of organs (机构改革): who an organ is on a day, and who is competent in its place. Pure: a rule of history
 * and day, so that the midnight of a reform needs no restart and rewrites nothing.
 */

/** A later name of an organ (更名), and the day from which it has it. */
export interface OrganName {
  name: string;
  from: Day;
}

/** A share of a former organ that another organ takes over (撤并、拆分). */
export interface Succession {
  /** The former organ. */
  organ: string;
  successor: string;
  /** The first day of the successor. All shares of an organ have the same. */
  from: Day;
  /** The matters of the share. Null: everything that no other share names. */
  matters: readonly string[] | null;
}

/** What an organ has taken over from a former one. */
export interface Inheritance {
  /** The former organ. */
  organ: string;
  /** The matters of the share. Null: everything but `except`. */
  matters: readonly string[] | null;
  except: readonly string[];
}

/** Returns the name that an organ has on a day. `names` are its later names, in any order; each day has one. */
export function nameOn(organ: { name: string; names?: readonly OrganName[] | undefined }, day: Day): string {
  const begun = (organ.names ?? []).filter(({ from }) => from <= day);
  return (
    begun.reduce<OrganName | null>((last, next) => (last && last.from > next.from ? last : next), null)?.name ??
    organ.name
  );
}

/** Returns an organ as it is named on a day, without its other names. */
export function organOn<Organ extends { name: string; names?: readonly OrganName[] | undefined }>(
  { names, ...organ }: Organ,
  day: Day,
): Omit<Organ, 'names'> {
  return { ...organ, name: nameOn({ name: organ.name, names }, day) };
}

/** Returns the share of an organ's succession to which a matter belongs, or null if the organ has not ended. */
function findShare(shares: readonly Succession[], organ: string, matterId: string | null, day: Day): Succession | null {
  const begun = shares.filter((share) => share.organ === organ && share.from <= day);
  const own = begun.find(({ matters }) => matterId !== null && matters?.includes(matterId));
  return own ?? begun.find(({ matters }) => matters === null) ?? null;
}

/**
 * Returns the organ that is competent on a day for what was an organ's: itself, or the last of its successors.
 * `matterId`: the matter, or null for what belongs to no matter, as seals and blanks. Throws an Error for a circle,
 * which no import enters.
 */
export function competentOrgan(
  shares: readonly Succession[],
  organ: string,
  matterId: string | null,
  day: Day,
): string {
  const seen = new Set<string>();
  let current = organ;
  for (;;) {
    if (seen.has(current)) throw new Error(`the successors of ${organ} are a circle`);
    seen.add(current);
    const share = findShare(shares, current, matterId, day);
    if (share === null) return current;
    current = share.successor;
  }
}

/** Returns whether an organ has ended by a day. */
export function hasEnded(shares: readonly Succession[], organ: string, day: Day): boolean {
  return shares.some((share) => share.organ === organ && share.from <= day);
}

/** Returns what an organ has taken over from former organs by a day, directly or through others. */
export function listInheritances(shares: readonly Succession[], organ: string, day: Day): Inheritance[] {
  const begun = shares.filter(({ from }) => from <= day);
  const named = [...new Set(begun.flatMap(({ matters }) => matters ?? []))];
  const former = [...new Set(begun.map((share) => share.organ))].filter((one) => one !== organ);
  return former.flatMap((one): Inheritance[] => {
    const isOurs = (matterId: string | null) => competentOrgan(begun, one, matterId, day) === organ;
    if (isOurs(null)) return [{ organ: one, matters: null, except: named.filter((matterId) => !isOurs(matterId)) }];
    const matters = named.filter(isOurs);
    return matters.length === 0 ? [] : [{ organ: one, matters, except: [] }];
  });
}

/** Returns the organs that directly succeed an organ by a day, the one of the rest first. */
export function listSuccessors(shares: readonly Succession[], organ: string, day: Day): string[] {
  const own = shares.filter((share) => share.organ === organ && share.from <= day);
  const ordered = own.toSorted((one, other) => Number(one.matters !== null) - Number(other.matters !== null));
  return [...new Set(ordered.map(({ successor }) => successor))];
}
