import type { ApolloServerPlugin } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { currentDeadline, Deadline, runWithDeadline } from '../../../db/deadline.ts';
import { ENVIRONMENT } from '../environment/variables.ts';
import { currentCaller } from './caller.ts';

/** Gives every request a deadline: a read by its method, a GraphQL operation by its type. */

/** Methods of requests that only read. */
export const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** After this time a read is cancelled in the database. */
const READ_DEADLINE_MS = Number(ENVIRONMENT.READ_DEADLINE_MS.uses.gateway.default);
/** After this time a mutation is answered. It goes on. Longer than one statement may take. */
export const WRITE_DEADLINE_MS = 25_000;
/** A handler that has ended by itself answers by itself. */
const ANSWER_MS = 100;

/** How long a read may take, in milliseconds. Without it, as the environment variable says by default. */
export interface DeadlineOptions {
  readDeadlineMs?: number | undefined;
}

/**
 * Adds the deadline to an app. It begins with a request that reads by its method. When the client goes away, a read
 * ends at once. Must be called after `addCaller`.
 */
export function addDeadline(app: FastifyInstance, { readDeadlineMs = READ_DEADLINE_MS }: DeadlineOptions): void {
  const deadlines = new WeakMap<FastifyRequest, Deadline>();
  app.addHook('onRequest', (request, reply, done) => {
    const deadline = new Deadline(currentCaller);
    deadlines.set(request, deadline);
    if (READING_METHODS.has(request.method)) {
      deadline.begin('read', readDeadlineMs);
      answerAtEnd(deadline, reply);
    }
    reply.raw.once('close', () => (reply.raw.writableFinished ? deadline.clear() : deadline.abandon()));
    runWithDeadline(deadline, done);
  });
  // A body arrives in the context of its connection, so the deadline is set again after it.
  app.addHook('preValidation', (request, _reply, done) => {
    const deadline = deadlines.get(request);
    if (deadline) runWithDeadline(deadline, done);
    else done();
  });
}

/** Answers a request whose handler hangs in something other than the database. */
function answerAtEnd(deadline: Deadline, reply: FastifyReply): void {
  deadline.signal.addEventListener('abort', () => {
    const answer = () => {
      if (!reply.sent && !reply.raw.destroyed) reply.send(deadline.signal.reason);
    };
    setTimeout(answer, ANSWER_MS).unref();
  });
}

/** Begins the deadline of a GraphQL operation: a query is a read, a mutation is a write. */
export function createDeadlinePlugin({
  readDeadlineMs = READ_DEADLINE_MS,
}: DeadlineOptions): ApolloServerPlugin<object> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ operation }: { operation?: { operation: string } }) {
          const kind = operation?.operation === 'mutation' ? 'write' : 'read';
          currentDeadline()?.begin(kind, kind === 'write' ? WRITE_DEADLINE_MS : readDeadlineMs);
        },
      };
    },
  };
}
