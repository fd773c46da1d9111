import { randomUUID } from 'node:crypto';
import {
  type GraphQLError,
  type GraphQLFormattedError,
  Kind,
  parse,
  type Source,
  type ValueNode,
  visit,
} from 'graphql';
import { noteSubject } from '../environment/log.ts';
import { findOverload, readOverload } from '../limits/overload.ts';
import { Refusal } from '../refusal.ts';
import { TOKEN_ERROR_CODES } from '../sealing/token.ts';
import type { RefusalFields, RefusalView } from './resolver-types.ts';

/** Errors as a caller sees them, in GraphQL and on routes. Every error that is not meant for callers is a fault. */

/** Receives each fault. `incident` is the number that the caller was given. */
export type OnFault = (incident: string, error: unknown) => void;

const FAULT_MESSAGE = '系统内部故障，请稍后再试；如需报告，请提供故障编号。';

const NO_GRAPHQL_MESSAGE =
  '请求不符合 GraphQL 的 HTTP 格式：请以 POST 发送 JSON（content-type: application/json），query 为文本，variables 为对象；只读查询也可用 GET。';

/** What a caller learns of a fault: that there was one, and its number. */
export interface FaultView {
  code: 'INTERNAL_SERVER_ERROR';
  message: string;
  incident: string;
}

/** A fault that was reported already, in another answer. One fault has one number. */
export class ReportedFault extends Error {
  readonly incident: string;

  constructor(incident: string) {
    super(`fault ${incident}`);
    this.incident = incident;
  }
}

/** Reports a fault under a new incident number, unless it has one. */
export function reportFault(onFault: OnFault, error: unknown): FaultView {
  const incident = error instanceof ReportedFault ? error.incident : randomUUID();
  noteSubject({ incident });
  if (!(error instanceof ReportedFault)) onFault(incident, error);
  return { code: 'INTERNAL_SERVER_ERROR', message: FAULT_MESSAGE, incident };
}

