/** What an organ prints licenses with, and runs out of: the numbers of a format, the blanks of its boxes. */

/** Kinds of supplies that run out. Each is a kind of duty. */
export const SUPPLY_KINDS = ['NUMBERS_ENDING', 'BLANKS_ENDING'] as const;
export type SupplyKind = (typeof SUPPLY_KINDS)[number];

/** Of a supply of which this share is used, its organ is warned. */
const WARNING_SHARE = 0.9;

/** How much of a supply there was, and how much of it is used. */
export interface Supply {
  room: number;
  used: number;
}

/** Whether a supply runs out soon. One without an end, as the hub's own numbers, never does. */
export function isEnding({ room, used }: Supply): boolean {
  return used >= room * WARNING_SHARE;
}

/** A box of blanks, as far as it is in the stock of an organ. */
export interface Holding extends Supply {
  organ: string;
  /** Type code of the licenses that are printed on it. Null: of every type. */
  licenseType: string | null;
}

/** What is left to an organ of a type, if all of its boxes run out. */
export interface Remainder {
  organ: string;
  licenseType: string | null;
  left: number;
}

/**
 * Returns the organs and types of which every box runs out. A box for licenses of every type serves each type of its
 * organ, and is served by no other.
 */
export function listEndingBlanks(holdings: readonly Holding[]): Remainder[] {
  const groups = Map.groupBy(holdings, ({ organ, licenseType }) => JSON.stringify([organ, licenseType]));
  return [...groups.values()].flatMap(([first]): Remainder[] => {
    if (!first) return [];
    const { organ, licenseType } = first;
    const fitting = holdings.filter(
      (one) => one.organ === organ && (one.licenseType === licenseType || one.licenseType === null),
    );
    if (!fitting.every(isEnding)) return [];
    return [{ organ, licenseType, left: fitting.reduce((left, { room, used }) => left + room - used, 0) }];
  });
}
