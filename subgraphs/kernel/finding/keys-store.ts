import { type SQL, type SQLWrapper, sql } from 'drizzle-orm';

/** Conditions of an index of keys, `text[]` with GIN: see keys.ts. */

/** SQL: an array of texts. */
export const toTextArray = (texts: readonly string[]): SQL =>
  sql`array[${sql.join(
    texts.map((text) => sql`${text}`),
    sql`, `,
  )}]::text[]`;

/** SQL: a row has all of the keys. */
export const hasAll = (rowKeys: SQLWrapper, keys: readonly string[]): SQL => sql`${rowKeys} @> ${toTextArray(keys)}`;

/** SQL: a row has one of the keys. */
export const hasAny = (rowKeys: SQLWrapper, keys: readonly string[]): SQL =>
  keys.length === 0 ? sql`false` : sql`${rowKeys} && ${toTextArray(keys)}`;

/** SQL: a folded text is a part of `text`. */
export const contains = (text: SQLWrapper, folded: string): SQL => sql`position(${folded} in ${text}) > 0`;

/** SQL: how well a folded text finds one of `texts`: 3 is one, 2 begins one, 1 is a part of one, 0 of none. */
export function worthOfTexts(texts: readonly SQLWrapper[], folded: string): SQL<number> {
  const any = (condition: (text: SQLWrapper) => SQL) => sql.join(texts.map(condition), sql` or `);
  return sql<number>`case when ${any((text) => sql`${text} = ${folded}`)} then 3
    when ${any((text) => sql`starts_with(${text}, ${folded})`)} then 2
    when ${any((text) => contains(text, folded))} then 1 else 0 end`;
}
