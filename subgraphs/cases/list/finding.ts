import type { Day } from '../../kernel/day.ts';
import { splitPeriod } from '../../kernel/finding/keys.ts';

/** The keys of the index of cases (`cases.find_keys` in the database): see kernel/finding/keys.ts. */

/** Returns the key that a case of a matter has in a scope. */
export function keyOfMatter(scope: string, matterId: string): string {
  return `${scope}|s:${matterId}`;
}

/** No case of the hub is older. */
const FIRST_YEAR = 2020;

/**
 * Returns the keys of which a case has one in a scope if it was received in a period: whole months and single days.
 * An open end is the first year of the hub, or `today`. Returns [] for an empty period.
 */
export function keysOfPeriod(scope: string, from: Day | null, to: Day | null, today: Day): string[] {
  const first = from !== null && from > `${FIRST_YEAR}-01-01` ? from : `${FIRST_YEAR}-01-01`;
  const last = to !== null && to < today ? to : today;
  return splitPeriod(first, last).map(
    (part) => `${scope}|${part.length === 'YYYY-MM'.length ? 'm' : 'd'}:${part.replaceAll('-', '')}`,
  );
}
