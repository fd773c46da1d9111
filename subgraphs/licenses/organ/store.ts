import { asc, inArray } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { readReforms } from '../../kernel/organ/organ-store.ts';
import { competentOrgan, organOn } from '../../kernel/organ/reform.ts';
import type { LicenseHead } from '../license.ts';
import type { Blank } from '../paper/paper.ts';
import { act, organFact } from '../tables.ts';

/** Who acts today in the place of a former organ (机构改革). What was issued keeps the organ of its day. */

/** Returns a license with the organ that acts today as its issuer, named as today: its successor if it has ended. */
export async function succeedIssuer(db: Reader, head: LicenseHead, day: Day): Promise<LicenseHead> {
  const { organs, shares } = await readReforms(db, organFact);
  const id = competentOrgan(shares, head.issuer.id, head.record.KZ_SX, day);
  const known = organs.get(id) ?? head.issuer;
  if (known.id !== id) throw new Error(`nothing is known of the organ ${id}`);
  return { ...head, issuer: organOn(known, day) };
}

/**
 * Returns an organ and blanks as their stocks are today: a successor has the stock of the former organ. `matterId`: the
 * matter for which the organ needs blanks, or null for the stock as such.
 */
export async function succeedStock(
  db: Reader,
  { organ, matterId, blanks }: { organ: string; matterId: string | null; blanks: ReadonlyMap<string, Blank> },
  day: Day,
): Promise<{ organ: string; blanks: Map<string, Blank> }> {
  const { shares } = await readReforms(db, organFact);
  const heir = (former: string, matter: string | null) => competentOrgan(shares, former, matter, day);
  const stocked = [...blanks].map(([number, blank]) => [number, { ...blank, organ: heir(blank.organ, null) }] as const);
  return { organ: heir(organ, matterId), blanks: new Map(stocked) };
}

/** Returns the id of the organ that issued each version, in the order of `identifiers`; null for one without an act. */
export async function findIssuers(db: Reader, identifiers: readonly string[]): Promise<(string | null)[]> {
  const rows = await db
    .selectDistinctOn([act.identifier], { identifier: act.identifier, organ: act.organ })
    .from(act)
    .where(inArray(act.identifier, [...identifiers]))
    .orderBy(asc(act.identifier), asc(act.serial));
  const byIdentifier = new Map(rows.map(({ identifier, organ }) => [identifier, organ.id]));
  return identifiers.map((identifier) => byIdentifier.get(identifier) ?? null);
}
