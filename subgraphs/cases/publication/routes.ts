import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { dayOf } from '../../kernel/day.ts';
import { daySchema } from '../../kernel/day-schema.ts';
import { type PublicCsvDoor, sendPublicCsv } from '../../kernel/http/answer/csv.ts';
import { PUBLICATION_ORDER, type PublicDecisionFilter } from './store.ts';
import { toLines } from './view.ts';
import { listPublicDecisions, type PublicationDependencies } from './workflow.ts';

const day = daySchema.nullable().default(null);
const query = z
  .strictObject({ organ: z.string().min(1).max(64).nullable().default(null), from: day, to: day })
  .refine(({ from, to }) => from === null || to === null || from <= to, { path: ['to'], message: '末日不得早于首日' });

/** `GET /cases/public-decisions.csv`: all rows of `Query.publicDecisions`, for everybody. */
export function publicationRoutes(app: FastifyInstance, deps: PublicationDependencies): void {
  const door: PublicCsvDoor<PublicDecisionFilter> = {
    query,
    read: async (filter, maxRows) => {
      const all = { order: PUBLICATION_ORDER, count: maxRows, isBackward: false, cursor: null };
      const { rows, hasNextPage: isCut } = await listPublicDecisions(deps, filter, all);
      return { name: `public-decisions-${dayOf(deps.now())}`, lines: toLines(rows), isCut };
    },
  };
  app.get('/cases/public-decisions.csv', (request, reply) => sendPublicCsv(request, reply, door));
}
