import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Grant } from '../seal.ts';
import { sealEvent, sealGrant, sealGrantWithdrawal } from '../tables.ts';

/** Grants of seals (用印授权), and which seals the hub made itself. */

/** A grant of a seal before it has an id. */
export type NewGrant = Omit<Grant, 'id'>;

export async function insertGrants(tx: Transaction, sealId: string, grants: readonly NewGrant[]): Promise<void> {
  if (grants.length === 0) return;
  await tx.insert(sealGrant).values(
    grants.map(({ matter, person, from, to }) => ({
      ...{ sealId, matterId: matter, personId: person, validFrom: from, validTo: to },
    })),
  );
}

export async function withdrawGrants(tx: Transaction, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length > 0) await tx.insert(sealGrantWithdrawal).values(ids.map((grantId) => ({ grantId, at })));
}

/** Returns those of `ids` whose seal the hub made itself, and not a person's approved application. */
export async function listMadeByHub(db: Reader, ids: readonly string[]): Promise<Set<string>> {
  const isMade = and(inArray(sealEvent.sealId, [...ids]), eq(sealEvent.event, 'MADE'), isNull(sealEvent.actorId));
  const rows = await db.select({ id: sealEvent.sealId }).from(sealEvent).where(isMade);
  return new Set(rows.map(({ id }) => id));
}

/** Returns those of `matters` for which a seal was never granted. A withdrawn grant counts as granted. */
export async function listNeverGranted(db: Reader, sealId: string, matters: readonly string[]): Promise<string[]> {
  const rows = await db.select({ matter: sealGrant.matterId }).from(sealGrant).where(eq(sealGrant.sealId, sealId));
  const granted = new Set(rows.map((row) => row.matter));
  return matters.filter((matter) => !granted.has(matter));
}
