import type { Person } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { type GraphContext, requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import type { IssueDependencies } from '../act/issue-workflow.ts';
import { prepareCaseAct } from '../act/prepare-workflow.ts';
import { carryOut, carryOutOnSheet, type MutationOutcome } from '../act/resolvers.ts';
import * as handover from '../paper/handover-workflow.ts';
import { listBlanksOf } from '../paper/paper.ts';
import type { IssueLicensesInput, Resolvers } from '../resolvers.gen.ts';
import * as batch from './batch.ts';
import { countResults, refuseWhole, viewLines } from './view.ts';
import { countDuplicatesOfCases, runLines } from './workflow.ts';

/** A line that is ready to run: what it is about, its blanks, and how its act is carried out. */
interface PlannedLine {
  subjects: batch.LineSubject[];
  blanks: string[];
  perform: (actor: Person) => Promise<MutationOutcome>;
}

/** A line that names a sheet. */
interface SheetLine {
  identifier: string;
  blankNumber: string;
}

/** Mutations of many licenses at once. Each line is what the single mutation would do, by the same rules. */
export function batchMutations(deps: IssueDependencies) {
  return {
    issueLicenses: (_, { input }, context) => runBatch(deps, context, input, () => planIssues(deps, input)),
    // A delivery hands over all printed sheets of a version.
    deliverCertificates: (_, { input }, context) =>
      runBatch(deps, context, input, () =>
        input.lines.map((line) => ({
          subjects: [{ field: 'identifier', kind: 'SUBJECT', name: line.identifier }, blankSubject(line)],
          blanks: [line.blankNumber],
          perform: (actor) => carryOutOnSheet(deps, handover.deliverSheet, actor, { ...line, dryRun: input.dryRun }),
        })),
      ),
    // Each sheet comes back by itself.
    recallCertificates: (_, { input }, context) =>
      runBatch(deps, context, input, () =>
        input.lines.map((line) => ({
          subjects: [blankSubject(line)],
          blanks: [line.blankNumber],
          perform: (actor) => carryOutOnSheet(deps, handover.recallSheet, actor, { ...line, dryRun: input.dryRun }),
        })),
      ),
  } satisfies Resolvers['Mutation'];
}

const blankSubject = ({ blankNumber }: SheetLine): batch.LineSubject => ({
  ...{ field: 'blankNumber', kind: 'BLANK' as const },
  name: blankNumber,
});

async function planIssues(deps: IssueDependencies, input: IssueLicensesInput): Promise<PlannedLine[]> {
  const lines = input.lines.map(({ case: caseId, blankNumber = null, duplicateBlanks = null }) => ({
    caseId,
    blankNumber,
    duplicateBlanks,
  }));
  const caseIds = lines.map(({ caseId }) => caseId);
  const duplicates = await countDuplicatesOfCases(deps.db, caseIds, dayOf(deps.now()));
  const plans = batch.planSheets(lines, input.firstBlank ?? null, duplicates);
  return lines.map((line, i) => {
    const sheets = plans[i] ?? null;
    return {
      subjects: batch.listIssueSubjects(line, sheets),
      blanks: sheets === null ? [] : listBlanksOf(sheets),
      perform: (actor) =>
        carryOut(deps, input.dryRun, (tx) =>
          prepareCaseAct(tx, deps, actor, {
            caseId: line.caseId,
            act: 'ISSUE',
            sheets: batch.requireSheets(sheets),
          }),
        ),
    };
  });
}

const NO_LINES = { lines: [], done: 0, waiting: 0, refused: 0, failed: 0, notReached: 0 };

/** Plans the lines of a call, runs them, and answers with the result of each. Refuses what `requireLines` refuses. */
async function runBatch(
  { db, now }: IssueDependencies,
  context: GraphContext,
  input: { lines: readonly unknown[] },
  plan: () => PlannedLine[] | Promise<PlannedLine[]>,
) {
  const person = requirePerson(context.actor);
  const planned = await mutate(async () => {
    batch.requireLines(input.lines);
    return { planned: await plan() };
  }, NO_LINES);
  if (planned.refusal) return planned;
  const lines = planned.planned;
  const checks = batch.checkSoleSubjects(lines.map(({ subjects }) => subjects));
  const results = await runLines(lines, async (line, i) => {
    checks[i]?.();
    return line.perform(person);
  });
  const blanksOf = (i: number) => lines[i]?.blanks ?? [];
  const views = await viewLines(db, context, person, results, { blanksOf, today: dayOf(now()) });
  return { ...countResults(results), lines: views, ...refuseWhole(results) };
}
