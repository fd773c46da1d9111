import { GraphQLError } from 'graphql';

/** The most rows one page may hold. */
export const PAGE_LIMIT = 100;

/** A keyset page: rows after a position, and whether more follow. */
export interface Page<Row> {
  rows: readonly Row[];
  hasNextPage: boolean;
}

/** What a caller asks for: `first` rows after `after`, a position that an earlier page gave. */
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
 * Reads `first` and `after`. Throws BAD_USER_INPUT unless 1 ≤ first ≤ PAGE_LIMIT and `after` is a cursor whose parts
 * `parse` accepts; `parse` answers null for parts that no page of this list could have given.
 */
export function readPage<Position>(
  args: { first: number; after?: string | null | undefined },
  parse: (parts: readonly string[]) => Position | null,
): PageRequest<Position> {
  if (!Number.isInteger(args.first) || args.first < 1 || args.first > PAGE_LIMIT) {
    throw badInput(`first 须为 1 至 ${PAGE_LIMIT} 的整数。`, 'first');
  }
  if (args.after === null || args.after === undefined || args.after === '') return { first: args.first, after: null };
  const position = parseCursor(args.after, parse);
  if (position === null) throw badInput('after 不是本列表给出的游标。', 'after');
  return { first: args.first, after: position };
}

function parseCursor<Position>(cursor: string, parse: (parts: readonly string[]) => Position | null): Position | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return null;
    return parse(parts);
  } catch {
    return null;
  }
}

/** Writes the cursor of a row from the parts of its position. */
export function writeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Cuts a page out of up to `first + 1` rows: one more than asked tells whether more follow. */
export function cutPage<Row>(rows: readonly Row[], first: number): Page<Row> {
  return { rows: rows.slice(0, first), hasNextPage: rows.length > first };
}

/** Turns a page into a connection. */
export function toConnection<Row, Node>(
  page: Page<Row>,
  position: (row: Row) => readonly string[],
  node: (row: Row) => Node,
): Connection<Node> {
  const edges = page.rows.map((row) => ({ cursor: writeCursor(position(row)), node: node(row) }));
  return { edges, pageInfo: { hasNextPage: page.hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } };
}

function badInput(message: string, argument: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument } });
}
