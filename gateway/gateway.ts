import { ApolloGateway, type GraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import fastifyApollo from '@as-integrations/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLFormattedError, GraphQLSchema } from 'graphql';
import { awaitUntil, currentDeadline } from '../db/deadline.ts';
import { currentRequest, logFault, logWarning } from '../subgraphs/kernel/environment/log.ts';
import { REQUEST_ID_HEADER } from '../subgraphs/kernel/environment/request-log.ts';
import type { ParserPool } from '../subgraphs/kernel/foreign/pool.ts';
import { delayPlugin, readDelayed } from '../subgraphs/kernel/graphql/fresh-answers.ts';
import { requireTexts } from '../subgraphs/kernel/graphql/inputs.ts';
import { opensPage } from '../subgraphs/kernel/http/answer/problem-hook.ts';
import { type GatewayProof, writeCallerHeaders } from '../subgraphs/kernel/http/caller-hook.ts';
import { type GraphContext, identifyOrigin, readContext, type TokenCheck } from '../subgraphs/kernel/http/context.ts';
import {
  createDeadlinePlugin,
  type DeadlineOptions,
  READING_METHODS,
  WRITE_DEADLINE_MS,
} from '../subgraphs/kernel/http/deadline-hook.ts';
import { type OnFault, ReportedFault } from '../subgraphs/kernel/http/errors.ts';
import { createApp } from '../subgraphs/kernel/http/http.ts';
import { operationLogPlugin } from '../subgraphs/kernel/http/operation-log.ts';
import { DEFAULT_HUB_LIMITS, type HubLimits } from '../subgraphs/kernel/limits/limits.ts';
import { readOverload } from '../subgraphs/kernel/limits/overload.ts';
import { OPERATOR } from '../subgraphs/kernel/outgoing/address.ts';
import { AnswerTooLong, type HttpRequest, sendRequest } from '../subgraphs/kernel/outgoing/http-client.ts';
import type { ServiceReceiver } from '../subgraphs/kernel/sealing/service-token.ts';
import { addCompression } from './compression.ts';
import { type AllowedOrigins, addCors, isOfForeignPage } from './cors.ts';
import { type CostLimits, DEFAULT_LIMITS } from './cost/limits.ts';
import { readCostModel } from './cost/model.ts';
import { buildAnswerError, createCostControl } from './cost/plugin.ts';
import { formatError } from './errors.ts';
import { createFileLinks } from './file-link/link.ts';
import { addFileLinkRoutes, createLinkOpener } from './file-link/routes.ts';
import { limitRule, MAX_TOKENS } from './limits.ts';
import { renderProblemPage } from './page/problem.ts';
import { planInWorkers } from './plan/planner.ts';
import { createPlanStore } from './plan/store.ts';
import { PLANNER_LIMITS, SUPERGRAPH_SDL } from './plan/supergraph.ts';
import { completionPlugin, createHaltPlugin, operationPlugin, overloadPlugin, statusPlugin } from './plugins.ts';
import { addPublicRoutes, type RouteOptions, type RunQuery } from './routes.ts';
import { createLocalSource } from './source/local.ts';
import { withPlacedErrors } from './source/partial.ts';
import { variablePlugin } from './variables.ts';

/** How a subgraph is reached: in this process, or over HTTP (its `/graphql`). */
export type SubgraphSource = { schema: GraphQLSchema } | { url: string };

export interface GatewayOptions extends TokenCheck, GatewayProof, RouteOptions, DeadlineOptions {
  sources: Readonly<Record<string, SubgraphSource>>;
  /** Mounts the routes of each subgraph under `/<name>/`, other than GraphQL. */
  mount?: (app: FastifyInstance) => Promise<void>;
  /** Web pages that may use the hub. None if absent. */
  allowedOrigins?: AllowedOrigins | undefined;
  /** Address at which the public reaches the gateway. With https, browsers are told to use nothing else. */
  publicUrl?: string | undefined;
  onFault?: OnFault;
  /** Plans long operations. */
  parsers: ParserPool;
  /** Proxies in front of the gateway, see `AppOptions`. */
  trustedProxies?: readonly string[] | undefined;
  /** Limits on the work of operations. Default: those of the environment variables. */
  limits?: CostLimits | undefined;
  /** Limits per caller and of connections. Default: those of the environment variables. */
  callerLimits?: HubLimits | undefined;
  /** Seconds for which a link to a file counts. Default: as the environment variable says. */
  fileLinkSeconds?: number | undefined;
}

/** Maximum request body. GraphQL documents are small, and files are not uploaded by GraphQL. */
const MAX_BODY_BYTES = 1_048_576;
/** A request to a subgraph fails after this time. */
const SUBGRAPH_TIMEOUT_MS = WRITE_DEADLINE_MS + 5_000;
const PLAN_STORE_BYTES = 16 * 1_048_576;
/** Maximum length of a path parameter. A license identifier has at most 98 characters. */
const MAX_PARAMETER_CHARS = 200;

/**
 * Creates the GraphQL endpoint over all subgraphs, and the public pages. Does not listen.
 *
 * The caller must set APOLLO_TELEMETRY_DISABLED=1 in the environment first. @apollo/gateway has no other switch.
 */
export async function createGateway(options: GatewayOptions): Promise<FastifyInstance> {
  const { onFault = logFault, limits = DEFAULT_LIMITS, callerLimits = DEFAULT_HUB_LIMITS } = options;
  const plans = createPlanStore(PLAN_STORE_BYTES);
  const gateway = new ApolloGateway({
    supergraphSdl: SUPERGRAPH_SDL,
    buildService: ({ name }) =>
      withPlacedErrors(createDataSource(name, options, limits.maxAnswerBytes), onFault, () => requireSchema(gateway)),
    queryPlannerConfig: { debug: PLANNER_LIMITS, cache: plans.cache },
    __exposeQueryPlanExperimental: false,
    logger: libraryLogger,
  });
  const costControl = createCostControl(() => readCostModel(requireSchema(gateway), SUPERGRAPH_SDL), plans, limits);
  const server = new ApolloServer<GraphContext>({
    gateway: planInWorkers(gateway, plans, options.parsers),
    logger: libraryLogger,
    introspection: true,
    csrfPrevention: true,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [limitRule],
    formatError: formatError(onFault),
    plugins: [
      ...[operationPlugin, statusPlugin, operationLogPlugin],
      createDeadlinePlugin(options),
      variablePlugin,
      costControl.plugin,
      createHaltPlugin(options.halt),
      overloadPlugin,
      ...[completionPlugin, delayPlugin],
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
    ],
  });
  await server.start();
  requireTexts(requireSchema(gateway));
  const links = createFileLinks(options.identity, options.now);
  const app = createApp(onFault, {
    rewriteUrl: createLinkOpener(links),
    isHttps: options.publicUrl?.startsWith('https:'),
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_PARAMETER_CHARS },
    trustedProxies: options.trustedProxies,
    ...{ connections: callerLimits.connections, readDeadlineMs: options.readDeadlineMs },
    renderProblem: renderProblemPage,
    operations: { limits: callerLimits.operations, identify: (request) => identifyOrigin(request, options) },
  });
  await addCompression(app);
  await addCors(app, options.allowedOrigins ?? []);
  app.addHook('onRequest', async ({ method, routeOptions }) => {
    // GraphQL tells reading from writing itself.
    if (!READING_METHODS.has(method) && routeOptions.url !== '/graphql') options.halt?.requireActing();
  });
  addGetRules(app, options.allowedOrigins ?? []);
  await app.register(fastifyApollo(server), {
    async context(request: FastifyRequest) {
      const context = await readContext(request, options);
      costControl.chargeRequest(request, context);
      return context;
    },
  });
  await options.mount?.(app);
  addFileLinkRoutes(app, { ...options, links, allowedOrigins: options.allowedOrigins ?? [] });
  addPublicRoutes(app, options, { runQuery: createRunQuery(server), schema: requireSchema(gateway) });
  app.addHook('onClose', () => server.stop());
  return app;
}

