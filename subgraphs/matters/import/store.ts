import { and, asc, eq, getTableColumns, inArray, lte, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import {
  bySerial,
  type ColumnOrder,
  type KeysetRequest,
  selectPage,
  selectPages,
} from '../../kernel/list/keyset-store.ts';
import { numberPart, type Page } from '../../kernel/list/page.ts';
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

/** The order of `delegationImports`. */
export const IMPORT_ORDER = bySerial('delegationImports', delegationImport.serial, 'DESC');

/** Returns an import, or null if there is none with this id. */
export async function findEntry(db: Reader, id: string): Promise<ImportEntry | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await db.select().from(delegationImport).where(eq(delegationImport.id, id));
  return row ?? null;
}

/** Returns a page of imports, newest first. */
export function listEntries(db: Reader, page: KeysetRequest): Promise<Page<ImportEntry>> {
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(delegationImport)
      .where(keyset.condition)
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** A change with its place in its import. */
export type PlacedChange = MatterChange & { importId: string; seq: number };

/** The order of the changes of an import: that of their lines. */
export const CHANGE_ORDER: ColumnOrder<PlacedChange> = {
  name: 'changes',
  direction: 'ASC',
  keys: [{ column: delegationChange.seq, part: numberPart(9), readValue: ({ seq }) => seq }],
};

/** Returns for each import a page of its changes. */
export function listChanges(
  db: Reader,
  importIds: readonly string[],
  page: KeysetRequest,
): Promise<Page<PlacedChange>[]> {
  const parents = { ids: importIds, idOf: ({ importId }: PlacedChange) => importId };
  return selectPages(page, parents, ({ condition, orderBy, limit }) => {
    const place = sql<number>`row_number() over (partition by ${delegationChange.importId} order by ${sql.join(orderBy, sql`, `)})`;
    const ranked = db
      .select({ ...getTableColumns(delegationChange), place: place.as('place') })
      .from(delegationChange)
      .where(and(inArray(delegationChange.importId, [...importIds]), condition))
      .as('ranked');
    return db.select().from(ranked).where(lte(ranked.place, limit)).orderBy(asc(ranked.place));
  });
}
