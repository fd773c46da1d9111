import { GraphQLError } from 'graphql';
import { findTextProblem, type TextRule } from '../text.ts';

/** Maximum number of rows in a page. */
export const MAX_PAGE_ROWS = 100;

/** A keyset page: the rows after a position, and whether more follow. */
export interface Page<Row> {
  rows: readonly Row[];
  hasNextPage: boolean;
}

/** A request for `first` rows after `after`, a position from an earlier page. */
export interface PageRequest<Position> {
  first: number;
  after: Position | null;
}

/** A connection as every schema of the hub declares it. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

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

/** How the cursors of a list are written: each is the position of a row in the order of the list. */
export interface CursorFormat<Position> {
  write(position: Position): readonly string[];
  read(parts: readonly string[]): Position | null;
}

/** Cursors of a list that is ordered by one value. */
export function byValue<Value>(part: CursorPart<Value>): CursorFormat<Value> {
  return {
    write: (value) => [part.write(value)],
    read: ([text, ...rest]) => (text === undefined || rest.length > 0 ? null : part.read(text)),
  };
}

/** Cursors of a list that is ordered by several values, in the order of `parts`. */
export function byValues<Position extends object>(
  parts: { [Name in keyof Position]: CursorPart<Position[Name]> },
): CursorFormat<Position> {
  const names = Object.keys(parts) as (keyof Position)[];
  return {
    write: (position) => names.map((name) => parts[name].write(position[name])),
    read(texts) {
      if (texts.length !== names.length) return null;
      const values = names.map((name, i) => parts[name].read(texts[i] ?? ''));
      if (values.includes(null)) return null;
      return Object.fromEntries(names.map((name, i) => [name, values[i]])) as Position;
    },
  };
}

/** Cursors of a list that is ordered by a `serial` column. */
export const BY_SERIAL = byValue(serialPart);

/** Cursors of a list that is ordered by an id. */
export const BY_ID = byValue(idPart);

/**
 * Reads `first` and `after`. Throws BAD_USER_INPUT unless 1 ≤ first ≤ MAX_PAGE_ROWS and `after` is a cursor of this
 * `format`.
 */
export function readPage<Position>(
  args: { first: number; after?: string | null | undefined },
  format: CursorFormat<Position>,
): PageRequest<Position> {
  if (!Number.isInteger(args.first) || args.first < 1 || args.first > MAX_PAGE_ROWS) {
    throw buildInputError(`first 须为 1 至 ${MAX_PAGE_ROWS} 的整数。`, 'first');
  }
  if (args.after === null || args.after === undefined || args.after === '') return { first: args.first, after: null };
  const position = readCursor(args.after, format);
  if (position === null) throw buildInputError('after 不是本列表给出的游标。', 'after');
  return { first: args.first, after: position };
}

/** A cursor holds ids and times. Its parts reach the database, so they follow the rule for text. */
const CURSOR_PART: TextRule = { form: 'LINE', maxChars: 500 };

function isCursorPart(part: unknown): part is string {
  return typeof part === 'string' && findTextProblem(part, CURSOR_PART) === null;
}

function readCursor<Position>(cursor: string, format: CursorFormat<Position>): Position | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(parts) || !parts.every(isCursorPart)) return null;
    return format.read(parts);
  } catch {
    return null;
  }
}

/** Cuts a page from up to `first + 1` rows. The extra row tells whether more follow. */
export function cutPage<Row>(rows: readonly Row[], first: number): Page<Row> {
  return { rows: rows.slice(0, first), hasNextPage: rows.length > first };
}

/** Converts a page into a connection. The cursor of a row is its position in this `format`. */
export function toConnection<Row, Position, Node>(
  page: Page<Row>,
  format: CursorFormat<Position>,
  position: (row: Row) => Position,
  node: (row: Row) => Node,
): Connection<Node> {
  const writeCursor = (row: Row) => Buffer.from(JSON.stringify(format.write(position(row)))).toString('base64url');
  const edges = page.rows.map((row) => ({ cursor: writeCursor(row), node: node(row) }));
  return { edges, pageInfo: { hasNextPage: page.hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } };
}

/** Builds the error for a wrong argument. `argument` is the path of the value, for example `input.fields[0].text`. */
export function buildInputError(message: string, argument: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument } });
}
