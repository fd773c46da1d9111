import { and, asc, desc, gt, inArray, lt, lte } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { cutPage, type Page, type PageRequest } from '../../kernel/http/page.ts';
import type { MatterChange } from './import.ts';
import { delegationChange, delegationImport } from './tables.ts';

/** An imported list. */
export type ImportEntry = typeof delegationImport.$inferSelect;

/** Records an import with everything it changed. */
export async function insertEntry(
  tx: Transaction,
  entry: Omit<ImportEntry, 'id' | 'serial'>,
  changes: readonly MatterChange[],
): Promise<ImportEntry> {
  const [entryRow] = await tx
    .insert(delegationImport)
    .values({ ...entry, id: crypto.randomUUID() })
    .returning();
  if (!entryRow) throw new Error('no import recorded');
  await tx
    .insert(delegationChange)
    .values(changes.map((change, i) => ({ ...change, importId: entryRow.id, seq: i + 1 })));
  return entryRow;
}

/** Returns a page of imports, newest first. */
export async function listEntries(db: Reader, page: PageRequest<number>): Promise<Page<ImportEntry>> {
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
