import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { createGateway, type GatewayOptions } from '../../gateway/gateway.ts';
import type { Clock } from '../../subgraphs/kernel/day.ts';
import { requirePerson } from '../../subgraphs/kernel/http/context.ts';
import type { ResolverMap } from '../../subgraphs/kernel/http/resolver-types.ts';
import { type Subgraph, serveSubgraph, subgraphSchema } from '../../subgraphs/kernel/http/serve.ts';
import { tokenKeys } from './actors.ts';
import { TEST_LIMITS } from './limits.ts';
import { testParsers } from './parsers.ts';
import { identities, servicesOf } from './services.ts';

/** Subgraphs with the real schemas and invented answers, for tests of only the gateway. */

const NAMES = ['matters', 'cases', 'licenses', 'seals'] as const;

/** Resolvers per subgraph. A stub answers only what its test asks. */
export type Stubs = Partial<Record<(typeof NAMES)[number], ResolverMap>>;

/** Returns a resolver that requires a person and passes the person's name to `answer`. */
export function answerAsPerson<Result>(answer: (name: string) => Result) {
  return (_parent: unknown, _args: unknown, context: { actor: Parameters<typeof requirePerson>[0] }): Result =>
    answer(requirePerson(context.actor).name);
}

function buildStubSchema(name: (typeof NAMES)[number], stubs: Stubs): GraphQLSchema {
  const typeDefs = readFileSync(new URL(`../../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');
  return subgraphSchema(typeDefs, stubs[name] ?? {}, { masksCodes: false });
}

/** Returns a source per subgraph that calls its stub in process. */
export function buildStubSources(stubs: Stubs): Record<string, GatewayOptions['sources'][string]> {
  return Object.fromEntries(NAMES.map((name) => [name, { schema: buildStubSchema(name, stubs) }]));
}

export interface StubGateway {
  app: FastifyInstance;
  /** Each fault that the gateway masked. */
  faults: unknown[];
  stop(): Promise<void>;
}

/** Creates a gateway over stubs, called in process or over HTTP. */
export async function createStubGateway(
  clock: Clock,
  stubs: Stubs,
  transport: 'local' | 'http' = 'local',
  overrides: Partial<GatewayOptions> = {},
): Promise<StubGateway> {
  process.env.APOLLO_TELEMETRY_DISABLED = '1';
  const faults: unknown[] = [];
  const onFault = (_incident: string, error: unknown) => faults.push(error);
  const servedApps: FastifyInstance[] = [];
  const sources = buildStubSources(stubs);
  for (const name of transport === 'http' ? NAMES : []) {
    const schema = buildStubSchema(name, stubs);
    const subgraph: Subgraph = { name, schema, receive: async () => {}, start: () => {}, stop: async () => {} };
    const app = await serveSubgraph(subgraph, {
      tokenKey: tokenKeys.publicKey,
      services: servicesOf(name),
      now: clock,
      onFault,
    });
    servedApps.push(app);
    sources[name] = { url: `${await app.listen({ host: '127.0.0.1', port: 0 })}/graphql` };
  }
  const app = await createGateway({
    sources,
    tokenKey: tokenKeys.publicKey,
    identity: identities.gateway,
    parsers: testParsers,
    now: clock,
    rootCertificate: async () => '-----BEGIN CERTIFICATE-----\n',
    checks: {},
    limits: TEST_LIMITS,
    onFault,
    ...overrides,
  });
  const stop = async () => {
    await app.close();
    await Promise.all(servedApps.map((servedApp) => servedApp.close()));
  };
  return { app, faults, stop };
}

export interface Answer {
  status: number;
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/** Sends a query to a gateway without a socket. */
export async function postQuery(app: FastifyInstance, query: string, token?: string | null): Promise<Answer> {
  const response = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    payload: JSON.stringify({ query }),
  });
  return { status: response.statusCode, ...response.json() };
}
