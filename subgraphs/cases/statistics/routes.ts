import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { dayOf } from '../../kernel/day.ts';
import { daySchema } from '../../kernel/day-schema.ts';
import { MODES } from '../../kernel/events/events.ts';
import { identifyCaller } from '../../kernel/http/context.ts';
import { buildContentDisposition } from '../../kernel/http/http.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { findOfficeScope } from '../../kernel/policy.ts';
import { CASE_READS } from '../policy.ts';
import { DIMENSIONS, toCsv } from './statistics.ts';
import { statisticsOrder } from './store.ts';
import { countCases, type StatisticsDependencies } from './workflow.ts';

/** Most rows of one answer. There are fewer matters, organs and months, so the answer is always complete. */
const MAX_ROWS = 10_000;

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

/** Returns what is wrong with the query in a sentence, with the name of the parameter. */
function describeFault({ issues: [issue] }: z.ZodError): string {
  const isUnknown = issue?.code === 'unrecognized_keys';
  const name = isUnknown ? issue.keys[0] : issue?.path.join('.');
  if (isUnknown) return `没有参数 ${name}。`;
  return `参数 ${name} 不符合要求${issue?.code === 'custom' ? `：${issue.message}` : ''}。`;
}

/** `GET /cases/statistics.csv`: all rows of `Query.caseStatistics` for the caller's token. */
export function statisticsRoutes(app: FastifyInstance, deps: StatisticsDependencies, options: ServeOptions): void {
  app.get('/cases/statistics.csv', async (request, reply) => {
    const context = await identifyCaller(request, reply, options);
    if (!context) return reply;
    const { actor } = context;
    if (actor.kind === 'public') {
      return reply.code(401).send({ code: 'UNAUTHENTICATED', message: '请先登录：此查询需要令牌。' });
    }
    const scope = findOfficeScope(CASE_READS.caseStatistics, actor);
    if (scope === null) return reply.code(403).send({ code: 'FORBIDDEN', message: '办件统计只供机关人员查询。' });
    const queryResult = query.safeParse(request.query);
    if (!queryResult.success)
      return reply.code(400).send({ code: 'BAD_USER_INPUT', message: describeFault(queryResult.error) });
    const { by, ...filter } = queryResult.data;
    const today = dayOf(deps.now());
    const all = { order: statisticsOrder(by), count: MAX_ROWS, isBackward: false, cursor: null };
    const { page, totals } = await countCases(deps, { scope, filter, today }, by, all);
    if (page.hasNextPage) throw new RangeError(`more than ${MAX_ROWS} rows`);
    return reply
      .header('content-disposition', buildContentDisposition(`case-statistics-${today}.csv`))
      .type('text/csv; charset=utf-8')
      .send(toCsv([...page.rows, totals]));
  });
}
