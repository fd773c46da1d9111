import { asc, inArray, type SQL } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import type { OrganName, Succession } from '../../kernel/organ/reform.ts';
import { organName, organReform, organSuccession } from './tables.ts';

/** Returns organs with their later names. An organ that was never renamed has no member for them. */
export async function addNames(db: Reader, organs: readonly OrganFact[]): Promise<OrganFact[]> {
  if (organs.length === 0) return [];
  const ids = organs.map(({ id }) => id);
  const rows = await db.select().from(organName).where(inArray(organName.organ, ids)).orderBy(asc(organName.serial));
  const byOrgan = Map.groupBy(rows, (row) => row.organ);
  return organs.map((organ) => {
    const own = byOrgan.get(organ.id);
    // Of two names from one day, the newer entry counts.
    const byDay = new Map(own?.map(({ name, validFrom }) => [validFrom, { name, from: validFrom }]));
    return own ? { ...organ, names: [...byDay.values()].toSorted((a, b) => (a.from < b.from ? -1 : 1)) } : organ;
  });
}

/** Returns every name that an organ got later. */
export async function listLaterNames(db: Reader): Promise<{ organ: string; name: string }[]> {
  return db.select({ organ: organName.organ, name: organName.name }).from(organName);
}

/** Returns the shares of former organs, in the order of their entry. */
export async function listShares(db: Reader, condition?: SQL): Promise<Succession[]> {
  const rows = await db.select().from(organSuccession).where(condition).orderBy(asc(organSuccession.serial));
  return rows.map(({ organ, successor, validFrom: from, matters }) => ({ organ, successor, from, matters }));
}

/** Records an imported list with the names and shares that it enters. */
export async function insertReform(
  tx: Transaction,
  entry: Omit<typeof organReform.$inferInsert, 'id'>,
  { renamed, ended }: { renamed: readonly (OrganName & { organ: string })[]; ended: readonly Succession[] },
): Promise<void> {
  const reformId = crypto.randomUUID();
  await tx.insert(organReform).values({ ...entry, id: reformId });
  const names = renamed.map(({ from: validFrom, ...name }) => ({ ...name, validFrom, reformId }));
  if (names.length > 0) await tx.insert(organName).values(names);
  const shares = ended.map(({ from: validFrom, matters, ...share }) => ({
    ...{ ...share, validFrom, reformId },
    matters: matters === null ? null : [...matters],
  }));
  if (shares.length > 0) await tx.insert(organSuccession).values(shares);
}
