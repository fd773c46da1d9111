import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql';
import { MAX_COST, type ValueMeter } from './values.ts';

/**
 * The cost of introspection: exactly the fields that it resolves, because the schema is known. What one selection set
 * costs for one element of the schema is computed once, by GraphQL's own resolvers of introspection.
 */

export interface IntrospectionMeter {
  /** Returns the cost of `__typename`, `__schema` or `__type`. */
  measure(node: FieldNode): number;
}

/**
 * Creates the meter of one operation. `ceiling` bounds its work: each step stands for at least one resolved field, so
 * an operation that takes more steps costs more than the ceiling. It then returns MAX_COST.
 */
export function createIntrospectionMeter(
  schema: GraphQLSchema,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  values: ValueMeter,
  ceiling: number,
): IntrospectionMeter {
  let steps = 0;
  const costs = new Map<SelectionSetNode, Map<unknown, number>>();
  const info = { schema } as GraphQLResolveInfo;
  const measureSet = (set: SelectionSetNode, element: unknown, type: GraphQLObjectType): number => {
    const known = costs.get(set)?.get(element);
    if (known !== undefined) return known;
    const costsOfSet = costs.get(set) ?? new Map<unknown, number>();
    costs.set(set, costsOfSet);
    // GraphQL's own rules refuse a fragment that contains itself.
    costsOfSet.set(element, 0);
    let total = 0;
    for (const selection of set.selections) {
      if (steps > ceiling) return MAX_COST;
      if (selection.kind === Kind.FIELD) {
        total += measureField(selection, type.getFields()[selection.name.value], element);
      } else {
        const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
        if (fragment) total += measureSet(fragment.selectionSet, element, type);
      }
    }
    costsOfSet.set(element, Math.min(total, MAX_COST));
    return Math.min(total, MAX_COST);
  };
  const measureField = (
    node: FieldNode,
    field: GraphQLField<unknown, unknown> | undefined,
    element: unknown,
    args: Readonly<Record<string, unknown>> = { includeDeprecated: true },
  ): number => {
    steps += 1;
    const type = field && getNamedType(field.type);
    if (!field?.resolve || !node.selectionSet || !isObjectType(type)) return 1;
    const answer: unknown = field.resolve(element, args, null, info);
    if (answer === null || answer === undefined) return 1;
    let total = 1;
    for (const item of Array.isArray(answer) ? answer : [answer]) {
      steps += 1;
      if (steps > ceiling) return MAX_COST;
      total += measureSet(node.selectionSet, item, type);
    }
    return Math.min(total, MAX_COST);
  };
  return {
    measure(node) {
      if (node.name.value === '__schema') return measureField(node, SchemaMetaFieldDef, null);
      if (node.name.value === '__type') {
        return measureField(node, TypeMetaFieldDef, null, { name: values.readText(node, 'name') ?? '' });
      }
      return 1;
    },
  };
}
