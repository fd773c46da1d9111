import { type Day, isDay } from '../day.ts';
import { foldText, listPairs } from './fold.ts';

/**
 * The keys of an index by which a list finds its rows (`find_keys` in the database). Each key begins with who may see
 * the row: an organ, a window, or the auditors. So a search never touches a row that its list would not show, and
 * neither its result nor its work tells of one.
 */

/** The scope of whoever sees all rows. */
export const EVERYBODY = '*';

/** Returns the scope of a window, by its division. */
export const windowScope = (division: string): string => `w:${division}`;

/** Fewest characters to look for: an index holds pairs. */
export const MIN_FIND_CHARS = 2;

/** Returns the keys that a row has in a scope if one of its texts contains a folded text. */
export function keysOfText(scope: string, folded: string): string[] {
  return listPairs(folded).map((pair) => `${scope}|${pair}`);
}

/** Returns a text folded, or null if it is too short to look for. */
export function foldQuery(text: string): string | null {
  const folded = foldText(text);
  return [...folded].length < MIN_FIND_CHARS ? null : folded;
}

/** Returns the parts of a period: whole months and single days, in their order. Returns [] for an empty period. */
export function splitPeriod(first: Day, last: Day): string[] {
  const parts: string[] = [];
  for (let day = first; day <= last && isDay(day); ) {
    const month = day.slice(0, 7);
    const next = nextMonth(month);
    const isWhole = day.endsWith('-01') && shift(`${next}-01`, -1) <= last;
    parts.push(isWhole ? month : day);
    day = isWhole ? `${next}-01` : shift(day, 1);
  }
  return parts;
}

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}

function shift(day: Day, days: number): Day {
  const noon = new Date(`${day}T12:00:00Z`);
  noon.setUTCDate(noon.getUTCDate() + days);
  return noon.toISOString().slice(0, 10);
}
