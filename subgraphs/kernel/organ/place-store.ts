import { type Column, inArray, type SQL, sql } from 'drizzle-orm';
import type { Person } from '../actor.ts';
import type { ReadScope } from '../policy.ts';
import { organsOf } from './place.ts';

/** SQL of places: the same rules as `kernel/organ/place.ts`, for lists. */

/** SQL: an array of texts. */
export function textArray(texts: readonly string[]): SQL {
  return texts.length === 0
    ? sql`array[]::text[]`
    : sql`array[${sql.join(
        texts.map((text) => sql`${text}`),
        sql`, `,
      )}]::text[]`;
}

/** SQL condition that a column of organs names one whose records a person reads. Undefined without an organ. */
export function isReadBy(column: Column, person: Pick<Person, 'organ' | 'inherits'>): SQL | undefined {
  const organs = organsOf(person);
  return organs.length === 0 ? undefined : sql`${column} && ${textArray(organs)}`;
}

/** SQL condition that a column names an organ of a scope. Undefined for every organ's records. */
export function isInScope(column: Column, scope: ReadScope): SQL | undefined {
  return scope === null ? undefined : inArray(column, [...scope]);
}
