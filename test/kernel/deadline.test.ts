import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { currentDeadline, Deadline, runWithDeadline, SharedWork } from '../../db/deadline.ts';
import { currentCaller, runAsCaller } from '../../subgraphs/kernel/http/caller.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';

const ENDLESS_MS = 3_600_000;
/** Every method that Fastify routes. */
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const READING: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

describe('a request by its method', () => {
  test('has the deadline of reads if it only reads', async () => {
    const kinds: [string, boolean][] = [];
    app = createApp(() => {});
    app.route({
      method: [...METHODS],
      url: '/',
      handler: async ({ method }) => {
        kinds.push([method, currentDeadline()?.readSignal !== null]);
        return {};
      },
    });
    for (const method of METHODS) await app.inject({ method, url: '/' });
    expect(kinds).toEqual(METHODS.map((method) => [method, READING.includes(method)]));
  });

  test.each(READING)('is answered at it: %s', async (method) => {
    app = createApp(() => {}, { readDeadlineMs: 10 });
    app.route({ method, url: '/', handler: () => new Promise(() => {}) });
    expect((await app.inject({ method: method as 'GET', url: '/' })).statusCode).toBe(503);
  });
});

describe('work that several requests wait for', () => {
  const begin = (kind: 'read' | 'write' = 'read') => {
    const deadline = new Deadline(() => 'address:a');
    deadline.begin(kind, ENDLESS_MS);
    return deadline;
  };

  test('is none of theirs, runs once and goes on when they are gone', async () => {
    const shared = new SharedWork<string>();
    const end = Promise.withResolvers<string>();
    const seen: unknown[] = [];
    const run = () => {
      seen.push([currentCaller(), currentDeadline()]);
      return end.promise;
    };
    const answers: unknown[] = [];
    for (let round = 0; round < 10; round++) {
      const deadline = begin();
      const answer = runAsCaller({ key: `address:${round}` }, () =>
        runWithDeadline(deadline, () => shared.share('a', run)),
      );
      deadline.abandon();
      answers.push(await answer.catch((error) => error.code));
    }
    expect(answers).toEqual(Array.from({ length: 10 }, () => 'DEADLINE_EXCEEDED'));
    const staying = runWithDeadline(begin(), () => shared.share('a', run));
    const writing = begin('write');
    const written = runWithDeadline(writing, () => shared.share('a', run));
    end.resolve('result');
    expect(await Promise.all([staying, written])).toEqual(['result', 'result']);
    expect(seen).toEqual([['hub', null]]);
  });

  test('runs again after its end, also after a failure', async () => {
    const shared = new SharedWork<number>();
    let runs = 0;
    const run = async () => {
      runs++;
      if (runs === 1) throw new Error('first');
      return runs;
    };
    await expect(Promise.allSettled([shared.share('a', run), shared.share('a', run)])).resolves.toMatchObject([
      { status: 'rejected' },
      { status: 'rejected' },
    ]);
    expect([await shared.share('a', run), await shared.share('a', run)]).toEqual([2, 3]);
  });
});
