import type { KeyObject } from 'node:crypto';
import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import fastifyApollo from '@as-integrations/fastify';
import DataLoader from 'dataloader';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, type GraphQLSchema, parse } from 'graphql';
import { z } from 'zod';
import { type Actor, type Person, PUBLIC } from './actor.ts';
import { createErrorFormat, logFault, type OnFault } from './errors.ts';
import { type Envelope, readEnvelope } from './events.ts';
import { createApp } from './http.ts';
import { checkInputs, type InputRules } from './inputs.ts';
import { REFUSALS, Refusal, type RefusalCode } from './refusal.ts';
import type { RefusalView, ResolverMap } from './resolver-types.ts';
import {
  type Attest,
  base64Bytes,
  type EvidenceMaterial,
  type ReadEvidenceMaterial,
  type ReadPicture,
  type RecordReceipt,
  type Sign,
  type SignAnswer,
  type SignCode,
  type Stamp,
  signRequest,
} from './sign.ts';
import { readServiceToken, readToken, TokenError, writeServiceToken } from './token.ts';

/** The context of a request for a resolver, in every subgraph, in process and over HTTP. */
export interface GraphContext {
  actor: Actor;
  /** The verified token, to forward over HTTP. Null for the public. */
  token: string | null;
  /** Loaders of this request, by name. See `getLoader`. */
  loaders: Map<string, DataLoader<string, unknown>>;
}

export function buildContext(actor: Actor, token: string | null): GraphContext {
  return { actor, token, loaders: new Map() };
}

/** A subgraph as its `index.ts` builds it, without a port or environment variables. */
export interface Subgraph {
  name: string;
  schema: GraphQLSchema;
  /** Receives an event of another subgraph. Safe to call twice. Throws if the producer must send it again. */
  receive(producer: string, event: Envelope): Promise<void>;
  /**
   * Registers HTTP routes besides GraphQL. Every path is under `/<name>/`; seals also has `/log/`.
   * The gateway mounts them or forwards requests.
   */
  routes?(app: FastifyInstance, options: ServeOptions): void;
  /** Starts relays and other background work. */
  start(): void;
  stop(): Promise<void>;
}

/**
 * Parses a subgraph's type definitions and joins them with its resolvers. Every argument is checked before its resolver
 * runs; `rules` are the texts that need another rule than the default (see `checkInputs`).
 */
export function subgraphSchema(typeDefs: string, resolvers: ResolverMap, rules: InputRules = {}): GraphQLSchema {
  const schema = buildSubgraphSchema([{ typeDefs: parse(typeDefs), resolvers }]);
  return checkInputs(schema, rules);
}

/** Returns the request's loader `name`. It batches single reads into one `batch` call, which keeps the keys' order. */
export function getLoader<Value>(
  context: GraphContext,
  name: string,
  batch: (keys: readonly string[]) => Promise<readonly (Value | Error | null)[]>,
): DataLoader<string, Value | null> {
  const existingLoader = context.loaders.get(name) as DataLoader<string, Value | null> | undefined;
  if (existingLoader) return existingLoader;
  const newLoader = new DataLoader<string, Value | null>(batch);
  context.loaders.set(name, newLoader as DataLoader<string, unknown>);
  return newLoader;
}

/**
 * Runs a mutation. Returns a Refusal as data, with `fields`, the values of the payload's fields that cannot be null.
 * Rethrows any other error.
 */
export async function mutate<Result extends object, Fields extends object = object>(
  run: () => Promise<Result>,
  fields?: Fields,
): Promise<Result | (Fields & { refusal: RefusalView })> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refusal) return { ...(fields as Fields), refusal: toRefusalView(error) };
    throw error;
  }
}

export function toRefusalView(refusal: Refusal): RefusalView {
  return { code: refusal.code, message: refusal.message, field: refusal.field };
}

/** Returns the calling person. Throws an error with `extensions.code` UNAUTHENTICATED for the public. */
export function requirePerson(actor: Actor): Person {
  if (actor.kind === 'person') return actor;
  throw new GraphQLError('请先登录：此查询需要令牌。', { extensions: { code: 'UNAUTHENTICATED' } });
}

/** Builds an error with `extensions.code` FORBIDDEN, for a query that this person may not make at all. */
export function buildForbiddenError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'FORBIDDEN' } });
}

