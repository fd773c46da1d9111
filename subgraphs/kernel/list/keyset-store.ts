import { count, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import {
  type CountedPage,
  idPart,
  type KeyValue,
  type ListOrder,
  MAX_COUNTED_ROWS,
  type OrderKey,
  type Page,
  type PageRequest,
  reverse,
  serialPart,
} from './page.ts';

/** Pages of a table by its columns: condition, order and limit follow from the order of the list. */

/** A column or expression by which rows are ordered. It is never null. */
export interface ColumnKey<Row> extends OrderKey<Row> {
  column: SQLWrapper;
}

/** An order by columns. An index on them, or on the columns of the filter and them, makes a page cheap. */
export interface ColumnOrder<Row> extends ListOrder<Row> {
  keys: readonly ColumnKey<Row>[];
}

/** A request for a page of a table. */
export type KeysetRequest = PageRequest<ColumnOrder<never>>;

/** What a statement adds to its own conditions to select a page. */
export interface Keyset {
  condition: SQL | undefined;
  orderBy: SQL[];
  limit: number;
}

/** The order by a `serial` column, which is the order of entry. */
export function bySerial<Row = { serial: number }>(
  name: string,
  column: SQLWrapper,
  direction: 'ASC' | 'DESC',
  readValue: (row: Row) => number = (row) => (row as { serial: number }).serial,
): ColumnOrder<Row> {
  return { name, direction, keys: [{ column, part: serialPart, readValue }] };
}

/** The order by a unique text. */
export function byText<Row>(name: string, column: SQLWrapper, readValue: (row: Row) => string): ColumnOrder<Row> {
  return { name, direction: 'ASC', keys: [{ column, part: idPart, readValue }] };
}

/**
 * Selects a page. `select` runs one statement and returns its rows in the order of the keyset. It is called again for
 * one row on the other side of the cursor, if there is a cursor.
 */
export async function selectPage<Row>(
  page: KeysetRequest,
  select: (keyset: Keyset) => PromiseLike<readonly Row[]>,
): Promise<Page<Row>> {
  const rows = await select(buildKeyset(page));
  const opposite = buildOpposite(page);
  return cutPage(rows, page, opposite !== null && (await select(opposite)).length > 0);
}

/**
 * Selects a page like `selectPage` of a list whose rows callers may count. `select` returns a statement that has not
 * run yet, as drizzle's builders do.
 */
export async function selectCountedPage<Row>(
  db: Reader,
  page: KeysetRequest,
  select: (keyset: Keyset) => PromiseLike<readonly Row[]> & SQLWrapper,
): Promise<CountedPage<Row>> {
  const countAll = async () => {
    const all = select({ condition: undefined, orderBy: [], limit: MAX_COUNTED_ROWS + 1 });
    const [counted] = await db.select({ total: count() }).from(sql`(${all}) as counted`);
    const total = counted?.total ?? 0;
    return total > MAX_COUNTED_ROWS ? null : total;
  };
  return { ...(await selectPage(page, select)), countAll };
}

/**
 * Selects a page of the list of each parent, in the order of `parents`. `select` limits the rows of each parent, and
 * returns those of all parents.
 */
export async function selectPages<Row>(
  page: KeysetRequest,
  parents: { ids: readonly string[]; idOf: (row: Row) => string },
  select: (keyset: Keyset) => PromiseLike<readonly Row[]>,
): Promise<Page<Row>[]> {
  const rows = Map.groupBy(await select(buildKeyset(page)), parents.idOf);
  const opposite = buildOpposite(page);
  const others = Map.groupBy(opposite === null ? [] : await select(opposite), parents.idOf);
  return parents.ids.map((id) => cutPage(rows.get(id) ?? [], page, others.has(id)));
}

/** Cuts a page from its rows and one more. */
function cutPage<Row>(rows: readonly Row[], request: KeysetRequest, hasOpposite: boolean): Page<Row> {
  const { count, isBackward, day = null } = request;
  const cut = rows.slice(0, count);
  const hasMore = rows.length > count;
  return isBackward
    ? { rows: cut.reverse(), hasNextPage: hasOpposite, hasPreviousPage: hasMore, day }
    : { rows: cut, hasNextPage: hasMore, hasPreviousPage: hasOpposite, day };
}

function buildKeyset({ order: { keys, direction }, count, isBackward, cursor }: KeysetRequest): Keyset {
  const towards = isBackward ? reverse(direction) : direction;
  const operator = towards === 'ASC' ? sql`>` : sql`<`;
  return {
    condition:
      cursor === null ? undefined : sql`${tuple(keys.map(({ column }) => column))} ${operator} ${bind(cursor)}`,
    orderBy: keys.map(({ column }) => (towards === 'ASC' ? sql`${column} asc` : sql`${column} desc`)),
    limit: count + 1,
  };
}

/** Returns the keyset of the one row that a page's cursor names or leaves behind, or null without a cursor. */
function buildOpposite({ order: { keys, direction }, isBackward, cursor }: KeysetRequest): Keyset | null {
  if (cursor === null) return null;
  const towards = isBackward ? direction : reverse(direction);
  const operator = towards === 'ASC' ? sql`>=` : sql`<=`;
  return {
    condition: sql`${tuple(keys.map(({ column }) => column))} ${operator} ${bind(cursor)}`,
    orderBy: keys.map(({ column }) => (towards === 'ASC' ? sql`${column} asc` : sql`${column} desc`)),
    limit: 1,
  };
}

function bind(cursor: readonly KeyValue[]): SQL {
  return tuple(cursor.map((value) => sql`${value instanceof Date ? value.toISOString() : value}`));
}

function tuple(values: readonly SQLWrapper[]): SQL {
  return values.length === 1 ? sql`${values[0]}` : sql`(${sql.join([...values], sql`, `)})`;
}
