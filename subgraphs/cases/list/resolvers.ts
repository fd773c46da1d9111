import type { Database } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { requireQuery } from '../../kernel/finding/query.ts';
import { getLoader, requirePerson } from '../../kernel/http/context.ts';
import { buildInputError, describePage, readPage, toConnection, toCountedConnection } from '../../kernel/list/page.ts';
import { findReadScope } from '../../kernel/policy.ts';
import { isPosition } from '../case.ts';
import { CASE_READS } from '../policy.ts';
import { viewCase } from '../reading/view.ts';
import type { CaseFilter as CaseFilterInput, Resolvers } from '../resolvers.gen.ts';
import { listRunning, RUNNING_ORDER, type RunningPage } from './running-store.ts';
import {
  CASE_ORDERS,
  type CaseFilter,
  listCases,
  listQueue,
  QUEUE_ORDER,
  searchCases,
  toSearchOrder,
} from './store.ts';

/** Lists of cases: those a person may see, those that wait for the person, and the running cases of a matter. */
export function listResolvers({ db, now }: { db: Database; now: Clock }) {
  return {
    Query: {
      cases: async (_, args, { actor }) => {
        const person = requirePerson(actor);
        const page = readPage(args, CASE_ORDERS[args.orderBy]);
        const filter = readFilter(args.filter ?? {});
        const casePage = await listCases(db, { actor: person, today: dayOf(now()) }, filter, page);
        return toCountedConnection(casePage, CASE_ORDERS[args.orderBy], (row) => viewCase(row.subject, person));
      },
      searchCases: async (_, args, { actor }) => {
        const person = requirePerson(actor);
        const text = requireQuery(args.text, 'text');
        const order = toSearchOrder(text);
        const found = await searchCases(db, { actor: person, today: dayOf(now()) }, text, readPage(args, order));
        return toCountedConnection(found, order, (row) => viewCase(row.subject, person));
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
        return toCountedConnection(casePage, QUEUE_ORDER, (row) => viewCase(row.subject, person));
      },
    },
    CaseConnection: { totalCount: ({ countAll }) => countAll() },
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

/** Reads a filter. Throws BAD_USER_INPUT for a text that is too short to look for, and for a period that ends first. */
function readFilter(filter: CaseFilterInput): CaseFilter {
  const { step = null, matter = null, closed = null, number, text, applicantName } = filter;
  const { receivedFrom = null, receivedTo = null } = filter;
  if (receivedFrom !== null && receivedTo !== null && receivedTo < receivedFrom)
    throw buildInputError('receivedTo 不能早于 receivedFrom。', 'filter.receivedTo');
  return {
    ...{ steps: step === null ? null : [step].filter(isPosition), matter, closed },
    number: number == null ? null : foldText(number),
    query: {
      text: text == null ? null : requireQuery(text, 'filter.text'),
      applicantName: applicantName == null ? null : requireQuery(applicantName, 'filter.applicantName'),
      ...{ receivedFrom, receivedTo },
    },
  };
}
