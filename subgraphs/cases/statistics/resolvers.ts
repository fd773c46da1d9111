import { GraphQLError } from 'graphql';
import { dayOf } from '../../kernel/day.ts';
import { buildForbiddenError, requirePerson } from '../../kernel/http/context.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { findOfficeScope } from '../../kernel/policy.ts';
import { CASE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { statisticsOrder } from './store.ts';
import { viewRow } from './view.ts';
import { countCases, type StatisticsDependencies } from './workflow.ts';

/** Statistics of cases, for the offices. Each office sees those of its own cases. */
export function statisticsResolvers(deps: StatisticsDependencies) {
  return {
    Query: {
      caseStatistics: async (_, args, { actor }) => {
        const scope = findOfficeScope(CASE_READS.caseStatistics, requirePerson(actor));
        if (scope === null) throw buildForbiddenError('办件统计只供机关人员查询。');
        const { by } = args;
        const { from = null, to = null, matter = null, organ = null, mode = null, division = null } = args.filter ?? {};
        if (from !== null && to !== null && from > to) {
          throw new GraphQLError('from 不得晚于 to。', { extensions: { code: 'BAD_USER_INPUT', argument: 'filter' } });
        }
        const order = statisticsOrder(by);
        const page = readPage(args, order);
        const today = dayOf(deps.now());
        const query = { scope, filter: { from, to, matter, organ, mode, division }, today };
        const { page: rowPage, totals } = await countCases(deps, query, by, page);
        return {
          ...toConnection(rowPage, order, (row) => viewRow(by, row)),
          totals: viewRow(null, totals),
          asOf: today,
        };
      },
    },
  } satisfies Resolvers;
}
