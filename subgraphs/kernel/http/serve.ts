import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import fastifyApollo from '@as-integrations/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { logFault } from '../environment/log.ts';
import { awaitOwnEvents, collectWaits, type Delayed, runAndAwaitEvents } from '../events/delivery-waits.ts';
import { type Envelope, readEnvelope } from '../events/events.ts';
import { answerActions } from '../graphql/actions.ts';
import { parseSchema } from '../graphql/descriptions.ts';
import { createLimitRule } from '../graphql/document-limits.ts';
import { awaitMutations, delayPlugin } from '../graphql/fresh-answers.ts';
import { checkInputs, type InputRules } from '../graphql/inputs.ts';
import { answerGlobalIds } from '../graphql/node.ts';
import { answerRefusals } from '../graphql/refusals.ts';
import type { Halt } from '../halt.ts';
import { DEFAULT_HUB_LIMITS, type HubLimits } from '../limits/limits.ts';
import { protectOutputs } from '../privacy/output.ts';
import type { OutputRules } from '../privacy/output-rules.ts';
import type { Service } from '../sealing/service-keys.ts';
import { type Authentication, type GraphContext, identifyOrigin, readContext, requireService } from './context.ts';
import { createDeadlinePlugin, type DeadlineOptions } from './deadline-hook.ts';
import { createErrorFormat, type OnFault } from './errors.ts';
import { createApp } from './http.ts';
import { operationLogPlugin } from './operation-log.ts';
import type { ResolverMap } from './resolver-types.ts';

/** A subgraph as its `index.ts` builds it, without a port or environment variables. */
export interface Subgraph {
  name: Exclude<Service, 'gateway'>;
  schema: GraphQLSchema;
  /** Receives an event of another subgraph. Safe to call twice. Throws if the producer must send it again. */
  receive(producer: string, event: Envelope): Promise<void>;
  /**
   * Registers HTTP routes besides GraphQL. Every path is under `/<name>/`; seals also has `/log/`.
   * The gateway mounts them or forwards requests.
   */
  routes?(app: FastifyInstance, options: ServeOptions): void;
  /** Whether it acts. Absent in a subgraph that cannot find out that it must not. */
  halt?: Halt;
  /** Starts relays and other background work. */
  start(): void;
  stop(): Promise<void>;
}

/**
 * Parses a subgraph's type definitions and joins them with its resolvers and with the types of the kernel: every
 * mutation answers refusals in one way (`answerRefusals`), every object its actions (`answerActions`).
 * Every argument is checked before its resolver runs; `inputs` are the texts that need another rule than the default
 * (see `checkInputs`). Every text that is answered is protected as `outputs` say (see `protectOutputs`).
 * A mutation answers when other subgraphs know what it changed.
 */
export function subgraphSchema(
  typeDefs: string,
  resolvers: ResolverMap,
  outputs: OutputRules,
  inputs: InputRules = {},
): GraphQLSchema {
  const schema = buildSubgraphSchema([{ typeDefs: parseSchema(typeDefs), resolvers }]);
  return awaitMutations(
    protectOutputs(answerRefusals(answerGlobalIds(checkInputs(answerActions(schema), inputs))), outputs),
  );
}

/**
 * Hands an event to a subgraph. Returns who has not taken the events that came of it. Throws if the producer must send
 * it again.
 */
export async function takeEvent(subgraph: Subgraph, producer: string, event: Envelope): Promise<Delayed> {
  return (await runAndAwaitEvents(() => subgraph.receive(producer, event))).delayed;
}

/** The header of an answer that lists subgraphs which do not know yet what the request has changed. */
const DELAYED_HEADER = 'x-delayed-subgraphs';

/**
 * Registers the HTTP routes of a subgraph besides GraphQL. What a request has changed is true in every subgraph when it
 * is answered, as for mutations: the answer waits for the events that the request has committed.
 */
export async function addSubgraphRoutes(app: FastifyInstance, subgraph: Subgraph, options: ServeOptions) {
  await app.register(async (scope) => {
    // After the body was read: its events would lose the work that they belong to.
    scope.addHook('preHandler', (_request, _reply, done) => collectWaits(done));
    scope.addHook('onSend', async (_request, reply) => {
      const delayed = await awaitOwnEvents();
      if (delayed.length > 0) reply.header(DELAYED_HEADER, [...delayed].sort().join(', '));
    });
    subgraph.routes?.(scope, options);
  });
}

/** Maximum request size. GraphQL documents and events are small. */
const MAX_BODY_BYTES = 1_048_576;

/** Tokens and form of one document. The gateway sends no more: its own limits, with fragments expanded and keys. */
const MAX_TOKENS = 50_000;
const limitRule = createLimitRule({
  depth: 20,
  fragments: 40,
  conditions: 20,
  nameChars: 400,
  valueDepth: 10,
  rootFields: 100,
  fields: 5_000,
  introspection: 5_000,
});

export interface ServeOptions extends Authentication, DeadlineOptions {
  /** Receives each fault. They are logged if it is absent. */
  onFault?: OnFault | undefined;
  /** The defaults if absent. */
  callerLimits?: HubLimits | undefined;
}

/**
 * Serves one subgraph over HTTP: `POST /graphql` with the caller's token, `POST /events/:producer` with a service
 * token. Does not listen. `routes` adds further routes.
 */
export async function serveSubgraph(
  subgraph: Subgraph,
  options: ServeOptions,
  routes?: (app: FastifyInstance, options: ServeOptions) => void,
): Promise<FastifyInstance> {
  const onFault = options.onFault ?? logFault;
  const app = createApp(onFault, {
    bodyLimit: MAX_BODY_BYTES,
    gateway: options,
    connections: options.callerLimits?.connections,
    readDeadlineMs: options.readDeadlineMs,
    operations: {
      limits: (options.callerLimits ?? DEFAULT_HUB_LIMITS).operations,
      identify: (request) => identifyOrigin(request, options),
    },
  });
  const server = new ApolloServer<GraphContext>({
    schema: subgraph.schema,
    // All but the first send data to the vendor if its key is in the environment. The hub must not send any.
    plugins: [
      operationLogPlugin,
      createDeadlinePlugin(options),
      delayPlugin,
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
    // The gateway knows the schema.
    introspection: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [limitRule],
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    formatError: createErrorFormat(onFault),
    // The owner of the process decides what a signal stops, and in which order.
    stopOnTerminationSignals: false,
  });
  await server.start();
  await app.register(fastifyApollo(server), {
    context: (request: FastifyRequest) => readContext(request, options),
  });
  app.get('/health/ready', { config: { isFree: true } }, async (_request, reply) => {
    const reason = subgraph.halt?.reason() ?? null;
    return reason ? reply.code(503).send({ status: 'refused', ...reason }) : { status: 'ready' };
  });
  app.get('/health/live', { config: { isFree: true } }, async () => ({ status: 'live' }));
  app.post('/events/:producer', async (request, reply) => {
    const { producer } = request.params as { producer: string };
    if ((await requireService(request, options)) !== producer)
      return reply.code(403).send({ code: 'FORBIDDEN', message: '此服务不能发送他人的事件。' });
    const delayed = await takeEvent(subgraph, producer, readEnvelope(request.body));
    return delayed.length === 0 ? reply.code(204).send() : { delayed };
  });
  routes?.(app, options);
  await addSubgraphRoutes(app, subgraph, options);
  app.addHook('onClose', () => server.stop());
  return app;
}
