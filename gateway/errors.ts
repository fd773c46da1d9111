import { randomUUID } from 'node:crypto';
import type { GraphQLFormattedError } from 'graphql';
import { TOKEN_LIMIT } from './limits.ts';

/** Codes that a caller may see as they are; everything else is a fault of ours. */
const PUBLIC_CODES: ReadonlySet<unknown> = new Set([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'BAD_USER_INPUT',
  'TOKEN_EXPIRED',
  'TOKEN_INVALID',
  'QUERY_TOO_DEEP',
  'QUERY_TOO_WIDE',
  'QUERY_TOO_LARGE',
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** Told of each masked fault; `incident` is what the caller was given. */
export type OnFault = (incident: string, error: unknown) => void;

/** Writes a fault where the operator looks for it. */
export function logFault(incident: string, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${new Date().toISOString()} fault ${incident} ${text}\n`);
}

/**
 * An error as the caller sees it: a public code with its message, or INTERNAL_SERVER_ERROR with an incident number.
 * Stack traces, names of subgraphs and texts of the database never leave the hub.
 */
export function formatError(
  onFault: OnFault,
): (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError {
  return (formatted, error) => {
    const cause = innermost(error);
    const code = codeOf(cause) ?? formatted.extensions?.code;
    const place = { locations: formatted.locations, path: formatted.path };
    if (
      formatted.extensions?.code === 'GRAPHQL_PARSE_FAILED' &&
      /^Syntax Error: Document contains more tha[nt] /.test(formatted.message)
    ) {
      return { message: `查询过长，最多 ${TOKEN_LIMIT} 个词元。`, ...place, extensions: { code: 'QUERY_TOO_LARGE' } };
    }
    if (PUBLIC_CODES.has(code)) {
      const argument = formatted.extensions?.argument;
      return {
        message: formatted.message,
        ...place,
        extensions: argument === undefined ? { code } : { code, argument },
      };
    }
    // A subgraph in another process has reported its fault already. One fault has one number.
    const reported = formatted.extensions?.incident;
    const incident = typeof reported === 'string' ? reported : randomUUID();
    if (incident !== reported) onFault(incident, cause ?? error);
    return {
      message: '系统内部故障，请稍后再试；如需报告，请提供故障编号。',
      ...place,
      extensions: { code: 'INTERNAL_SERVER_ERROR', incident },
    };
  };
}

/**
 * The library wraps errors, and its wrappers carry a code of their own in place of ours. Judged by shape and not by
 * class: two copies of the graphql package may be loaded side by side (its CommonJS and its ESM build).
 */
function innermost(error: unknown): unknown {
  let inner = error;
  while (inner instanceof Error && 'originalError' in inner && inner.originalError instanceof Error)
    inner = inner.originalError;
  return inner;
}

function codeOf(error: unknown): unknown {
  if (!(error instanceof Error && 'extensions' in error)) return undefined;
  return (error.extensions as Record<string, unknown> | undefined)?.code;
}
