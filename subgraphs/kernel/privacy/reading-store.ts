import { and, desc, eq, getTableColumns, gt, gte, inArray, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Database, Reader, Transaction } from '../../../db/client.ts';
import { bySerial, type ColumnOrder, type KeysetRequest, selectPage } from '../list/keyset-store.ts';
import type { Page } from '../list/page.ts';
import { isInScope } from '../organ/place-store.ts';
import type { ReadScope } from '../policy.ts';
import type { Purpose } from './purpose.ts';
import type { Reading, ReadingObject, ReadingScope } from './reading.ts';
import type { ReadingTable } from './reading-tables.ts';

export type ReadingRow = ReadingTable['$inferSelect'];

/** Records a reading. A hand-over that is recorded already is not recorded again. */
export async function addReading(db: Database | Transaction, table: ReadingTable, reading: Reading): Promise<void> {
  await db.insert(table).values(reading).onConflictDoNothing({ target: table.delivery });
}

/**
 * Returns how many searches by a code a person made since `since` that found nothing. The searches of one person wait
 * for each other until the transaction ends, so that concurrent ones count too.
 */
export async function lockEmptySearches(
  tx: Transaction,
  table: ReadingTable,
  personId: string,
  since: Date,
): Promise<number> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`code searches of ${personId}`}, 0))`);
  return tx.$count(
    table,
    and(eq(table.readerId, personId), eq(table.object, 'CODE_SEARCH'), eq(table.subject, ''), gt(table.at, since)),
  );
}

export interface ReadingFilter {
  /** Null: all. */
  subjects: readonly string[] | null;
  object: ReadingObject | null;
  purpose: Purpose | null;
  /** Id of the reader. */
  person: string | null;
  /** The organs of the readers. Null: all. */
  organs: ReadScope;
  /** From this time on, and before `to`. */
  from: Date | null;
  to: Date | null;
}

/** SQL condition for the readings whose record a person sees. */
function isVisible(table: ReadingTable, scope: ReadingScope): SQL | undefined {
  if (scope.all) return undefined;
  return or(
    scope.holderCode === null ? undefined : eq(table.holderCode, scope.holderCode),
    isInScope(table.organ, scope.organs),
    sql`false`,
  );
}

/**
 * SQL condition for the readings of one person. Who does not learn which person read cannot ask for one either: the
 * same rule as `showsReader`.
 */
function isReadBy(table: ReadingTable, scope: ReadingScope, person: string): SQL | undefined {
  if (scope.all) return eq(table.readerId, person);
  return and(eq(table.readerId, person), isInScope(table.organ, scope.organs));
}

/** The order of a list of readings, newest first. `name` is that of the list. */
export function readingOrder(name: string, table: ReadingTable): ColumnOrder<ReadingRow> {
  return bySerial(name, table.serial, 'DESC');
}

/** Returns a page of readings. */
export function listReadings(
  db: Reader,
  table: ReadingTable,
  scope: ReadingScope,
  filter: ReadingFilter,
  page: KeysetRequest,
): Promise<Page<ReadingRow>> {
  const { subjects, object, purpose, person, organs, from, to } = filter;
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(table)
      .where(
        and(
          isVisible(table, scope),
          subjects === null ? undefined : inArray(table.subject, [...subjects]),
          object === null ? undefined : eq(table.object, object),
          purpose === null ? undefined : eq(table.purpose, purpose),
          person === null ? undefined : isReadBy(table, scope, person),
          isInScope(table.organ, organs),
          from === null ? undefined : gte(table.at, from),
          to === null ? undefined : lt(table.at, to),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Returns the reading with this number of the record, or null. */
export async function findReading(db: Reader, table: ReadingTable, serial: string): Promise<ReadingRow | null> {
  const [row] = /^[1-9]\d{0,14}$/.test(serial)
    ? await db
        .select()
        .from(table)
        .where(eq(table.serial, Number(serial)))
    : [];
  return row ?? null;
}

/** Most readings shown with one case or license. The list of all has the others. */
const MAX_SHOWN_READINGS = 50;

/** Returns the newest readings of each subject that a person sees, newest first. Runs one query. */
export async function findReadings(
  db: Reader,
  table: ReadingTable,
  scope: ReadingScope,
  subjects: readonly string[],
): Promise<Map<string, ReadingRow[]>> {
  const place = sql<number>`row_number() over (partition by ${table.subject} order by ${table.serial} desc)`.as(
    'place',
  );
  const ranked = db
    .select({ serial: table.serial, place })
    .from(table)
    .where(and(inArray(table.subject, [...subjects]), isVisible(table, scope)))
    .as('ranked');
  const rows = await db
    .select(getTableColumns(table))
    .from(table)
    .innerJoin(ranked, eq(ranked.serial, table.serial))
    .where(lte(ranked.place, MAX_SHOWN_READINGS))
    .orderBy(desc(table.serial));
  return Map.groupBy(rows, (row) => row.subject);
}
