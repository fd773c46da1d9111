import { inArray, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { OutcomeSince } from '../../kernel/license-type/situation.ts';
import { buildDelegationFact } from '../matter.ts';
import { findMatters } from '../store.ts';
import { outcome } from '../tables.ts';

/**
 * Returns for each license type the periods of each matter whose cases end, at some time, in a license of the type, as
 * other subgraphs know them.
 */
export async function findOutcomesOfTypes(
  db: Reader,
  codes: readonly string[],
): Promise<(readonly OutcomeSince[])[][]> {
  const typeCode = sql<string>`${outcome.outcome}->>'licenseType'`;
  const rows = await db
    .selectDistinct({ matterId: outcome.matterId, code: typeCode })
    .from(outcome)
    .where(inArray(typeCode, [...codes]));
  const ids = [...new Set(rows.map(({ matterId }) => matterId))];
  const matters = await findMatters(db, ids);
  const periods = new Map(
    matters.map((matter, i) => [ids[i], matter ? buildDelegationFact(matter, []).delegations : []]),
  );
  return codes.map((code) =>
    rows.filter((row) => row.code === code).map(({ matterId }) => periods.get(matterId) ?? []),
  );
}
