import type { Database } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import type { GraphContext } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import type { RefusalFields, RefusalView } from '../../kernel/http/resolver-types.ts';
import { MAX_REFUSALS } from '../../kernel/refusals/collector.ts';
import type { MutationOutcome } from '../act/resolvers.ts';
import type { Rehearsal } from '../action/rehearsal-view.ts';
import { listStanding } from '../paper/paper.ts';
import { type LicenseView, loadLicense, loadSheets } from '../reading/view.ts';
import type { LicenseBatchState } from '../resolvers.gen.ts';
import type { LineResult } from './workflow.ts';

/** How the lines of a batch are answered. */

/** The parent value of LicenseBatchLine. @public by codegen.ts */
export interface LineView {
  index: number;
  state: LicenseBatchState;
  blanks: string[];
  license: LicenseView | null;
  rehearsal: Rehearsal | null;
  refusals: RefusalView[];
}

/** Views lines with their licenses, which one query loads. A line in which the hub failed is its error. */
export function viewLines(
  db: Database,
  context: GraphContext,
  person: Person,
  results: readonly Result[],
  { blanksOf, today }: { blanksOf: (index: number) => string[]; today: Day },
): Promise<LineView[]> {
  context.loaders.clear();
  return Promise.all(
    results.map(async (result, index) => {
      // An error in a list is answered as null, with the error at its place.
      if (result.state === 'FAILED') return result.error as never;
      const { identifier = null, rehearsal = null } = result.state === 'DONE' ? result.result : {};
      const license = identifier === null ? null : await loadLicense(db, context, person, identifier);
      const refusals = viewRefusals(result, index);
      const blanks = await listBlanks(db, license, { named: blanksOf(index), today });
      return { index, state: stateOf(result), blanks, license, rehearsal, refusals };
    }),
  );
}

/** A line that an earlier call has done is on the blanks of that call, whatever this one names. */
async function listBlanks(
  db: Database,
  license: LicenseView | null,
  { named, today }: { named: string[]; today: Day },
): Promise<string[]> {
  if (license === null) return named;
  const sheets = await loadSheets(db, license, today);
  const used = listStanding(sheets).map(({ blankNumber }) => blankNumber);
  return named.every((blank) => used.includes(blank)) ? named : used;
}

type Result = LineResult<MutationOutcome>;
type AnsweredResult = Exclude<Result, { state: 'FAILED' }>;

/** An act without an identifier waits for its seal. */
function stateOf(result: AnsweredResult): LicenseBatchState {
  return result.state === 'DONE' && result.result.identifier === null ? 'WAITING' : result.state;
}

/** Counts the lines by what became of them. */
export function countResults(results: readonly Result[]) {
  const answered = results.filter((result) => result.state !== 'FAILED');
  const count = (state: LicenseBatchState) => answered.filter((result) => stateOf(result) === state).length;
  const counts = { done: count('DONE'), waiting: count('WAITING'), refused: count('REFUSED') };
  return { ...counts, failed: results.length - answered.length, notReached: count('NOT_REACHED') };
}

/** A refusal says that nothing was changed, so the whole has one only if no line was done and none may have been. */
export function refuseWhole(results: readonly Result[]): RefusalFields | { refusal: null } {
  const isUnchanged = results.every(({ state }) => state === 'REFUSED' || state === 'NOT_REACHED');
  const refusals = results.flatMap(viewRefusals).slice(0, MAX_REFUSALS);
  const [refusal] = refusals;
  return isUnchanged && refusal ? { refusal, refusals } : { refusal: null };
}

/** The refusals of a line. Their fields are those of the whole input. */
function viewRefusals(result: Result, index: number): RefusalView[] {
  if (result.state !== 'REFUSED') return [];
  const line = `lines[${index}]`;
  return result.refusal.all.map((one) => ({
    ...toRefusalView(one),
    field: one.field === null ? line : `${line}.${one.field}`,
  }));
}
