import { dayOf } from '../../kernel/day.ts';
import { buildForbiddenError, requirePerson } from '../../kernel/http/context.ts';
import { buildInputError, readPage, toConnection } from '../../kernel/list/page.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findFault } from './measure.ts';
import { findScope } from './scope.ts';
import { statisticsOrder } from './store.ts';
import { viewRow } from './view.ts';
import { countLicenses, type StatisticsDependencies } from './workflow.ts';

/** Statistics of licenses (证照统计), for the offices. Each counts what its lists show. */
export function statisticsResolvers(deps: StatisticsDependencies) {
  return {
    Query: {
      licenseStatistics: async (_, args, { actor }) => {
        const { measure, by, filter } = args;
        const scope = findScope(measure, requirePerson(actor));
        if (scope === null) throw buildForbiddenError('证照统计只供机关人员查询，各按其职责。');
        const { on = null, from = null, to = null, organ = null, licenseType = null, matter = null } = filter ?? {};
        const question = { measure, by, conditions: { on, from, to, organ, licenseType, matter } };
        const fault = findFault(question);
        if (fault) throw buildInputError(fault.message, fault.argument);
        const order = statisticsOrder(question);
        const today = dayOf(deps.now());
        const { page, totals } = await countLicenses(deps, question, { scope, today }, readPage(args, order));
        return {
          ...toConnection(page, order, (row) => viewRow(by, row)),
          totals: viewRow(by, totals),
          asOf: on ?? today,
        };
      },
    },
  } satisfies Resolvers;
}
