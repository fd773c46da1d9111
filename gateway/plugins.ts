import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError, type OperationDefinitionNode } from 'graphql';
import type { Halt } from '../subgraphs/kernel/halt.ts';
import type { GraphContext } from '../subgraphs/kernel/http/context.ts';
import { readOverload } from '../subgraphs/kernel/limits/overload.ts';

/** What the gateway does before and after each operation. */

/** Refuses every mutation of a hub that has halted. */
export function createHaltPlugin(halt: Halt | undefined): ApolloServerPlugin<GraphContext> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ operation }: { operation?: OperationDefinitionNode }) {
          const reason = halt?.reason();
          if (!reason || operation?.operation === 'query') return;
          const extensions = { code: 'HUB_HALTED', reason: reason.code, http: { status: 503 } };
          throw new GraphQLError(reason.message, { extensions });
        },
      };
    },
  };
}

/** Refuses a request that names no operation of its document, and a subscription: the hub has none. */
export const operationPlugin: ApolloServerPlugin<GraphContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }: { operation?: OperationDefinitionNode }) {
        if (operation && operation.operation !== 'subscription') return;
        throw new GraphQLError('请求须指明文档中的一个查询或变更（operationName）。', {
          extensions: { code: 'OPERATION_RESOLUTION_FAILURE', http: { status: 400 } },
        });
      },
    };
  },
};

/**
 * Takes `extensions.valueCompletion` out of an answer. The library adds it where an object of another subgraph is null
 * for this caller, with a code that blames the query.
 */
export const completionPlugin: ApolloServerPlugin<GraphContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body } }) {
        if (body.kind !== 'single' || !body.singleResult.extensions) return;
        const { valueCompletion: _, ...extensions } = body.singleResult.extensions;
        if (Object.keys(extensions).length > 0) body.singleResult.extensions = extensions;
        else delete body.singleResult.extensions;
      },
    };
  },
};

/** Gives an answer without data the HTTP status of the Overload that is its reason, and `Retry-After`. */
export const overloadPlugin: ApolloServerPlugin<GraphContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body, http } }) {
        if (body.kind !== 'single') return;
        const { data, errors = [] } = body.singleResult;
        if (Object.values(data ?? {}).some((value) => value !== null)) return;
        const overload = errors.map(({ extensions }) => readOverload(extensions)).find((found) => found !== null);
        if (!overload) return;
        http.status = overload.statusCode;
        http.headers.set('retry-after', String(overload.retryAfterSeconds));
      },
    };
  },
};

/** Faults of the document or its variables: a request that is well formed, and cannot be executed. */
const REQUEST_ERRORS: ReadonlySet<unknown> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'QUERY_TOO_LARGE',
]);

/**
 * Answers a document that cannot be executed with 200 to a client that names `application/json` and not
 * `application/graphql-response+json`: such a client reads the body of a 200 only (GraphQL over HTTP, 6.4.1). To all
 * others it is 400.
 */
export const statusPlugin: ApolloServerPlugin<GraphContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ request, response: { body, http } }) {
        if (body.kind !== 'single' || http.status !== 400 || body.singleResult.data !== undefined) return;
        const accepts = (request.http?.headers.get('accept') ?? '')
          .split(',')
          .map((part) => part.split(';')[0]?.trim());
        if (!accepts.includes('application/json') || accepts.includes('application/graphql-response+json')) return;
        const codes = (body.singleResult.errors ?? []).map(({ extensions }) => extensions?.code);
        if (codes.every((code) => REQUEST_ERRORS.has(code))) http.status = 200;
      },
    };
  },
};
