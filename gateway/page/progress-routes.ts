import type { FastifyInstance } from 'fastify';
import { PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { buildContext } from '../../subgraphs/kernel/http/context.ts';
import { findOverload } from '../../subgraphs/kernel/overload.ts';
import type { Labels } from '../labels.ts';
import type { RunQuery } from '../routes.ts';
import { langOf } from './frame.ts';
import { ASK_HEADERS } from './license.ts';
import { type CaseProgress, renderProgressForm, renderProgressPage } from './progress.ts';

const PROGRESS_QUERY = `query Progress($number: String!, $code: String!) {
  caseProgress(number: $number, code: $code) {
    number matterName step nextStep isApplicantsTurn waitsFor supplementUntil pause receivedOn clockState dueOn
    limitDays remainingDays decision decidedOn result
  }
}`;

/** The fields take as much. */
const MAX_TYPED_CHARS = 60;

/** The code stands in the address. No other page and no cache may learn it. */
const PROGRESS_HEADERS = { ...ASK_HEADERS, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

/** Adds the page on which anybody with a receipt follows a case. */
export function addProgressRoute(app: FastifyInstance, runQuery: RunQuery, labels: Labels): void {
  app.get<{ Querystring: Record<string, unknown> }>('/progress', async ({ query }, reply) => {
    const lang = langOf(query);
    const typed = { number: readTyped(query.number), code: readTyped(query.code) };
    reply.headers(PROGRESS_HEADERS);
    if (typed.number === '' || typed.code === '') return reply.send(renderProgressForm(typed, null, lang));
    try {
      const answer = await runQuery(PROGRESS_QUERY, typed, buildContext(PUBLIC, null));
      const progress = answer.caseProgress as CaseProgress | null;
      if (progress) return reply.send(renderProgressPage(progress, labels, lang));
      return reply.code(404).send(renderProgressForm(typed, 'UNKNOWN', lang));
    } catch (error) {
      const overload = findOverload(error);
      if (overload?.code !== 'RATE_LIMITED') throw error;
      reply.code(429).header('retry-after', String(overload.retryAfterSeconds));
      return reply.send(renderProgressForm(typed, 'RATE_LIMITED', lang));
    }
  });
}

/** Returns what somebody typed, without characters that no receipt has. */
function readTyped(text: unknown): string {
  return typeof text === 'string'
    ? text
        .replace(/[^\p{L}\p{N} -]/gu, '')
        .trim()
        .slice(0, MAX_TYPED_CHARS)
    : '';
}
