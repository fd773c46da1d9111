import type { Database } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { getLoader, requirePerson } from '../../kernel/http/context.ts';
import { describePage, readPage, toConnection } from '../../kernel/list/page.ts';
import { findReadScope } from '../../kernel/policy.ts';
import { isPosition } from '../case.ts';
import { CASE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { viewCase } from '../view.ts';
import { listRunning, RUNNING_ORDER, type RunningPage } from './running-store.ts';
import { CASE_ORDERS, listCases, listQueue, QUEUE_ORDER } from './store.ts';

/** Lists of cases: those a person may see, those that wait for the person, and the running cases of a matter. */
export function listResolvers({ db, now }: { db: Database; now: Clock }) {
  return {
    Query: {
      cases: async (_, args, { actor }) => {
        const person = requirePerson(actor);
        const page = readPage(args, CASE_ORDERS[args.orderBy]);
        const { step = null, matter = null, closed = null } = args.filter ?? {};
        const filter = { steps: step === null ? null : [step].filter(isPosition), matter, closed };
        const casePage = await listCases(db, { actor: person, today: dayOf(now()) }, filter, page);
        return toConnection(casePage, CASE_ORDERS[args.orderBy], (row) => viewCase(row.subject, person));
      },
      queue: async (_, args, { actor }) => {
        const person = requirePerson(actor);
        const steps = args.steps?.filter(isPosition) ?? null;
        const casePage = await listQueue(
          db,
          { actor: person, today: dayOf(now()) },
          steps,
          readPage(args, QUEUE_ORDER),
        );
        return toConnection(casePage, QUEUE_ORDER, (row) => viewCase(row.subject, person));
      },
    },
    Matter: {
      __resolveReference: ({ id }) => ({ id }),
      runningCases: async ({ id }, args, context) => {
        const { actor } = context;
        if (actor.kind !== 'person' || !findReadScope(CASE_READS.runningCases, actor)) return null;
        const page = readPage(args, RUNNING_ORDER);
        const name = `running cases ${describePage(page)}`;
        const runningPage = await getLoader<RunningPage>(context, name, (ids) => listRunning(db, ids, page)).load(id);
        if (!runningPage) return null;
        return {
          ...toConnection(runningPage, RUNNING_ORDER, (row) => row),
          totalCount: runningPage.totalCount,
        };
      },
    },
  } satisfies Resolvers;
}
