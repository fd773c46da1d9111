import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS } from '../../subgraphs/kernel/list/page.ts';
import { createIntrospectionMeter, type IntrospectionMeter } from './introspection.ts';
import type { CostModel, ListSize } from './model.ts';
import { createValueMeter, MAX_COST, type ValueMeter, type Variables } from './values.ts';

/**
 * The cost of an operation before it runs. One unit is about one field of one object. Lists multiply, `@skip` and
 * `@include` are taken as if everything ran, and each fragment is measured once: the time is linear in the document.
 */

export interface Operation {
  /** A valid document. */
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** The variables as sent. Values of a wrong type count as nothing, or as the longest list: they are refused later. */
  variables: Variables;
}

export interface OperationCost {
  /** In units. From MAX_COST on it means "at least". */
  cost: number;
  /** Field names from the root to the most expensive field. */
  path: readonly string[];
}

/** Cost of a selection set: for each object, and in addition for each row of the list that its parent field sizes. */
interface SetCost {
  fixed: number;
  perRow: number;
}

const NO_COST: SetCost = { fixed: 0, perRow: 0 };

interface Scope {
  model: CostModel;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  sets: Map<SelectionSetNode, SetCost>;
  values: ValueMeter;
  introspection: IntrospectionMeter;
}

/** A selection set and the type that it selects from. */
type TypedSet = readonly [set: SelectionSetNode, parent: ParentType];

/** A type with fields. Of an object behind an interface, the fragments on each of its types count. */
type ParentType = GraphQLObjectType | GraphQLInterfaceType;

/**
 * Returns the cost of a valid operation. `ceiling` bounds the work on introspection: a cost above it may be given as
 * MAX_COST.
 */
export function measureCost(
  model: CostModel,
  { document, operation, variables }: Operation,
  ceiling: number,
): OperationCost {
  const fragments = new Map(
    document.definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  );
  const values = createValueMeter(model, operation, variables);
  const introspection = createIntrospectionMeter(model.schema, fragments, values, ceiling);
  const scope: Scope = { model, fragments, sets: new Map(), values, introspection };
  const root = model.schema.getRootType(operation.operation);
  if (!root) return { cost: 0, path: [] };
  const set: TypedSet = [operation.selectionSet, root];
  const total = measureSet(scope, set);
  return { cost: totalOf(total, MAX_PAGE_ROWS), path: findDearestPath(scope, set) };
}

function totalOf({ fixed, perRow }: SetCost, rows: number): number {
  return Math.min(fixed + rows * perRow, MAX_COST);
}

function measureSet(scope: Scope, [set, parent]: TypedSet): SetCost {
  const known = scope.sets.get(set);
  if (known) return known;
  // GraphQL's own rules refuse a fragment that contains itself.
  scope.sets.set(set, NO_COST);
  let { fixed, perRow } = NO_COST;
  for (const selection of set.selections) {
    const part = measureSelection(scope, selection, parent);
    fixed = Math.min(fixed + part.fixed, MAX_COST);
    perRow = Math.min(perRow + part.perRow, MAX_COST);
  }
  const cost = { fixed, perRow };
  scope.sets.set(set, cost);
  return cost;
}

function measureSelection(scope: Scope, selection: SelectionNode, parent: ParentType): SetCost {
  if (selection.kind === Kind.FIELD) return measureField(scope, selection, parent);
  const inner = findInnerSet(scope, selection, parent);
  return inner ? measureSet(scope, inner) : NO_COST;
}

/** Returns what a fragment selects. A fragment on an unknown type or of an unknown name selects nothing. */
function findInnerSet(
  { model, fragments }: Scope,
  selection: Exclude<SelectionNode, FieldNode>,
  parent: ParentType,
): TypedSet | null {
  const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
  if (!fragment) return null;
  const type = fragment.typeCondition ? model.schema.getType(fragment.typeCondition.name.value) : parent;
  return hasFields(type) ? [fragment.selectionSet, type] : null;
}

function measureField(scope: Scope, node: FieldNode, parent: ParentType): SetCost {
  const name = node.name.value;
  if (name.startsWith('__')) return { fixed: scope.introspection.measure(node), perRow: 0 };
  const field = parent.getFields()[name];
  if (!field) return { fixed: 1, perRow: 0 };
  const coordinate = `${parent.name}.${name}`;
  const size = scope.model.sizes.get(coordinate);
  const own = (scope.model.weights.get(coordinate) ?? 1) + scope.values.measureArguments(node, field, coordinate);
  const inner = findFieldSet(node, field);
  const innerCost = inner ? measureSet(scope, inner) : NO_COST;
  if (!isListType(getNullableType(field.type))) {
    const rows = size ? readLength(scope, node, size) : MAX_PAGE_ROWS;
    return { fixed: own + totalOf(innerCost, rows), perRow: 0 };
  }
  const item = inner ? totalOf(innerCost, MAX_PAGE_ROWS) : 1;
  // A list without a size of its own is sized by the field that answers with its parent.
  if (!size) return { fixed: own, perRow: item };
  return { fixed: own + readLength(scope, node, size) * item, perRow: 0 };
}

function findFieldSet(node: FieldNode, field: GraphQLField<unknown, unknown>): TypedSet | null {
  const type = getNamedType(field.type);
  return node.selectionSet && hasFields(type) ? [node.selectionSet, type] : null;
}

function hasFields(type: unknown): type is ParentType {
  return isObjectType(type) || isInterfaceType(type);
}

/**
 * Returns the longest list that the arguments allow, or without them its assumed size. A page that is assumed to be
 * shorter than the default is never longer than that. A list of what `ids` name has no more items than they are.
 */
function readLength({ values }: Scope, node: FieldNode, { slicingArguments, assumedSize }: ListSize): number {
  const isLongPage = slicingArguments.length > 0 && (assumedSize ?? MAX_PAGE_ROWS) >= DEFAULT_PAGE_ROWS;
  const maxLength = isLongPage ? MAX_PAGE_ROWS : (assumedSize ?? MAX_PAGE_ROWS);
  const lengths = [...slicingArguments.map((name) => values.readNumber(node, name)), values.countItems(node, 'ids')]
    .filter((length) => length !== undefined)
    .map((length) => Math.min(Math.max(length ?? maxLength, 1), maxLength));
  return lengths.length === 0 ? (assumedSize ?? MAX_PAGE_ROWS) : Math.max(...lengths);
}

/** Follows the most expensive selection from the root down to a leaf. */
function findDearestPath(scope: Scope, root: TypedSet): string[] {
  const path: string[] = [];
  const visited = new Set<SelectionSetNode>();
  for (let next: TypedSet | null = root; next && !visited.has(next[0]); ) {
    const [set, parent]: TypedSet = next;
    visited.add(set);
    const costs: number[] = set.selections.map((selection) =>
      totalOf(measureSelection(scope, selection, parent), MAX_PAGE_ROWS),
    );
    const dearest: SelectionNode | undefined = set.selections[costs.indexOf(Math.max(...costs))];
    if (!dearest) break;
    if (dearest.kind !== Kind.FIELD) {
      next = findInnerSet(scope, dearest, parent);
      continue;
    }
    path.push(dearest.name.value);
    const field: GraphQLField<unknown, unknown> | undefined = parent.getFields()[dearest.name.value];
    next = field ? findFieldSet(dearest, field) : null;
  }
  return path;
}
