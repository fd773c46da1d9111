import { type DirectiveNode, type DocumentNode, type FieldNode, GraphQLError, Kind, parse, visit } from 'graphql';

/**
 * Aliases that the planner would take for its own. It adds key fields and `__typename` to a selection under their own
 * names. An alias of such a name would be answered with the key: `matter { id: code runningCases { totalCount } }`.
 * Such an alias gets another name before planning, and its own again in the answer.
 */

/** A document as the planner gets it, and how the names in its answer are read. */
export interface PlannedDocument {
  document: DocumentNode;
  /** Prefix of the names given here, or null if there is none. */
  prefix: string | null;
}

/** The part of an answer that carries response names. */
export interface NamedAnswer {
  data?: unknown;
  errors?: readonly GraphQLError[];
}

const JOIN_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  join__type: ['key'],
  join__field: ['requires', 'provides'],
};

/** Returns the field names that the planner of a supergraph may add to a selection: those of keys and requirements. */
export function listKeyNames(supergraphSdl: string): ReadonlySet<string> {
  const names = new Set<string>();
  const addNames = ({ name, arguments: given = [] }: DirectiveNode) => {
    for (const argument of given) {
      const isSelection = JOIN_ARGUMENTS[name.value]?.includes(argument.name.value);
      if (!isSelection || argument.value.kind !== Kind.STRING) continue;
      visit(parse(`{ ${argument.value.value} }`), { Field: (field) => void names.add(field.name.value) });
    }
  };
  visit(parse(supergraphSdl, { noLocation: true }), { Directive: addNames });
  return names;
}

/** Names that the planner itself gives to fields of one name and different types. */
const PLANNER_ALIAS = /__alias_\d+$/;

/** Renames the aliases of a document that the planner would take for its own. Others stay as they are. */
export function renameAliases(document: DocumentNode, keyNames: ReadonlySet<string>): PlannedDocument {
  const isTaken = ({ alias, name }: FieldNode) =>
    alias !== undefined &&
    alias.value !== name.value &&
    (keyNames.has(alias.value) || alias.value.startsWith('__') || PLANNER_ALIAS.test(alias.value));
  const aliases: string[] = [];
  let hasTaken = false;
  const inspect = (field: FieldNode) => {
    if (field.alias) aliases.push(field.alias.value);
    hasTaken ||= isTaken(field);
  };
  visit(document, { Field: inspect });
  if (!hasTaken) return { document, prefix: null };
  const prefix = findFreePrefix(aliases);
  // A name must not end as the planner's own do.
  const rename = (field: FieldNode): FieldNode | undefined =>
    isTaken(field) && field.alias
      ? { ...field, alias: { ...field.alias, value: `${prefix}${field.alias.value}_` } }
      : undefined;
  return { document: visit(document, { Field: rename }), prefix };
}

const NUMBERED = /^renamed(\d{1,9})_/;

/** Returns a prefix that no alias begins with. Reads each alias once, and is short whatever they are. */
function findFreePrefix(aliases: readonly string[]): string {
  const taken = new Set(aliases.map((alias) => NUMBERED.exec(alias)?.[1]));
  let number = 0;
  while (taken.has(String(number))) number += 1;
  return `renamed${number}_`;
}

/** Whether a value is that of a selection. A leaf may be an object too, such as a time. */
function isSelection(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Returns an answer with the client's names, in `data` and in the paths of errors. The order of fields stays. */
export function restoreAliases<Answer extends NamedAnswer>(answer: Answer, prefix: string): Answer {
  const restoreName = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length, -1) : name);
  const restoreValue = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(restoreValue);
    if (!isSelection(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [restoreName(name), restoreValue(part)]));
  };
  const restorePath = (path: readonly (string | number)[]) =>
    path.map((step) => (typeof step === 'string' ? restoreName(step) : step));
  const restoreError = (error: GraphQLError) =>
    error.path
      ? new GraphQLError(error.message, {
          nodes: error.nodes,
          source: error.source,
          positions: error.positions,
          path: restorePath(error.path),
          originalError: error.originalError ?? null,
          extensions: error.extensions,
        })
      : error;
  return {
    ...answer,
    ...(answer.data === undefined ? {} : { data: restoreValue(answer.data) }),
    ...(answer.errors ? { errors: answer.errors.map(restoreError) } : {}),
  };
}
