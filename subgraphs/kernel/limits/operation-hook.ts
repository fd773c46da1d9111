import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { JsonTooComplex, requireFewValues } from '../foreign/json.ts';
import { currentCaller, isPerson } from '../http/caller.ts';
import { createAllowance } from './allowance.ts';
import { keepBody } from './body.ts';
import type { OperationLimits } from './limits.ts';
import { Overload } from './overload.ts';
import { createPlaces, type Ticket } from './places.ts';
import { createRoom } from './room.ts';

/** Connects a Fastify app with the limits of what callers may have it do. */

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes no place: it counts its own work, such as uploads, or has next to none. */
    takesNoPlace?: boolean;
    /** The route is for whoever watches the hub. It has no limit of its caller, and takes no place. */
    isFree?: boolean;
  }
}

/**
 * Who sent a request. `outside`: anybody. `gateway`: the hub's gateway, which has counted the request of its caller.
 * `service`: another process of the hub, for its own work.
 */
export type Origin = 'outside' | 'gateway' | 'service';

export interface OperationHookOptions {
  limits: OperationLimits;
  /** Finds who sent a request, and notes the person of a verified token. Does not fail. */
  identify(request: FastifyRequest): Promise<Origin>;
}

const bodySizes = new WeakMap<FastifyRequest, number>();

/** Returns how many bytes of a request's body were read, however they were sent. 0 for a body that nobody has read. */
export function countBodyBytes(request: FastifyRequest): number {
  return bodySizes.get(request) ?? 0;
}

/**
 * Counts the requests of each caller and gives each a place while it is carried out. Must be called after `addCaller`.
 * Bodies are parsed only in a place: those that arrive or wait are bytes, as many as there is room for.
 * A request beyond a limit of its caller is 429 RATE_LIMITED, beyond that of the hub 503 OVERLOADED.
 */
export function addOperationLimits(app: FastifyInstance, { limits, identify }: OperationHookOptions): void {
  // People and addresses are counted apart: no flood of addresses takes an entry from people.
  const people = createAllowance(limits.requestsPerMinute, limits.maxCountedCallers);
  const addresses = createAllowance(limits.requestsPerMinute, limits.maxCountedCallers);
  const places = createPlaces(limits);
  const room = createRoom({ all: limits.maxHeldBytes, perCaller: limits.maxHeldBytesPerCaller });
  const origins = new WeakMap<FastifyRequest, Origin>();
  const tickets = new WeakMap<FastifyRequest, Ticket>();

  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config?.isFree) return;
    const origin = await identify(request);
    origins.set(request, origin);
    if (origin !== 'outside') return;
    const caller = currentCaller();
    const seconds = (isPerson(caller) ? people : addresses).spend(caller, 1, performance.now());
    if (seconds > 0) throw new Overload('RATE_LIMITED', seconds);
  });

  const needsPlace = (request: FastifyRequest): boolean => {
    const origin = origins.get(request);
    const { config, url } = request.routeOptions;
    // One operation at the gateway is several at a subgraph. Refusing some of them would break it.
    const isPart = origin === 'gateway' && url === '/graphql';
    return !(config?.isFree || config?.takesNoPlace || isPart || origin === 'service');
  };
  const takePlace = async (caller: string, request: FastifyRequest, { raw }: FastifyReply): Promise<void> => {
    const ticket = places.take(caller);
    tickets.set(request, ticket);
    const timer = setTimeout(() => ticket.giveUp(), limits.waitingTimeoutMs);
    const leave = () => ticket.giveUp();
    raw.once('close', leave);
    try {
      await ticket.taken;
    } finally {
      clearTimeout(timer);
      raw.off('close', leave);
    }
  };

  app.addHook('preParsing', async (request, reply, payload) => {
    if (!needsPlace(request)) return payload;
    const caller = currentCaller();
    const maxBytes = request.routeOptions.bodyLimit;
    const whenRead = (bytes: number) => {
      bodySizes.set(request, bytes);
      return takePlace(caller, request, reply);
    };
    return keepBody(payload, { room, caller, maxBytes, whenRead });
  });
  limitJson(app, (request) => origins.get(request) === 'outside');
  app.addHook('preValidation', async (request, reply) => {
    if (needsPlace(request) && !tickets.has(request)) await takePlace(currentCaller(), request, reply);
  });

  // A caller that breaks off does not free the place of work that goes on: it is free when the work has an answer,
  // and when this answer is sent or nobody is there to take it.
  app.addHook('onSend', async (request, { raw }) => {
    const ticket = tickets.get(request);
    if (!ticket) return;
    if (raw.closed || raw.destroyed) ticket.release();
    else raw.once('close', () => ticket.release());
  });
  app.addHook('onResponse', async (request) => tickets.get(request)?.release());
}

/** Refuses JSON of strangers that has too many values. The gateway sends its own operations with many more. */
function limitJson(app: FastifyInstance, isForeign: (request: FastifyRequest) => boolean): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    try {
      if (isForeign(request)) requireFewValues(text);
    } catch (error) {
      if (!(error instanceof JsonTooComplex)) throw error;
      return done(Object.assign(error, { statusCode: 413 }));
    }
    return parse(request, text, done);
  });
}
