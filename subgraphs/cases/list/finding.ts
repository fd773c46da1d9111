import { type Day, isDay } from '../../kernel/day.ts';
import { foldText, listPairs } from '../../kernel/finding/fold.ts';

/**
 * The keys of the index of cases (`cases.find_keys` in the database). Each key begins with who may see the case: an
 * organ, a window, or the auditors. So a search never touches a case that its list would not show, and neither its
 * result nor its work tells of one.
 */

/** The scope of whoever sees all cases. */
export const EVERYBODY = '*';

/** Returns the scope of a window, by its division. */
export const windowScope = (division: string): string => `w:${division}`;

/** Fewest characters to look for: the index holds pairs. */
export const MIN_FIND_CHARS = 2;

/** Returns the keys that a case has in a scope if its number or applicant's name contains a folded text. */
export function keysOfText(scope: string, folded: string): string[] {
  return listPairs(folded).map((pair) => `${scope}|${pair}`);
}

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
  const keys: string[] = [];
  for (let day = first; day <= last && isDay(day); ) {
    const month = day.slice(0, 7);
    const next = nextMonth(month);
    const isWhole = day.endsWith('-01') && dayBeforeMonth(next) <= last;
    keys.push(isWhole ? `${scope}|m:${month.replace('-', '')}` : `${scope}|d:${day.replaceAll('-', '')}`);
    day = isWhole ? `${next}-01` : dayAfter(day);
  }
  return keys;
}

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}

function dayAfter(day: Day): Day {
  return shift(day, 1);
}

function dayBeforeMonth(month: string): Day {
  return shift(`${month}-01`, -1);
}

function shift(day: Day, days: number): Day {
  const noon = new Date(`${day}T12:00:00Z`);
  noon.setUTCDate(noon.getUTCDate() + days);
  return noon.toISOString().slice(0, 10);
}

/** Returns a text folded, or null if it is too short to look for. */
export function foldQuery(text: string): string | null {
  const folded = foldText(text);
  return [...folded].length < MIN_FIND_CHARS ? null : folded;
}