/** A GET at `/graphql`: a browser that opens the address is led to the explorer, anybody else reads. */
function addGetRules(app: FastifyInstance, allowedOrigins: AllowedOrigins): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'GET' || request.routeOptions.url !== '/graphql') return;
    const { query } = request.query as { query?: unknown };
    if (opensPage(request)) {
      const parameters = typeof query === 'string' ? `?${new URLSearchParams({ query })}` : '';
      return reply.code(303).header('location', `/explorer${parameters}`).send();
    }
    // Without this header the library takes a GET for one of a foreign page, and refuses it.
    if (!isOfForeignPage(request.headers, allowedOrigins)) request.headers['apollo-require-preflight'] ??= '1';
  });
}

function requireSchema({ schema }: ApolloGateway): GraphQLSchema {
  if (!schema) throw new Error('the gateway has no schema');
  return schema;
}

/** Suppresses informational library logs. Warnings and errors go to the operator. */
const libraryLogger = {
  debug: () => {},
  info: () => {},
  warn: logWarning,
  error: logWarning,
};

function createDataSource(
  name: string,
  { sources, ...proof }: GatewayProof & Pick<GatewayOptions, 'sources'>,
  maxAnswerBytes: number,
): GraphQLDataSource<GraphContext> {
  const source = sources[name];
  if (!source) throw new Error(`no source for subgraph ${name}`);
  if ('schema' in source) return withinDeadline(createLocalSource(source.schema));
  const remote = new RemoteGraphQLDataSource<GraphContext>({
    url: source.url,
    // The default fetcher would use a proxy from the environment.
    fetcher: (url, init) => postOperation(url, init as Operation, maxAnswerBytes) as never,
    async willSendRequest({ request, context }) {
      if (context.token) request.http?.headers.set('authorization', `Bearer ${context.token}`);
      const requestId = currentRequest();
      if (requestId) request.http?.headers.set(REQUEST_ID_HEADER, requestId);
      const callerHeaders = await writeCallerHeaders(proof, name as ServiceReceiver);
      for (const [header, value] of Object.entries(callerHeaders)) request.http?.headers.set(header, value);
    },
  });
  return withinDeadline({
    async process(call) {
      const response = await remote.process(call);
      for (const subgraph of readDelayed(response.extensions)) call.context.delayed?.add(subgraph);
      return response;
    },
  });
}

