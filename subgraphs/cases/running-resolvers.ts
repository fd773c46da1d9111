import type { Database } from '../../db/client.ts';
import { getLoader } from '../kernel/http/context.ts';
import { BY_SERIAL, readPage, toConnection } from '../kernel/http/page.ts';
import { findReadScope } from '../kernel/policy.ts';
import { CASE_READS } from './policy.ts';
import type { Resolvers } from './resolvers.gen.ts';
import { listRunning, type RunningPage } from './running-store.ts';

/** The field of Matter that this subgraph resolves: its running cases. */
export function runningResolvers(db: Database) {
  return {
    Matter: {
      __resolveReference: ({ id }) => ({ id }),
      runningCases: async ({ id }, args, context) => {
        const { actor } = context;
        if (actor.kind !== 'person' || !findReadScope(CASE_READS.runningCases, actor)) return null;
        const page = readPage(args, BY_SERIAL);
        const name = `running cases ${page.first} ${page.after}`;
        const runningPage = await getLoader<RunningPage>(context, name, (ids) => listRunning(db, ids, page)).load(id);
        if (!runningPage) return null;
        return {
          ...toConnection(
            runningPage,
            BY_SERIAL,
            (row) => row.serial,
            (row) => row,
          ),
          totalCount: runningPage.totalCount,
        };
      },
    },
  } satisfies Resolvers;
}
