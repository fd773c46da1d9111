import type { Database } from '../../db/client.ts';
import { hasRole } from '../kernel/actor.ts';
import { getLoader } from '../kernel/context.ts';
import { BY_SERIAL, readPage, toConnection } from '../kernel/page.ts';
import type { Resolvers } from './resolvers.gen.ts';
import { listRunning, type RunningPage } from './running-store.ts';

/** The field of Matter that this subgraph resolves: its running cases. */
export function runningResolvers(db: Database) {
  return {
    Matter: {
      __resolveReference: ({ id }) => ({ id }),
      runningCases: async ({ id }, args, context) => {
        if (!hasRole(context.actor, 'ADMINISTRATOR', 'AUDITOR')) return null;
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
