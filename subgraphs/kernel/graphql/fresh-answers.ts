import type { ApolloServerPlugin } from '@apollo/server';
import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { runAndAwaitEvents } from '../events/delivery-waits.ts';
import type { GraphContext } from '../http/context.ts';

/**
 * What a mutation answers is true in every subgraph, also for the next question over another connection: its answer
 * waits until the subgraphs that consume its events have taken them. Why it does not give a token to readers: see
 * docs/events.md.
 */

/** The name of the extension of an answer that lists subgraphs which do not know the change yet. */
const EXTENSION = 'delayedSubgraphs';

/** Makes every mutation wait for its events. A rehearsal commits nothing, and waits for nothing. */
export function awaitMutations(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = async (source, args, context: GraphContext, info) => {
      const { result, delayed } = await runAndAwaitEvents(async () => resolve(source, args, context, info));
      for (const subgraph of delayed) context.delayed.add(subgraph);
      return result;
    };
  }
  return schema;
}

/** Names in the answer the subgraphs that do not know the change yet. The change is made all the same. */
export const delayPlugin: ApolloServerPlugin<GraphContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ contextValue, response: { body } }) {
        if (body.kind !== 'single' || !contextValue?.delayed?.size) return;
        body.singleResult.extensions = {
          ...body.singleResult.extensions,
          [EXTENSION]: [...contextValue.delayed].sort(),
        };
      },
    };
  },
};

const delayedExtension = z.object({ [EXTENSION]: z.array(z.string()) });

/** Returns the subgraphs that the answer of a subgraph in another process names. */
export function readDelayed(extensions: unknown): readonly string[] {
  return delayedExtension.safeParse(extensions).data?.[EXTENSION] ?? [];
}
