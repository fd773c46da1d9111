import type { GraphQLFormattedError } from 'graphql';
import { createErrorFormat, type OnFault } from '../subgraphs/kernel/http/errors.ts';
import { MAX_TOKENS } from './limits.ts';

/**
 * Returns the `formatError` of the gateway: as `createErrorFormat`, and QUERY_TOO_LARGE for a document of too many
 * tokens. OPERATION_TOO_EXPENSIVE keeps its cost, its budget and its most expensive path.
 */
export function formatError(
  onFault: OnFault,
): (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError {
  const format = createErrorFormat(onFault);
  return (formatted, error) => {
    const isTooLarge =
      formatted.extensions?.code === 'GRAPHQL_PARSE_FAILED' &&
      /^Syntax Error: Document contains more tha[nt] /.test(formatted.message);
    if (formatted.extensions?.code === 'OPERATION_TOO_EXPENSIVE') {
      const { code, cost, budget, path } = formatted.extensions;
      return { message: formatted.message, extensions: { code, cost, budget, path } };
    }
    if (!isTooLarge) return format(formatted, error);
    const { locations, path } = formatted;
    const message = `查询过长，最多 ${MAX_TOKENS} 个词元。`;
    return { message, locations, path, extensions: { code: 'QUERY_TOO_LARGE' } };
  };
}
