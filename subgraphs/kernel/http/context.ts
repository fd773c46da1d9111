import type { KeyObject } from 'node:crypto';
import DataLoader from 'dataloader';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import { type Actor, type Person, PUBLIC } from '../actor.ts';
import type { Origin } from '../limits/operation-hook.ts';
import { findReadScope, type ReadRule, type ReadScope } from '../policy.ts';
import type { Service } from '../sealing/service-keys.ts';
import { isServiceToken, readServiceToken, type ServiceCheck } from '../sealing/service-token.ts';
import { readToken, TokenError } from '../sealing/token.ts';
import { noteHub, notePerson } from './caller.ts';
import { isForwarded } from './caller-hook.ts';

/** Who calls: the token of a request, its actor, and what a resolver knows of both. */

/** The context of a request for a resolver, in every subgraph, in process and over HTTP. */
export interface GraphContext {
  actor: Actor;
  /** A verified token of the hub's own, to forward to a subgraph over HTTP. Null for the public. */
  token: string | null;
  /** Loaders of this request, by name. See `getLoader`. */
  loaders: Map<string, unknown>;
  /** Subgraphs that do not know yet what a mutation of this request changed. The answer names them. */
  delayed: Set<string>;
}

export function buildContext(
  actor: Actor,
  token: string | null,
  delayed: GraphContext['delayed'] = new Set(),
): GraphContext {
  return { actor, token, loaders: new Map(), delayed };
}

/** Returns the request's loader `name`. It batches single reads into one `batch` call, which keeps the keys' order. */
export function getLoader<Value, Key = string>(
  context: GraphContext,
  name: string,
  batch: (keys: readonly Key[]) => Promise<readonly (Value | Error | null)[]>,
): DataLoader<Key, Value | null> {
  const existingLoader = context.loaders.get(name) as DataLoader<Key, Value | null> | undefined;
  if (existingLoader) return existingLoader;
  const newLoader = new DataLoader<Key, Value | null>(batch);
  context.loaders.set(name, newLoader);
  return newLoader;
}

/** Returns the calling person. Throws an error with `extensions.code` UNAUTHENTICATED for the public. */
export function requirePerson(actor: Actor): Person {
  if (actor.kind === 'person') return actor;
  throw new GraphQLError('请先登录：此查询需要令牌。', { extensions: { code: 'UNAUTHENTICATED' } });
}

/**
 * Returns the organs whose records the caller may read, or null for every organ. Throws UNAUTHENTICATED for the public,
 * and FORBIDDEN with `message` if the row does not let the person read at all.
 */
export function requireReadScope(rule: ReadRule, actor: Actor, message: string): ReadScope {
  const scope = findReadScope(rule, requirePerson(actor));
  if (!scope) throw buildForbiddenError(message);
  return scope.organs;
}

/**
 * Whether the caller may read a record that concerns these organs. Throws UNAUTHENTICATED for the public. Must be asked
 * for a record that does not exist too, so that both are answered alike.
 */
export function mayRead(rule: ReadRule, actor: Actor, organs: readonly (string | null)[]): boolean {
  const scope = findReadScope(rule, requirePerson(actor));
  return scope !== null && (scope.organs === null || scope.organs.some((organ) => organs.includes(organ)));
}

/** Builds an error with `extensions.code` FORBIDDEN, for a query that this person may not make at all. */
export function buildForbiddenError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'FORBIDDEN' } });
}

/** How a process finds the person of a token. */
export interface SignIn {
  /** Throws TokenError. */
  readPerson(token: string, now: Date): Promise<Person>;
  /** Writes a short-lived token of the hub's own, by which subgraphs in other processes know the person. */
  writeToken(person: Person, now: Date): Promise<string>;
}

/** What callers are known by. */
export interface Authentication {
  /** Public half of the key that signs the hub's own tokens. */
  tokenKey: KeyObject;
  /** At the edge: takes what the identity provider signs. Without it, only the hub's own tokens count. */
  signIn?: SignIn | undefined;
  /** What the processes of the hub are known by. */
  services: ServiceCheck;
  now: () => Date;
}

/** What a person's token is read by. */
export type TokenCheck = Pick<Authentication, 'tokenKey' | 'signIn' | 'now'>;

/** Reads a request's token into its context. Used by the gateway and by every subgraph in its own process. */
export async function readContext(request: FastifyRequest, check: TokenCheck): Promise<GraphContext> {
  const token = readBearerToken(request);
  if (token === null) return buildContext(PUBLIC, null);
  try {
    const person = await readPerson(request, token, check);
    return buildContext(person, check.signIn ? await check.signIn.writeToken(person, check.now()) : token);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { code, statusCode: status } = error;
    throw new GraphQLError(error.message, { extensions: { code, http: { status } } });
  }
}

/** The person of each request. A token is verified once, before the limits count the request. */
const persons = new WeakMap<FastifyRequest, Promise<Person>>();

/** Returns the person of a request's token, and makes it the caller. Throws TokenError. */
async function readPerson(request: FastifyRequest, token: string, check: TokenCheck): Promise<Person> {
  const { tokenKey, signIn, now } = check;
  const known = persons.get(request) ?? (signIn ? signIn.readPerson(token, now()) : readToken(token, tokenKey, now()));
  persons.set(request, known);
  const person = await known;
  notePerson(person.id);
  return person;
}

/** Returns the bearer token, or null if there is no Authorization header. Another form of header is a bad token. */
function readBearerToken(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  return /^Bearer ([\w.-]+)$/i.exec(header)?.[1] ?? '';
}

/**
 * Returns the context of a request's token, for a route besides GraphQL. Returns null after it has sent a status, a
 * code and a sentence. The public also gets a context; the route decides what the public may do.
 */
export async function identifyCaller(
  request: FastifyRequest,
  reply: FastifyReply,
  check: TokenCheck,
): Promise<GraphContext | null> {
  try {
    return await readContext(request, check);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const { code, http } = error.extensions as { code: string; http?: { status: number } };
    await reply.code(http?.status ?? 401).send({ code, message: error.message });
    return null;
  }
}

/**
 * Finds who sent a request, and makes its caller the person of a good token, or the hub for a service. A bad token
 * changes nothing: its sender counts by address. Without `services` there are none.
 */
export async function identifyOrigin(
  request: FastifyRequest,
  options: TokenCheck & Partial<Authentication>,
): Promise<Origin> {
  const { services, now } = options;
  const token = readBearerToken(request);
  try {
    if (token && services && isServiceToken(token)) {
      await readServiceToken(token, services, now());
      noteHub();
      return 'service';
    }
    if (token) await readPerson(request, token, options);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
  }
  return isForwarded(request) ? 'gateway' : 'outside';
}

/** Returns the service that sent a request. Throws TokenError unless it proves that it belongs to this hub. */
export function requireService(
  request: FastifyRequest,
  options: Pick<Authentication, 'services' | 'now'>,
): Promise<Service> {
  return readServiceToken(readBearerToken(request) ?? '', options.services, options.now());
}
