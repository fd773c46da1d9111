import { GraphQLError } from 'graphql';
import { findTextProblem, type TextRule } from './text.ts';

/** Maximum number of rows in a page. */
const MAX_PAGE_ROWS = 100;

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

/**
 * Reads `first` and `after`. Throws BAD_USER_INPUT unless 1 ≤ first ≤ MAX_PAGE_ROWS and `after` is a cursor whose parts
 * `parse` accepts. `parse` returns null for parts that no page of this list can contain.
 */
export function readPage<Position>(
  args: { first: number; after?: string | null | undefined },
  parse: (parts: readonly string[]) => Position | null,
): PageRequest<Position> {
  if (!Number.isInteger(args.first) || args.first < 1 || args.first > MAX_PAGE_ROWS) {
    throw buildInputError(`first 须为 1 至 ${MAX_PAGE_ROWS} 的整数。`, 'first');
  }
  if (args.after === null || args.after === undefined || args.after === '') return { first: args.first, after: null };
  const position = parseCursor(args.after, parse);
  if (position === null) throw buildInputError('after 不是本列表给出的游标。', 'after');
  return { first: args.first, after: position };
}

/** A cursor holds ids and times. Its parts reach the database, so they follow the rule for text. */
const CURSOR_PART: TextRule = { form: 'LINE', maxChars: 500 };

function isCursorPart(part: unknown): part is string {
  return typeof part === 'string' && findTextProblem(part, CURSOR_PART) === null;
}

function parseCursor<Position>(cursor: string, parse: (parts: readonly string[]) => Position | null): Position | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(parts) || !parts.every(isCursorPart)) return null;
    return parse(parts);
  } catch {
    return null;
  }
}

/** Encodes the parts of a row's position as its cursor. */
function writeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Cuts a page from up to `first + 1` rows. The extra row tells whether more follow. */
export function cutPage<Row>(rows: readonly Row[], first: number): Page<Row> {
  return { rows: rows.slice(0, first), hasNextPage: rows.length > first };
}

/** Converts a page into a connection. */
export function toConnection<Row, Node>(
  page: Page<Row>,
  position: (row: Row) => readonly string[],
  node: (row: Row) => Node,
): Connection<Node> {
  const edges = page.rows.map((row) => ({ cursor: writeCursor(position(row)), node: node(row) }));
  return { edges, pageInfo: { hasNextPage: page.hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } };
}

/** Builds the error for a wrong argument. `argument` is the path of the value, for example `input.fields[0].text`. */
export function buildInputError(message: string, argument: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument } });
}