/** Reads a request's token into its context. Used by the gateway and by every subgraph in its own process. */
export async function readContext(request: FastifyRequest, key: KeyObject, now: Date): Promise<GraphContext> {
  const token = readBearerToken(request);
  if (token === null) return buildContext(PUBLIC, null);
  try {
    return buildContext(await readToken(token, key, now), token);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    throw new GraphQLError(error.message, { extensions: { code: error.code, http: { status: 401 } } });
  }
}

/** Returns the bearer token, or null if there is no Authorization header. Another form of header is a bad token. */
function readBearerToken(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  return /^Bearer ([\w.-]+)$/i.exec(header)?.[1] ?? '';
}

/** Maximum request size. GraphQL documents and events are small. */
const MAX_BODY_BYTES = 1_048_576;

export interface ServeOptions {
  tokenKey: KeyObject;
  serviceKey: Uint8Array;
  now: () => Date;
  /** Receives each fault. They are logged if it is absent. */
  onFault?: OnFault | undefined;
}

/**
 * Serves one subgraph over HTTP: `POST /graphql` with the caller's token, `POST /events/:producer` with a service
 * token. Does not listen. `routes` adds further routes.
 */
export async function serveSubgraph(
  subgraph: Subgraph,
  options: ServeOptions,
  routes?: (app: FastifyInstance) => void,
): Promise<FastifyInstance> {
  const onFault = options.onFault ?? logFault;
  const app = createApp(onFault, { bodyLimit: MAX_BODY_BYTES });
  const server = new ApolloServer<GraphContext>({
    schema: subgraph.schema,
    // All but the first send data to the vendor if its key is in the environment. The hub must not send any.
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    formatError: createErrorFormat(onFault),
    // The owner of the process decides what a signal stops, and in which order.
    stopOnTerminationSignals: false,
  });
  await server.start();
  await app.register(fastifyApollo(server), {
    context: (request: FastifyRequest) => readContext(request, options.tokenKey, options.now()),
  });
  app.get('/health/live', async () => ({ status: 'live' }));
  app.post('/events/:producer', async (request, reply) => {
    await requireService(request, options);
    const { producer } = request.params as { producer: string };
    await subgraph.receive(producer, readEnvelope(request.body));
    return reply.code(204).send();
  });
  routes?.(app);
  if (subgraph.routes) await app.register(async (scope) => subgraph.routes?.(scope, options));
  app.addHook('onClose', () => server.stop());
  return app;
}

/**
 * Returns the context of a request's token, for a route besides GraphQL. Returns null after it has sent a 401 with a
 * code and a sentence. The public also gets a context; the route decides what the public may do.
 */
export async function identifyCaller(
  request: FastifyRequest,
  reply: FastifyReply,
  { tokenKey, now }: Pick<ServeOptions, 'tokenKey' | 'now'>,
): Promise<GraphContext | null> {
  try {
    return await readContext(request, tokenKey, now());
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    await reply.code(401).send({ code: error.extensions.code, message: error.message });
    return null;
  }
}

/** Returns `content-disposition` for a file to save: RFC 6266 with the name in UTF-8 (RFC 8187). */
export function buildContentDisposition(name: string): string {
  const asciiName = name.replace(/[^\w.-]/g, '_');
  const encodedName = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${asciiName}"; filename*=UTF-8''${encodedName}`;
}

/** Returns the service that sent a request. Throws TokenError unless it proves that it belongs to this hub. */
export function requireService(
  request: FastifyRequest,
  options: Pick<ServeOptions, 'serviceKey' | 'now'>,
): Promise<string> {
  return readServiceToken(readBearerToken(request) ?? '', options.serviceKey, options.now());
}

/** Maximum wait for the answer of another subgraph or of the signer. */
const SEND_TIMEOUT_MS = 10_000;

/** Returns a function that sends events of `producer` to the subgraph at `baseUrl`. It throws if that fails. */
export function createEventSender(
  baseUrl: string,
  producer: string,
  serviceKey: Uint8Array,
  now: () => Date,
): (event: Envelope) => Promise<void> {
  return async (event) => {
    await postService(`${baseUrl}/events/${producer}`, producer, event, serviceKey, now);
  };
}

