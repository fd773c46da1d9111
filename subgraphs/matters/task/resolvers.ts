import { dayOf } from '../../kernel/day.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import { type GraphContext, getLoader, requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { cutRows, type ListOrder, numberPart, readPage, toConnection } from '../../kernel/list/page.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findOrgans } from '../store.ts';
import * as store from './store.ts';
import { matchesFilter, type TaskStatus } from './task.ts';
import { viewProgress, viewReport, viewTask } from './view.ts';
import { reportProgress, type TaskDependencies } from './workflow.ts';

const BY_NUMBER: ListOrder<TaskStatus> = {
  name: 'tasks',
  direction: 'ASC',
  keys: [{ part: numberPart(9), readValue: ({ task }) => task.number }],
};

/** Newest first. The place of a report in the log never changes. */
const BY_PLACE: ListOrder<{ place: number; report: TaskStatus['reports'][number] }> = {
  name: 'history',
  direction: 'DESC',
  keys: [{ part: numberPart(9), readValue: ({ place }) => place }],
};

/**
 * Resolvers of the task board. Reading is public, since the plan is published. Only callers with a token see who
 * reported.
 */
export function taskResolvers(dependencies: TaskDependencies) {
  const { db, now } = dependencies;
  const loadOrgan = (context: GraphContext, organ: string | null) =>
    organ === null ? null : getLoader<OrganFact>(context, 'organs', (ids) => findOrgans(db, ids)).load(organ);
  return {
    Query: {
      tasks: async (_, args) => {
        const page = readPage(args, BY_NUMBER);
        const { overdue = null, organ = null, state = null } = args.filter ?? {};
        const today = dayOf(now());
        const statuses = (await store.listTasks(db)).filter((status) =>
          matchesFilter(status, { overdue, organ, state }, today),
        );
        const connection = toConnection(cutRows(statuses, page), BY_NUMBER, (status) => viewTask(status, today));
        return { ...connection, totalCount: statuses.length };
      },
    },
    Mutation: {
      reportTaskProgress: (_, { input }, { actor }) => {
        const person = requirePerson(actor);
        const { task, dryRun, state, percent, note = null } = input;
        return mutate(async () => ({
          task: viewTask(
            await reportProgress(dependencies, person, task, { state, percent, note }, dryRun),
            dayOf(now()),
          ),
        }));
      },
    },
    Task: {
      __resolveReference: async ({ id }) => {
        const status = (await store.listTasks(db)).find(({ task }) => String(task.number) === id);
        return status ? viewTask(status, dayOf(now())) : null;
      },
      progress: (task, _, { actor }) => viewProgress(task, actor),
      history: ({ reports }, args, { actor }) => {
        const entries = reports.map((report, i) => ({ place: i + 1, report })).reverse();
        return toConnection(cutRows(entries, readPage(args, BY_PLACE)), BY_PLACE, (entry) =>
          viewReport(entry.report, actor),
        );
      },
    },
    TaskOrgan: { organ: ({ organ }, _, context) => loadOrgan(context, organ) },
    TaskProgress: { organ: ({ organ }, _, context) => loadOrgan(context, organ) },
    TaskReport: { organ: ({ organ }, _, context) => loadOrgan(context, organ) },
  } satisfies Resolvers;
}
