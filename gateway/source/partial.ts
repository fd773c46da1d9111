import type { GraphQLDataSource, GraphQLDataSourceProcessOptions } from '@apollo/gateway';
import {
  type FieldNode,
  type GraphQLFormattedError,
  type GraphQLSchema,
  isNonNullType,
  isObjectType,
  Kind,
  parse,
  type SelectionSetNode,
} from 'graphql';
import type { GraphContext } from '../../subgraphs/kernel/http/context.ts';
import { createErrorFormat, type OnFault } from '../../subgraphs/kernel/http/errors.ts';

/** What a subgraph that does not answer leaves of an answer: everything else, and an error at each place it leaves. */

type Call = GraphQLDataSourceProcessOptions<GraphContext>;
type Path = readonly (string | number)[];

/**
 * Returns a source that never throws. A call that fails answers no data, and its error at every field that is null for
 * it. All of them have one incident number. `readSchema` returns the schema of the gateway.
 */
export function withPlacedErrors(
  source: GraphQLDataSource<GraphContext>,
  onFault: OnFault,
  readSchema: () => GraphQLSchema,
): GraphQLDataSource<GraphContext> {
  const format = createErrorFormat(onFault);
  return {
    async process(call) {
      try {
        const response = await source.process(call);
        const { errors = [] } = response;
        if (errors.every(({ path }) => path)) return response;
        return { ...response, errors: errors.flatMap((error) => placeError(error, call, readSchema())) };
      } catch (thrown) {
        const errors = readAnswer(thrown) ?? [format(describe(thrown), thrown)];
        return { data: null, errors: errors.flatMap((error) => placeError(error, call, readSchema())) as never };
      }
    },
  };
}

function describe(thrown: unknown): GraphQLFormattedError {
  const { message = '', extensions } = thrown as Partial<GraphQLFormattedError>;
  return { message, ...(extensions && { extensions }) };
}

/** Returns the errors that a subgraph answered with another HTTP status than 200, or null if it did not answer so. */
function readAnswer(thrown: unknown): GraphQLFormattedError[] | null {
  const response = describe(thrown).extensions?.response as { body?: { errors?: unknown } } | undefined;
  const errors = response?.body?.errors;
  return Array.isArray(errors) && errors.length > 0 ? errors : null;
}

/** Returns an error once for each place of the answer to a call, unless it has a place. */
function placeError(error: GraphQLFormattedError, call: Call, schema: GraphQLSchema): GraphQLFormattedError[] {
  return error.path ? [error] : listPlaces(call, schema).map((path) => ({ ...error, path }));
}

/** Returns the places that a call fills, as paths of its own answer: root fields, or fields of each entity. */
function listPlaces({ request }: Call, schema: GraphQLSchema): Path[] {
  const { definitions } = parse(request.query ?? '', { noLocation: true });
  const operation = definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const root = operation && schema.getRootType(operation.operation);
  if (!root) return [];
  const representations = request.variables?.representations as { __typename: string }[] | undefined;
  const [entities] = operation.selectionSet.selections;
  if (!representations || entities?.kind !== Kind.FIELD || entities.name.value !== '_entities') {
    return listNulls(operation.selectionSet, root.name, schema).map((name) => [name]);
  }
  const { selectionSet } = entities;
  if (!selectionSet) return [];
  return representations.flatMap(({ __typename }, i) =>
    listNulls(selectionSet, __typename, schema).map((name) => ['_entities', i, name]),
  );
}

/**
 * Returns the response names of an object's fields that become null when none of them is answered. If one may not be
 * null, the object is, and that field is named alone.
 */
function listNulls(set: SelectionSetNode, typeName: string, schema: GraphQLSchema): string[] {
  const type = schema.getType(typeName);
  if (!isObjectType(type)) return [];
  const nodes = set.selections.flatMap(function unfold(node): FieldNode[] {
    if (node.kind === Kind.FIELD) return node.name.value === '__typename' ? [] : [node];
    if (node.kind !== Kind.INLINE_FRAGMENT) return [];
    const condition = node.typeCondition?.name.value ?? typeName;
    return condition === typeName ? node.selectionSet.selections.flatMap(unfold) : [];
  });
  const required = nodes.find(({ name }) => isNonNullType(type.getFields()[name.value]?.type));
  return [...new Set((required ? [required] : nodes).map(({ alias, name }) => (alias ?? name).value))];
}