type Operation = Pick<HttpRequest, 'headers' | 'body'>;

/** Sends an operation to a subgraph. Throws ANSWER_TOO_LARGE as soon as the answer is longer than `maxBytes`. */
async function postOperation(url: string, { headers, body }: Operation, maxAnswerBytes: number): Promise<Response> {
  const deadline = currentDeadline();
  const limits = { timeoutMs: SUBGRAPH_TIMEOUT_MS, maxAnswerBytes, ...(deadline && { signal: deadline.signal }) };
  const request = { reach: OPERATOR, headers, body, ...limits };
  const { bytes, ...answer } = await sendRequest(url, request).catch((error) => {
    throw error instanceof AnswerTooLong ? buildAnswerError(maxAnswerBytes) : error;
  });
  return new Response(bytes, answer);
}

/** Ends the wait for a subgraph at the deadline of the operation, whatever the subgraph is doing. */
function withinDeadline(source: GraphQLDataSource<GraphContext>): GraphQLDataSource<GraphContext> {
  return {
    process(call) {
      const deadline = currentDeadline();
      return deadline ? awaitUntil(deadline.signal, source.process(call)) : source.process(call);
    },
  };
}

/** Returns the fault that is the reason of an error in an answer. The hub's own query causes no other. */
function readFault({ message, extensions }: GraphQLFormattedError): Error {
  const incident = extensions?.incident;
  return typeof incident === 'string' ? new ReportedFault(incident) : new Error(message);
}

function createRunQuery(server: ApolloServer<GraphContext>): RunQuery {
  return async (query, variables, context) => {
    const { body } = await server.executeOperation({ query, variables }, { contextValue: context });
    if (body.kind !== 'single') throw new Error('an answer in parts');
    const [error] = body.singleResult.errors ?? [];
    if (error) throw readOverload(error.extensions) ?? readFault(error);
    return body.singleResult.data ?? {};
  };
}
