import { type GraphQLDataSource, LocalGraphQLDataSource } from '@apollo/gateway';
import { InMemoryLRUCache } from '@apollo/utils.keyvaluecache';
import { type DocumentNode, execute, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { buildContext, type GraphContext } from '../../subgraphs/kernel/http/context.ts';

/** Maximum of characters of all operations that a source keeps parsed. A syntax tree takes about 40 bytes for each. */
const MAX_KEPT_CHARS = 1_000_000;

/**
 * Creates the source of a subgraph in this process. The planner writes the same operations again and again: each is
 * parsed and validated once, as long as it is kept. Operations that are not valid are never kept.
 *
 * Each call gets new loaders, as over HTTP. A mutation's answer must not contain data loaded before it.
 */
export function createLocalSource(schema: GraphQLSchema): GraphQLDataSource<GraphContext> {
  const stock = new LocalGraphQLDataSource<GraphContext>(schema);
  const documents = new InMemoryLRUCache<DocumentNode>({
    maxSize: MAX_KEPT_CHARS,
    sizeCalculation: (document) => document.loc?.end ?? MAX_KEPT_CHARS,
  });
  const readDocument = async (text: string): Promise<DocumentNode | null> => {
    const known = await documents.get(text);
    if (known) return known;
    const document = parseValid(text, schema);
    if (!document) return null;
    await documents.set(text, document);
    return document;
  };
  return {
    async process(call) {
      const { actor, token, delayed } = call.context;
      const { query = '', variables, operationName } = call.request;
      const context = buildContext(actor, token, delayed);
      const document = await readDocument(query);
      // The stock source answers with what is wrong.
      if (!document) return stock.process({ ...call, context });
      return execute({ schema, document, contextValue: context, variableValues: variables, operationName });
    },
  };
}

function parseValid(text: string, schema: GraphQLSchema): DocumentNode | null {
  try {
    const document = parse(text);
    return validate(schema, document).length > 0 ? null : document;
  } catch (error) {
    if (error instanceof GraphQLError) return null;
    throw error;
  }
}
