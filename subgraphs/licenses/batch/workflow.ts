import type { Database } from '../../../db/client.ts';
import { currentDeadline } from '../../../db/deadline.ts';
import type { Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findTaskContents } from '../task/store.ts';
import { countDuplicates } from '../type/store.ts';

/** Lines of one call that run at the same time: two connections of eight, so that a batch holds nobody up. */
const LINES_AT_ONCE = 2;
/** No line begins when the request has less time left: a line that has begun is answered. */
const LAST_LINE_MS = 10_000;

/** What became of a line. NOT_REACHED: the time of the request was over before it began. Nothing of it was done. */
export type LineResult<Result> =
  | { state: 'DONE'; result: Result }
  | { state: 'REFUSED'; refusal: Refusal }
  | { state: 'FAILED'; error: unknown }
  | { state: 'NOT_REACHED' };

/**
 * Runs each line by itself, in their order and a few at a time, and returns what became of it. No line stops another
 * one. Begins no line when the time of the request is nearly over.
 */
export async function runLines<Line, Result>(
  lines: readonly Line[],
  run: (line: Line, index: number) => Promise<Result>,
): Promise<LineResult<Result>[]> {
  const results = lines.map((): LineResult<Result> => ({ state: 'NOT_REACHED' }));
  const waiting = lines.entries();
  const work = async () => {
    for (const [i, line] of waiting) {
      if (!hasTime()) return;
      results[i] = await runLine(() => run(line, i));
    }
  };
  await Promise.all(Array.from({ length: LINES_AT_ONCE }, work));
  return results;
}

function hasTime(): boolean {
  const deadline = currentDeadline();
  return deadline === null || deadline.remainingMs > LAST_LINE_MS;
}

async function runLine<Result>(run: () => Promise<Result>): Promise<LineResult<Result>> {
  try {
    return { state: 'DONE', result: await run() };
  } catch (error) {
    return error instanceof Refusal ? { state: 'REFUSED', refusal: error } : { state: 'FAILED', error };
  }
}

/** Returns how many duplicates the license of each case has. None for a case that is not granted here. */
export async function countDuplicatesOfCases(db: Database, caseIds: readonly string[], on: Day): Promise<number[]> {
  const contents = await findTaskContents(db, caseIds);
  const counts = await countDuplicates(db, [...contents.values()], on);
  const countOf = new Map([...contents.keys()].map((id, i) => [id, counts[i] ?? 0]));
  return caseIds.map((id) => countOf.get(id) ?? 0);
}
