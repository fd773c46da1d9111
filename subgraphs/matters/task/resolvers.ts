import type { Actor } from '../../kernel/actor.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import type { OrganFact } from '../../kernel/events.ts';
import { cutPage, readPage, toConnection } from '../../kernel/page.ts';
import { type GraphContext, loader, requirePerson, settle } from '../../kernel/serve.ts';
import { findOrgans } from '../store.ts';
import * as store from './store.ts';
import { isOverdue, matches, type Progress, type TaskFilter, type TaskReport, type TaskStanding } from './task.ts';
import { reportProgress, type TaskDependencies } from './workflow.ts';

interface PageArguments {
  first: number;
  after?: string | null;
}

/**
 * Resolvers of the task board. Reading is public, since the plan is published. Only callers with a token see who
 * reported.
 */
export function taskResolvers(dependencies: TaskDependencies) {
  const { db, now } = dependencies;
  const organOf = ({ organ }: { organ: string | null }, _: unknown, context: GraphContext) =>
    organ === null ? null : loader<OrganFact>(context, 'organs', (ids) => findOrgans(db, ids)).load(organ);
  return {
    Query: {
      tasks: async (_: unknown, args: PageArguments & { filter?: Partial<TaskFilter> | null }) => {
        const page = readPage(args, readNumber);
        const { overdue = null, organ = null, state = null } = args.filter ?? {};
        const today = dayOf(now());
        const found = (await store.listTasks(db)).filter(
          (one) => one.task.number > (page.after ?? 0) && matches(one, { overdue, organ, state }, today),
        );
        return toConnection(
          cutPage(found.slice(0, page.first + 1), page.first),
          (one) => [String(one.task.number)],
          (one) => viewTask(one, today),
        );
      },
    },
    Mutation: {
      reportTaskProgress: (
        _: unknown,
        { input }: { input: Progress & { task: number; dryRun: boolean } },
        { actor }: GraphContext,
      ) => {
        const person = requirePerson(actor);
        const { task, dryRun, state, percent, note = null } = input;
        return settle(async () => ({
          task: viewTask(
            await reportProgress(dependencies, person, task, { state, percent, note }, dryRun),
            dayOf(now()),
          ),
        }));
      },
    },
    Task: {
      progress: ({ state, percent, newest }: View, _: unknown, { actor }: GraphContext) => {
        const { note = null, organ = null, by = null, at = null } = newest ? viewReport(newest, actor) : {};
        return { state, percent, note, organ, by, at };
      },
      history: ({ reports }: View, args: PageArguments, { actor }: GraphContext) => {
        const page = readPage(args, readNumber);
        // Newest first. A report's place in the log never changes, so it is the cursor.
        const placed = reports.map((report, i) => ({ place: i + 1, report })).reverse();
        const rest = placed.filter((one) => page.after === null || one.place < page.after);
        return toConnection(
          cutPage(rest.slice(0, page.first + 1), page.first),
          (one) => [String(one.place)],
          (one) => viewReport(one.report, actor),
        );
      },
    },
    TaskOrgan: { organ: organOf },
    TaskProgress: { organ: organOf },
    TaskReport: { organ: organOf },
  };
}

function readNumber([number]: readonly string[]): number | null {
  return /^\d{1,9}$/.test(number ?? '') ? Number(number) : null;
}

type View = ReturnType<typeof viewTask>;

function viewTask(standing: TaskStanding, today: Day) {
  const { task, ...stands } = standing;
  return { ...task, ...stands, overdue: isOverdue(standing, today) };
}

function viewReport({ state, percent, note, organ, actor, at }: TaskReport, reader: Actor) {
  return { state, percent, note, at, organ, by: reader.kind === 'person' ? actor : null };
}