/** Calls another subgraph with JSON and a service token. Throws unless the answer is 2xx or 422 (a refusal). */
export function postService(
  url: string,
  service: string,
  body: unknown,
  serviceKey: Uint8Array,
  now: () => Date,
): Promise<Response> {
  return postBody(url, service, { type: 'application/json', body: JSON.stringify(body) }, serviceKey, now);
}

/** Like `postService`, with a body that is already encoded. */
export async function postBody(
  url: string,
  service: string,
  { type, body }: { type: string; body: string | Buffer<ArrayBuffer> },
  serviceKey: Uint8Array,
  now: () => Date,
): Promise<Response> {
  const token = await writeServiceToken(serviceKey, service, now());
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${token}` },
    body,
    signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
  });
  if (!response.ok && response.status !== 422) throw new Error(`${url}: HTTP ${response.status}`);
  return response;
}

const signedAnswer = z.object({
  state: z.literal('SIGNED'),
  signature: base64Bytes,
  sealId: z.string(),
  sealName: z.string(),
  signedAt: z.iso.datetime(),
});
const pendingAnswer = z.object({ state: z.literal('PENDING'), reason: z.string() });
const refusalAnswer = z.object({
  code: z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]]),
  field: z.string().nullable(),
});

/** Calls a port of seals and returns its answer, parsed by `schema`. Throws a Refusal if it refuses. */
async function callSeals<Answer>(
  path: string,
  schema: z.ZodType<Answer>,
  body: unknown,
  [baseUrl, service, serviceKey, now]: PortAddress,
): Promise<Answer> {
  const response = await postService(`${baseUrl}/${path}`, service, body, serviceKey, now);
  return schema.parse(requireAnswer(response, await response.json()));
}

/** Returns the answer of another process. Throws a Refusal if the answer is one (422). */
export function requireAnswer(response: Response, answer: unknown): unknown {
  if (response.status !== 422) return answer;
  const { code, field } = refusalAnswer.parse(answer);
  throw new Refusal(code, field);
}

/** The address of seals, the calling service, its service key, and the clock. */
type PortAddress = [baseUrl: string, service: string, serviceKey: Uint8Array, now: () => Date];

/** The port `seals.sign` over HTTP. */
export function signOverHttp(...address: PortAddress): Sign {
  return (request): Promise<SignAnswer> =>
    callSeals(
      'sign',
      z.discriminatedUnion('state', [signedAnswer, pendingAnswer]),
      z.encode(signRequest, request),
      address,
    );
}

/** The port `seals.signCode` over HTTP. */
export function signCodeOverHttp(...address: PortAddress): SignCode {
  return async (request) => (await callSeals('code', z.object({ code: z.string() }), request, address)).code;
}

/** The port `seals.picture` over HTTP. */
export function readPictureOverHttp(...address: PortAddress): ReadPicture {
  return async (request) =>
    (await callSeals('picture', z.object({ picture: base64Bytes.nullable() }), request, address)).picture;
}

/** The port `seals.attest` over HTTP. */
export function attestOverHttp(...address: PortAddress): Attest {
  return async (request) =>
    (await callSeals('attest', z.object({ attestation: z.string() }), request, address)).attestation;
}

/** The port `seals.stamp` over HTTP. */
export function stampOverHttp(...address: PortAddress): Stamp {
  return async (digest) => {
    const request = { digest: Buffer.from(digest).toString('hex') };
    return (await callSeals('stamp', z.object({ token: base64Bytes }), request, address)).token;
  };
}

/** The port `seals.material` over HTTP. */
export function readMaterialOverHttp(...address: PortAddress): ReadEvidenceMaterial {
  const authorityFields = { root: base64Bytes, issuing: base64Bytes, rootList: base64Bytes, issuingList: base64Bytes };
  const logFields = { log: z.string().nullable(), logKeys: z.array(z.string()) };
  const material = z.object({ ...authorityFields, ...logFields, codes: z.array(base64Bytes) });
  return (request): Promise<EvidenceMaterial> => callSeals('material', material, request, address);
}

/** The port `seals.record` over HTTP. */
export function recordReceiptOverHttp(...address: PortAddress): RecordReceipt {
  return async (receipt) => {
    await callSeals('record', z.object({}), receipt, address);
  };
}