/** Codes that a caller may see with their message. Everything else is a fault. */
const PUBLIC_CODES: ReadonlySet<unknown> = new Set([
  'HUB_HALTED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'BAD_USER_INPUT',
  ...TOKEN_ERROR_CODES,
  'QUERY_TOO_DEEP',
  'QUERY_TOO_WIDE',
  'QUERY_TOO_LARGE',
  'OPERATION_TOO_EXPENSIVE',
  'ANSWER_TOO_LARGE',
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/**
 * Returns Apollo Server's `formatError`. The caller sees a public code with its message, or INTERNAL_SERVER_ERROR with
 * an incident number. Stack traces, names of subgraphs and texts of the database never leave the hub.
 * `extensions.arguments` of a BAD_USER_INPUT names every wrong value, `extensions.argument` the first.
 */
export function createErrorFormat(
  onFault: OnFault,
): (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError {
  return (formatted, error) => {
    const chain = listCauses(error);
    const cause = chain.at(-1);
    const place = { locations: formatted.locations, path: formatted.path };
    const argument = formatted.extensions?.argument ?? findArgument(chain);
    const code = codeOf(cause) ?? formatted.extensions?.code;
    if (code === 'GRAPHQL_VALIDATION_FAILED' && argument !== undefined) {
      const extensions = { code: 'BAD_USER_INPUT', ...nameArguments(formatted, argument) };
      return { message: formatted.message, ...place, extensions };
    }
    const overload = readOverload(formatted.extensions) ?? readOverload(extensionsOf(cause)) ?? findOverload(cause);
    if (overload) return { message: overload.message, ...place, extensions: { ...overload.extensions } };
    // The library's own words for a request that is no GraphQL over HTTP name the library.
    if (code === 'BAD_REQUEST') return { message: NO_GRAPHQL_MESSAGE, ...place, extensions: { code } };
    if (PUBLIC_CODES.has(code)) {
      const extensions = argument === undefined ? { code } : { code, ...nameArguments(formatted, argument) };
      return { message: formatted.message, ...place, extensions };
    }
    // A subgraph in another process has reported its fault already.
    const reported = formatted.extensions?.incident;
    const fault = typeof reported === 'string' ? new ReportedFault(reported) : cause;
    const { message, ...extensions } = reportFault(onFault, fault);
    return { message, ...place, extensions };
  };
}

/** Returns the wrong values that an error names: those of `InputFaults`, or the only one. */
function nameArguments({ message, extensions }: GraphQLFormattedError, argument: unknown): Record<string, unknown> {
  const named = extensions?.arguments;
  const more = extensions?.hasMore === true ? { hasMore: true } : {};
  return { argument, arguments: Array.isArray(named) ? named : [{ argument, message }], ...more };
}

/**
 * Returns an error and the errors within it, innermost last: the library's wrappers carry codes of their own. Errors
 * are recognised by shape and not by class: two copies of the graphql package may be loaded side by side.
 */
function listCauses(error: unknown): unknown[] {
  const inner = error instanceof Error && 'originalError' in error ? error.originalError : undefined;
  return inner instanceof Error ? [error, ...listCauses(inner)] : [error];
}

function codeOf(error: unknown): unknown {
  return extensionsOf(error)?.code;
}

function extensionsOf(error: unknown): Record<string, unknown> | undefined {
  if (!(error instanceof Error && 'extensions' in error)) return undefined;
  return error.extensions as Record<string, unknown> | undefined;
}

/**
 * Returns the path of the argument that GraphQL itself refused, `input.fields[0].text`: a variable of a wrong value, or
 * a literal that its scalar does not accept. Returns undefined for any other error.
 */
function findArgument(chain: readonly unknown[]): string | undefined {
  // Innermost first: the library's wrappers repeat the message of what they wrap.
  for (const [i, error] of [...chain.entries()].reverse()) {
    const { nodes, message = '' } = error as Partial<Pick<GraphQLError, 'nodes' | 'message'>>;
    const [node] = nodes ?? [];
    if (!node?.loc) continue;
    const { variables, literals } = findUses(node.loc.source);
    if (node.kind !== Kind.VARIABLE_DEFINITION) {
      const path = literals.get(node.loc.start);
      if (path !== undefined) return path;
      continue;
    }
    const name = node.variable.name.value;
    const path = variables.get(name);
    if (path !== undefined) return path + readInnerPath(message, name, chain[i + 1]);
  }
  return undefined;
}

/**
 * Returns the place within a variable at which its value is wrong, `.fields[0].text`, or an empty text. GraphQL says it
 * in the message only: `Variable "$name" got invalid value … at "name.fields[0].text"; ` and the message of `reason`.
 * The value may hold any text of any length, so the message is read from its end. A path holds no quotation mark, and
 * one within the value does not follow ` at `.
 */
function readInnerPath(message: string, name: string, reason: unknown): string {
  const end = `"; ${reason instanceof Error ? reason.message : ''}`;
  if (!message.endsWith(end)) return '';
  const pathEnd = message.length - end.length;
  const pathStart = message.lastIndexOf('"', pathEnd - 1) + 1;
  const isPath = message.startsWith(' at "', pathStart - 5) && message.startsWith(name, pathStart);
  return isPath ? message.slice(pathStart + name.length, pathEnd) : '';
}

/** Paths of the arguments that a document gives: of each variable's first use by its name, of literals by position. */
interface Uses {
  variables: Map<string, string>;
  literals: Map<number, string>;
}

/** One answer may have a hundred errors of one document. */
const usesBySource = new WeakMap<Source, Uses>();

function findUses(source: Source): Uses {
  const known = usesBySource.get(source);
  if (known) return known;
  const uses: Uses = { variables: new Map(), literals: new Map() };
  usesBySource.set(source, uses);
  const defaults: { name: string; value: ValueNode }[] = [];
  visit(parse(source.body), {
    VariableDefinition({ variable, defaultValue }) {
      if (defaultValue) defaults.push({ name: variable.name.value, value: defaultValue });
    },
    Argument({ name, value }) {
      notePaths(uses, value, name.value);
    },
  });
  for (const { name, value } of defaults) {
    const path = uses.variables.get(name);
    if (path !== undefined) notePaths(uses, value, path);
  }
  return uses;
}

/** Notes the path of a value and of every value within it. */
function notePaths(uses: Uses, value: ValueNode, path: string): void {
  if (value.kind === Kind.VARIABLE) {
    if (!uses.variables.has(value.name.value)) uses.variables.set(value.name.value, path);
    return;
  }
  if (value.loc) uses.literals.set(value.loc.start, path);
  if (value.kind === Kind.LIST) for (const [i, item] of value.values.entries()) notePaths(uses, item, `${path}[${i}]`);
  if (value.kind === Kind.OBJECT) {
    for (const field of value.fields) notePaths(uses, field.value, `${path}.${field.name.value}`);
  }
}

/**
 * Runs a mutation. Returns a Refusal as data, with `fields`, the values of the payload's fields that cannot be null.
 * Rethrows any other error.
 */
export async function mutate<Result extends object, Fields extends object = object>(
  run: () => Promise<Result>,
  fields?: Fields,
): Promise<(Result & { refusal: null }) | (Fields & RefusalFields)> {
  try {
    return { ...(await run()), refusal: null };
  } catch (error) {
    if (error instanceof Refusal) return { ...(fields as Fields), ...toRefusalFields(error) };
    throw error;
  }
}

/** Returns the fields of a payload that say why a mutation was refused. */
export function toRefusalFields(refusal: Refusal): RefusalFields {
  return { refusal: toRefusalView(refusal), refusals: refusal.all.map(toRefusalView) };
}

export function toRefusalView(refusal: Refusal): RefusalView {
  return { code: refusal.code, message: refusal.message, field: refusal.field };
}
