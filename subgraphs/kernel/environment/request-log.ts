import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isRequestId, logRequest, runWithSubject, type Subject } from './log.ts';

/** Connects a Fastify app with the log: every request has an id, and every request that fails gets one line. */

/** The header in which the gateway passes its request id to a subgraph in another process. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** Options that a Fastify app needs for `addRequestLog`. */
export const REQUEST_LOG_OPTIONS = {
  genReqId: ({ headers }: Pick<IncomingMessage, 'headers'>): string => {
    const received = headers[REQUEST_ID_HEADER];
    return isRequestId(received) ? received : randomUUID();
  },
};

/** Returns the subject of a request: its id, its method and the pattern of its path. */
export function describeRequest({ id, method, routeOptions }: DescribedRequest): Subject {
  return { request: id, method, route: routeOptions?.url ?? 'unknown' };
}

/** A request. One whose path cannot be decoded has no route. */
type DescribedRequest = Pick<FastifyRequest, 'id' | 'method'> & { routeOptions?: { url?: string | undefined } };

/** Adds the log to an app. Must be called before other hooks and routes are added. */
export function addRequestLog(app: FastifyInstance): void {
  const subjects = new WeakMap<FastifyRequest, Subject>();
  app.addHook('onRequest', (request, _reply, done) => {
    const subject = describeRequest(request);
    subjects.set(request, subject);
    runWithSubject(subject, done);
  });
  // A body arrives in the context of its connection, so the subject is set again after it.
  app.addHook('preValidation', (request, _reply, done) => runWithSubject(subjects.get(request) ?? {}, done));
  app.addHook('onResponse', (request, reply, done) => {
    const subject = subjects.get(request) ?? {};
    // A fault in GraphQL is answered with status 200.
    if (reply.statusCode >= 400 || subject.incident !== undefined) {
      logRequest({ subject, status: reply.statusCode, ms: reply.elapsedTime });
    }
    done();
  });
}
