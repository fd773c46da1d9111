import { asc, inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { sealFact } from '../tables.ts';

export type SealFactRow = typeof sealFact.$inferSelect;

/** Lists the seals of organs, in the order of their ids. */
export function listSealFacts(db: Reader, organs: readonly string[]): Promise<SealFactRow[]> {
  return db
    .select()
    .from(sealFact)
    .where(inArray(sealFact.organ, [...organs]))
    .orderBy(asc(sealFact.sealId))
    .execute();
}

export async function storeSealFact(tx: Transaction, fact: EventPayload<'SealChanged'>): Promise<void> {
  const { sealId, organ, name, kind, state, grants, requiredSince } = fact;
  const row = {
    sealId,
    organ,
    name,
    kind,
    state,
    grants,
    validFrom: new Date(fact.validFrom),
    validUntil: new Date(fact.validUntil),
    requiredSince: requiredSince ? new Date(requiredSince) : null,
  };
  await tx.insert(sealFact).values(row).onConflictDoUpdate({ target: sealFact.sealId, set: row });
}
