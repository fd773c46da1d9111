import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../day.ts';
import { logWarning } from '../environment/log.ts';
import {
  readServiceToken,
  type ServiceCheck,
  type ServiceIdentity,
  type ServiceReceiver,
  writeServiceToken,
} from '../sealing/service-token.ts';
import { TokenError } from '../sealing/token.ts';
import { type CallerRecord, currentCaller, keyOfAddress, runAsCaller, UNKNOWN_CALLER } from './caller.ts';

/** Connects a Fastify app with the caller of each request, and hands the caller on to another process of the hub. */

/** The caller as the gateway knows it. Believed only beside a proof that the gateway sent it. */
const CALLER_HEADER = 'x-hub-caller';
/** A service token of the gateway. The authorization header holds the person's token. */
const PROOF_HEADER = 'x-hub-proof';
const GATEWAY = 'gateway';
/** Keys are built by `keyOfAddress` and from the subject of a token. The subject may be any line, so it is encoded. */
const MAX_CALLER_CHARS = 1_024;

/** By what the gateway proves to a subgraph that it has sent a request. */
export interface GatewayProof {
  identity: ServiceIdentity;
  now: Clock;
}

/** By what a subgraph knows the gateway. */
export interface GatewayCheck {
  services: ServiceCheck;
  now: Clock;
}

/** Headers that name the current caller to a subgraph in another process. They replace those of the request. */
export async function writeCallerHeaders(
  { identity, now }: GatewayProof,
  receiver: ServiceReceiver,
): Promise<Record<string, string>> {
  return {
    [CALLER_HEADER]: encodeURIComponent(currentCaller()),
    [PROOF_HEADER]: await writeServiceToken(identity, receiver, now()),
  };
}

const forwardedRequests = new WeakSet<FastifyRequest>();

/** Returns whether the hub's gateway has sent a request for its caller. */
export function isForwarded(request: FastifyRequest): boolean {
  return forwardedRequests.has(request);
}

/**
 * Sets the caller of every request (see `currentCaller`). Must be called before other hooks and routes are added. With
 * `gateway`, a caller that the hub's gateway names is believed.
 */
export function addCaller(app: FastifyInstance, gateway?: GatewayCheck): void {
  const callers = new WeakMap<FastifyRequest, CallerRecord>();
  let hasWarned = false;
  const warn = () => {
    if (!hasWarned) logWarning(new Error('the header of a trusted proxy has no address of the client'));
    hasWarned = true;
  };
  const start = (request: FastifyRequest, key: string, done: () => void) => {
    const caller = { key };
    callers.set(request, caller);
    runAsCaller(caller, done);
  };
  app.addHook('onRequest', (request, _reply, done) => {
    const address = keyOfAddress(request.ip);
    if (address === UNKNOWN_CALLER && request.ip) warn();
    if (!gateway || request.headers[PROOF_HEADER] === undefined) return start(request, address, done);
    readForwardedCaller(request, gateway).then((key) => {
      if (key !== null) forwardedRequests.add(request);
      start(request, key ?? address, done);
    }, done);
  });
  // A body arrives in the context of its connection, so the caller is set again after it.
  app.addHook('preValidation', (request, _reply, done) => {
    const caller = callers.get(request);
    if (caller) runAsCaller(caller, done);
    else done();
  });
}

/** Returns the caller that the gateway names, or null if it is not the gateway that asks. */
async function readForwardedCaller(
  { headers }: FastifyRequest,
  { services, now }: GatewayCheck,
): Promise<string | null> {
  const { [CALLER_HEADER]: caller, [PROOF_HEADER]: proof } = headers;
  if (typeof caller !== 'string' || typeof proof !== 'string' || caller.length > MAX_CALLER_CHARS) return null;
  try {
    if ((await readServiceToken(proof, services, now())) !== GATEWAY) return null;
    return decodeURIComponent(caller);
  } catch (error) {
    if (error instanceof TokenError || error instanceof URIError) return null;
    throw error;
  }
}
