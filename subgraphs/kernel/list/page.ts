import { GraphQLError } from 'graphql';
import { type Day, isDay } from '../day.ts';
import { findTextProblem, type TextRule } from '../text.ts';

/** Maximum number of rows in a page. */
export const MAX_PAGE_ROWS = 100;

/** Number of rows in a page whose request states none. */
export const DEFAULT_PAGE_ROWS = 20;

/** A page: rows in the order of their list, and whether others lie beyond its ends. */
export interface Page<Row> {
  rows: readonly Row[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  /** The day on which the list was first asked for, if what it holds depends on the day. Its cursors say it. */
  day?: Day | null;
}

/** Rows are counted up to this number, so that a count has a bounded price. */
export const MAX_COUNTED_ROWS = 10_000;

/** A page without rows of an empty list. */
export const EMPTY_PAGE: Page<never> = { rows: [], hasNextPage: false, hasPreviousPage: false };

/** A page of a list whose rows can be counted. */
export interface CountedPage<Row> extends Page<Row> {
  /** Returns the number of all rows of the list, or null if there are more than MAX_COUNTED_ROWS. */
  countAll: () => Promise<number | null>;
}

/** A request for the `count` rows of a list after the position `cursor`, or before it. */
export interface PageRequest<Order = ListOrder<never>> {
  order: Order;
  count: number;
  isBackward: boolean;
  /** The values of the order's keys. Null: the page begins at the start of the list, or ends at its end. */
  cursor: readonly KeyValue[] | null;
  /** The day that the cursor pins: that of the first page. Null if what the list holds does not depend on the day. */
  day?: Day | null;
}

/** The arguments of a list. */
export interface PageArguments {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}

/** A connection as every schema of the hub declares it. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/** A connection with `totalCount`, which is counted only for those who ask. @public by codegen.ts */
export type CountedConnection<Node> = Connection<Node> & Pick<CountedPage<never>, 'countAll'>;

/** A value by which rows are ordered. */
export type KeyValue = number | string | Date;

/** How one value of a position is written in a cursor. */
export interface CursorPart<Value> {
  write(value: Value): string;
  /** Returns null for a text that no cursor holds. */
  read(text: string): Value | null;
}

/** The part for a number from 0 with up to `maxDigits` digits. */
export function numberPart(maxDigits: number): CursorPart<number> {
  return { write: String, read: (text) => (text.length <= maxDigits && /^\d+$/.test(text) ? Number(text) : null) };
}

/** The part for a text that matches `pattern`. */
export function textPart(pattern: RegExp): CursorPart<string> {
  return { write: (text) => text, read: (text) => (pattern.test(text) ? text : null) };
}

/** The part for a `serial` column, a bigint. A column of integers takes at most 9 digits. */
export const serialPart = numberPart(15);

/** The part for an id. */
export const idPart = textPart(/^.{1,500}$/u);

/** The part for a day. */
export const dayPart: CursorPart<string> = {
  write: (day) => day,
  read: (text) => (isDay(text) ? text : null),
};

/** The part for an instant of the years 1 to 9999, in milliseconds. */
export const instantPart: CursorPart<Date> = {
  write: (instant) => instant.toISOString(),
  read(text) {
    const instant = new Date(/^(?!0000)\d{4}-/.test(text) ? text : Number.NaN);
    return !Number.isNaN(instant.getTime()) && instant.toISOString() === text ? instant : null;
  },
};

/** The part for an instant in microseconds, as text: `2026-01-31T01:00:00.000000Z`. */
export const microsecondPart: CursorPart<string> = {
  write: (text) => text,
  read: (text) => (/\.\d{6}Z$/.test(text) && instantPart.read(text.replace(/\d{3}Z$/, 'Z')) ? text : null),
};

/** One value by which a list is ordered. */
export interface OrderKey<Row> {
  part: CursorPart<KeyValue>;
  readValue(row: Row): KeyValue;
}

/** An order of a list. Its keys together tell every two rows apart, and all run in one direction. */
export interface ListOrder<Row> {
  /** Stands in each cursor, so that no other list or order takes it. Null: readers keep the cursors across releases. */
  name: string | null;
  direction: 'ASC' | 'DESC';
  keys: readonly OrderKey<Row>[];
}

/** Returns the opposite of an order's direction. */
export function reverse(direction: 'ASC' | 'DESC'): 'ASC' | 'DESC' {
  return direction === 'ASC' ? 'DESC' : 'ASC';
}

/**
 * Reads the arguments of a list. Without `first` and `last` a page has DEFAULT_PAGE_ROWS. Throws BAD_USER_INPUT for a
 * count that is not 1 to MAX_PAGE_ROWS, for a cursor that is not of this order, and for arguments of both directions.
 * With `today`, what the list holds depends on the day: its cursors pin the day of the first page, so that a walk over
 * midnight stays consistent.
 */
export function readPage<Order extends ListOrder<never>>(
  args: PageArguments,
  order: Order,
  today: Day | null = null,
): PageRequest<Order> {
  const first = readCount(args.first, 'first');
  const last = readCount(args.last, 'last');
  const after = readCursor(args.after, order, 'after', today);
  const before = readCursor(args.before, order, 'before', today);
  if (first !== null && last !== null) throw buildInputError('first 与 last 不能同时使用。', 'last');
  if (after !== null && before !== null) throw buildInputError('after 与 before 不能同时使用。', 'before');
  if (first !== null && before !== null) throw buildInputError('before 须与 last 同用，不能与 first 同用。', 'before');
  if (last !== null && after !== null) throw buildInputError('after 须与 first 同用，不能与 last 同用。', 'after');
  return {
    order,
    count: first ?? last ?? DEFAULT_PAGE_ROWS,
    isBackward: last !== null || before !== null,
    cursor: (after ?? before)?.values ?? null,
    day: (after ?? before)?.day ?? today,
  };
}

/** Returns a text that is the same for equal requests of one list: loaders are named by it. */
export function describePage({ order, count, isBackward, cursor, day = null }: PageRequest): string {
  return JSON.stringify([order.name, count, isBackward, cursor, day]);
}

function readCount(count: number | null | undefined, argument: string): number | null {
  if (count === null || count === undefined) return null;
  if (Number.isInteger(count) && count >= 1 && count <= MAX_PAGE_ROWS) return count;
  throw buildInputError(`${argument} 须为 1 至 ${MAX_PAGE_ROWS} 的整数。`, argument);
}

/** A cursor holds ids and times. Its parts reach the database, so they follow the rule for text. */
const CURSOR_PART: TextRule = { form: 'LINE', maxChars: 500 };

function isCursorPart(part: unknown): part is string {
  return typeof part === 'string' && findTextProblem(part, CURSOR_PART) === null;
}

/** A position in a list. */
interface Position {
  values: readonly KeyValue[];
  /** The day that the cursor pins, or null. */
  day: Day | null;
}

/** Returns the position that a cursor names, or null if the argument is absent or empty. */
function readCursor(
  cursor: string | null | undefined,
  order: ListOrder<never>,
  argument: string,
  today: Day | null,
): Position | null {
  if (cursor === null || cursor === undefined || cursor === '') return null;
  const position = parseCursor(cursor, order, today);
  if (position === null) throw buildInputError(`${argument} 不是本列表按此顺序给出的游标。`, argument);
  return position;
}

function parseCursor(cursor: string, { name, keys }: ListOrder<never>, today: Day | null): Position | null {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
  if (!Array.isArray(parts) || !parts.every(isCursorPart)) return null;
  const texts = name === null ? parts : parts.slice(1);
  // A cursor of a release before the pin has no day. It counts from today.
  const day = today !== null && texts.length === keys.length + 1 ? texts.pop() : today;
  if ((name !== null && parts[0] !== name) || texts.length !== keys.length) return null;
  if (day === undefined || (day !== null && (!isDay(day) || (today !== null && day > today)))) return null;
  const values = keys.flatMap(({ part }, i) => part.read(texts[i] ?? '') ?? []);
  return values.length === keys.length ? { values, day } : null;
}

function writeCursor<Row>({ name, keys }: ListOrder<Row>, row: Row, day: Day | null): string {
  const texts = keys.map((key) => key.part.write(key.readValue(row)));
  if (day !== null) texts.push(day);
  return Buffer.from(JSON.stringify(name === null ? texts : [name, ...texts])).toString('base64url');
}

/** Cuts a page from all rows of a list, which are in its order. */
export function cutRows<Row>(rows: readonly Row[], page: PageRequest<ListOrder<NoInfer<Row>>>): Page<Row> {
  const { order, count, isBackward, cursor, day = null } = page;
  const rank = (row: Row) => (cursor === null ? (isBackward ? -1 : 1) : comparePosition(order, row, cursor));
  const reached = rows.findIndex((row) => (isBackward ? rank(row) >= 0 : rank(row) > 0));
  const bound = reached < 0 ? rows.length : reached;
  const [start, end] = isBackward ? [Math.max(0, bound - count), bound] : [bound, bound + count];
  return { rows: rows.slice(start, end), hasPreviousPage: start > 0, hasNextPage: end < rows.length, day };
}

/** Returns a number below 0 if a row stands before a position in the order of its list, above 0 if after it. */
function comparePosition<Row>({ direction, keys }: ListOrder<Row>, row: Row, position: readonly KeyValue[]): number {
  for (const [i, key] of keys.entries()) {
    const [value, bound] = [key.readValue(row), position[i] ?? ''];
    if (value < bound) return direction === 'ASC' ? -1 : 1;
    if (value > bound) return direction === 'ASC' ? 1 : -1;
  }
  return 0;
}

/** Converts a page of an order into a connection. */
export function toConnection<Row, Node>(
  page: Page<Row>,
  order: ListOrder<NoInfer<Row>>,
  node: (row: NoInfer<Row>) => Node,
): Connection<Node> {
  const edges = page.rows.map((row) => ({ cursor: writeCursor(order, row, page.day ?? null), node: node(row) }));
  const { hasNextPage, hasPreviousPage } = page;
  const [startCursor, endCursor] = [edges[0]?.cursor ?? null, edges.at(-1)?.cursor ?? null];
  return { edges, pageInfo: { hasNextPage, hasPreviousPage, startCursor, endCursor } };
}

/** Converts a page of a list that can be counted into a connection. */
export function toCountedConnection<Row, Node>(
  page: CountedPage<Row>,
  order: ListOrder<NoInfer<Row>>,
  node: (row: NoInfer<Row>) => Node,
): CountedConnection<Node> {
  return { ...toConnection(page, order, node), countAll: page.countAll };
}

/** Builds the error for a wrong argument. `argument` is the path of the value, for example `input.fields[0].text`. */
export function buildInputError(message: string, argument: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument } });
}
