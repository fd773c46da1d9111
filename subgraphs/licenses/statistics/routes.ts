import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { dayOf } from '../../kernel/day.ts';
import { daySchema } from '../../kernel/day-schema.ts';
import { type CsvDoor, sendCsv } from '../../kernel/http/answer/csv.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { DIMENSIONS, findFault, MEASURE_NAMES, toLines } from './measure.ts';
import { findScope } from './scope.ts';
import { statisticsOrder } from './store.ts';
import { countLicenses, type StatisticsDependencies } from './workflow.ts';

const id = z.string().min(1).max(64).nullable().default(null);
const day = daySchema.nullable().default(null);
const query = z.strictObject({
  measure: z.enum(MEASURE_NAMES),
  /** Dimensions with a comma between two. */
  by: z
    .string()
    .max(200)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(DIMENSIONS))),
  ...{ on: day, from: day, to: day, organ: id, licenseType: id, matter: id },
});

/** `GET /licenses/statistics.csv`: all rows of `Query.licenseStatistics` for the caller's token. */
export function addStatisticsRoutes(app: FastifyInstance, deps: StatisticsDependencies, options: ServeOptions): void {
  const door: CsvDoor<z.infer<typeof query>> = {
    query,
    forbidden: '证照统计只供机关人员查询，各按其职责。',
    mayRead: ({ measure }, person) => findScope(measure, person) !== null,
    read: async ({ measure, by, ...conditions }, person, maxRows) => {
      const question = { measure, by, conditions };
      const fault = findFault(question);
      if (fault) return { fault: `参数 ${fault.argument.replace('filter.', '')} 不符合要求：${fault.message}` };
      const today = dayOf(deps.now());
      const scope = findScope(measure, person) ?? { all: false as const, organs: [], window: null };
      const all = { order: statisticsOrder(question), count: maxRows, isBackward: false, cursor: null };
      const { page, totals } = await countLicenses(deps, question, { scope, today }, all);
      return {
        ...{ name: `license-statistics-${measure.toLowerCase()}-${conditions.on ?? today}`, isCut: page.hasNextPage },
        lines: toLines(question, page.rows, totals),
      };
    },
  };
  app.get('/licenses/statistics.csv', (request, reply) => sendCsv(request, reply, { door, options }));
}
