import { and, asc, desc, gt, inArray, lt, lte } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { cutPage, type Page, type PageRequest } from '../../kernel/page.ts';
import type { MatterChange } from './import.ts';
import { delegationChange, delegationImport } from './tables.ts';

/** An imported list. */
export type Entry = typeof delegationImport.$inferSelect;

/** Records an import with everything it changed. */
export async function addEntry(
  tx: Transaction,
  entry: Omit<Entry, 'id' | 'serial'>,
  changes: readonly MatterChange[],
): Promise<Entry> {
  const [made] = await tx
    .insert(delegationImport)
    .values({ ...entry, id: crypto.randomUUID() })
    .returning();
  if (!made) throw new Error('no import recorded');
  await tx.insert(delegationChange).values(changes.map((change, i) => ({ ...change, importId: made.id, seq: i + 1 })));
  return made;
}

/** Returns a page of imports, newest first. */
export async function listEntries(db: Reader, page: PageRequest<number>): Promise<Page<Entry>> {
  const rows = await db
    .select()
    .from(delegationImport)
    .where(page.after === null ? undefined : lt(delegationImport.serial, page.after))
    .orderBy(desc(delegationImport.serial))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

/** Returns for each import a page of its changes, in the order of their lines. The cursor is a change's `seq`. */
export async function listChanges(
  db: Reader,
  importIds: readonly string[],
  page: PageRequest<number>,
): Promise<Page<MatterChange & { seq: number }>[]> {
  const after = page.after ?? 0;
  const rows = await db
    .select()
    .from(delegationChange)
    .where(
      and(
        inArray(delegationChange.importId, [...importIds]),
        gt(delegationChange.seq, after),
        lte(delegationChange.seq, after + page.first + 1),
      ),
    )
    .orderBy(asc(delegationChange.seq));
  const byImport = Map.groupBy(rows, (row) => row.importId);
  return importIds.map((id) => cutPage(byImport.get(id) ?? [], page.first));
}
