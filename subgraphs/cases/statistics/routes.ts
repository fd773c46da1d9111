import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Person } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { daySchema } from '../../kernel/day-schema.ts';
import { MODES } from '../../kernel/events/events.ts';
import { type CsvDoor, sendCsv } from '../../kernel/http/answer/csv.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { findOfficeScope } from '../../kernel/policy.ts';
import { CASE_READS } from '../policy.ts';
import { DIMENSIONS, toLines } from './statistics.ts';
import { statisticsOrder } from './store.ts';
import { countCases, type StatisticsDependencies } from './workflow.ts';

const text = z.string().min(1).max(64).nullable().default(null);
const query = z
  .strictObject({
    by: z.enum(DIMENSIONS),
    from: daySchema.nullable().default(null),
    to: daySchema.nullable().default(null),
    matter: text,
    organ: text,
    mode: z.enum(MODES).nullable().default(null),
    division: text,
  })
  .refine(({ from, to }) => from === null || to === null || from <= to, { path: ['to'], message: '末日不得早于首日' });

/** `GET /cases/statistics.csv`: all rows of `Query.caseStatistics` for the caller's token. */
export function statisticsRoutes(app: FastifyInstance, deps: StatisticsDependencies, options: ServeOptions): void {
  const findScope = (person: Person) => findOfficeScope(CASE_READS.caseStatistics, person);
  const door: CsvDoor<z.infer<typeof query>> = {
    query,
    forbidden: '办件统计只供机关人员查询。',
    mayRead: (_, person) => findScope(person) !== null,
    read: async ({ by, ...filter }, person, count) => {
      const today = dayOf(deps.now());
      const scope = findScope(person) ?? { all: false as const, organs: [], window: null };
      const all = { order: statisticsOrder(by), count, isBackward: false, cursor: null };
      const { page, totals } = await countCases(deps, { scope, filter, today }, by, all);
      const lines = toLines([...page.rows, totals]);
      return { name: `case-statistics-${today}`, lines, isCut: page.hasNextPage };
    },
  };
  app.get('/cases/statistics.csv', (request, reply) => sendCsv(request, reply, { door, options }));
}
