import type { FastifyInstance, FastifyReply } from 'fastify';
import { PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { buildContext } from '../../subgraphs/kernel/http/context.ts';
import { findOverload } from '../../subgraphs/kernel/limits/overload.ts';
import type { RunQuery } from '../routes.ts';
import { type Lang, langOf } from './frame.ts';
import type { Labels } from './labels.ts';
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
/** Longest form, with each character percent-encoded. */
const MAX_FORM_CHARS = 2_000;

const PROGRESS_HEADERS = { ...ASK_HEADERS, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

/**
 * Adds the page on which anybody with a receipt follows a case. What is typed is sent as a form, not in the address:
 * the code never expires, and addresses stay in histories of shared machines and in logs of proxies.
 */
export function addProgressRoute(app: FastifyInstance, runQuery: RunQuery, labels: Labels): void {
  app.get<{ Querystring: Record<string, unknown> }>('/progress', async ({ query }, reply) => {
    const typed = { number: readTyped(query.number), code: '' };
    return reply.headers(PROGRESS_HEADERS).send(renderProgressForm(typed, null, langOf(query)));
  });
  app.register(async (forms) => {
    const options = { parseAs: 'string', bodyLimit: MAX_FORM_CHARS } as const;
    forms.addContentTypeParser('application/x-www-form-urlencoded', options, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    );
    forms.post('/progress', async ({ body }, reply) => {
      const form = body instanceof URLSearchParams ? body : new URLSearchParams();
      const lang = langOf({ lang: form.get('lang') });
      const typed = { number: readTyped(form.get('number')), code: readTyped(form.get('code')) };
      reply.headers(PROGRESS_HEADERS);
      if (typed.number === '' || typed.code === '') return reply.send(renderProgressForm(typed, null, lang));
      return answer(reply, typed, lang);
    });
  });

  async function answer(reply: FastifyReply, typed: { number: string; code: string }, lang: Lang) {
    try {
      const { caseProgress } = await runQuery(PROGRESS_QUERY, typed, buildContext(PUBLIC, null));
      const progress = caseProgress as CaseProgress | null;
      if (progress) return reply.send(renderProgressPage(progress, labels, lang));
      return reply.code(404).send(renderProgressForm(typed, 'UNKNOWN', lang));
    } catch (error) {
      const overload = findOverload(error);
      if (overload?.code !== 'RATE_LIMITED') throw error;
      reply.code(429).header('retry-after', String(overload.retryAfterSeconds));
      return reply.send(renderProgressForm(typed, 'RATE_LIMITED', lang));
    }
  }
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
