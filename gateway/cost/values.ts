import {
  type FieldNode,
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
  Kind,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import type { CostModel } from './model.ts';

/** What the arguments of an operation add to its cost, and the numbers in them. */

/** Costs saturate here, far below where numbers lose their precision. */
export const MAX_COST = 1e15;

/** So many characters of text in an argument cost one unit: they are checked, sent on and searched for. */
const CHARS_PER_UNIT = 100;

export type Variables = Readonly<Record<string, unknown>>;

export interface ValueMeter {
  /** Returns the weights of the arguments given to a field, of the input fields within them, and of their texts. */
  measureArguments(node: FieldNode, field: GraphQLField<unknown, unknown>, coordinate: string): number;
  /** Returns the number given as an argument, null for a value of a wrong type, undefined if it is absent or null. */
  readNumber(node: FieldNode, argument: string): number | null | undefined;
  /** Returns the number of items of a list given as an argument, or undefined if the argument is absent. */
  countItems(node: FieldNode, argument: string): number | undefined;
  /** Returns the text given as an argument, or null. */
  readText(node: FieldNode, argument: string): string | null;
}

/** Creates the meter of one operation. The value of a variable is measured once for each type that it is used as. */
export function createValueMeter(
  { weights }: CostModel,
  operation: OperationDefinitionNode,
  variables: Variables,
): ValueMeter {
  const defaults = new Map(
    (operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [variable.name.value, defaultValue]),
  );
  const knownCosts = new Map<string, number>();
  const measureNode = (node: ValueNode, type: GraphQLInputType): number => {
    if (node.kind === Kind.VARIABLE) return measureVariable(node.name.value, type);
    if (node.kind === Kind.STRING) return countTextUnits(node.value);
    if (node.kind === Kind.LIST) return sum(node.values, (item) => measureNode(item, itemTypeOf(type)));
    if (node.kind !== Kind.OBJECT) return 0;
    return sum(node.fields, ({ name, value }) =>
      measureInputField(weights, type, name.value, (inner) => measureNode(value, inner)),
    );
  };
  const measureVariable = (name: string, type: GraphQLInputType): number => {
    const key = `${name}:${type}`;
    const known = knownCosts.get(key);
    if (known !== undefined) return known;
    const node = defaults.get(name);
    const cost = Object.hasOwn(variables, name)
      ? measureJson(weights, variables[name], type)
      : node
        ? measureNode(node, type)
        : 0;
    knownCosts.set(key, cost);
    return cost;
  };
  /** Returns the value of a literal or variable that is a single number or text. Undefined if there is none or null. */
  const readSingle = (node: ValueNode | undefined): unknown => {
    if (!node) return undefined;
    if (node.kind === Kind.INT) return Number(node.value);
    if (node.kind === Kind.STRING) return node.value;
    if (node.kind === Kind.NULL) return undefined;
    if (node.kind !== Kind.VARIABLE) return null;
    const name = node.name.value;
    return Object.hasOwn(variables, name) ? (variables[name] ?? undefined) : readSingle(defaults.get(name));
  };
  const countValue = (value: ValueNode | undefined): number | undefined => {
    if (value?.kind === Kind.LIST) return value.values.length;
    if (value?.kind !== Kind.VARIABLE) return value && 1;
    const name = value.name.value;
    if (!Object.hasOwn(variables, name)) return countValue(defaults.get(name));
    const given = variables[name];
    return Array.isArray(given) ? given.length : 1;
  };
  const readArgument = (node: FieldNode, argument: string) => readSingle(findArgument(node, argument));
  return {
    measureArguments: (node, field, coordinate) =>
      sum(node.arguments ?? [], ({ name, value }) => {
        const argument = field.args.find((candidate) => candidate.name === name.value);
        if (!argument) return 0;
        return (weights.get(`${coordinate}.${name.value}`) ?? 0) + measureNode(value, argument.type);
      }),
    readNumber(node, argument) {
      const value = readArgument(node, argument);
      return value === undefined || typeof value === 'number' ? value : null;
    },
    countItems: (node, argument) => countValue(findArgument(node, argument)),
    readText(node, argument) {
      const value = readArgument(node, argument);
      return typeof value === 'string' ? value : null;
    },
  };
}

function findArgument({ arguments: inputs }: FieldNode, argument: string): ValueNode | undefined {
  return inputs?.find(({ name }) => name.value === argument)?.value;
}

type Weights = CostModel['weights'];

/** Measures the value of a variable. Goes only as deep as its type does. */
function measureJson(weights: Weights, value: unknown, type: GraphQLInputType): number {
  if (typeof value === 'string') return countTextUnits(value);
  if (typeof value !== 'object' || value === null) return 0;
  if (isListType(getNullableType(type))) {
    const items = Array.isArray(value) ? value : [value];
    return sum(items, (item) => measureJson(weights, item, itemTypeOf(type)));
  }
  return sum(Object.entries(value), ([name, inner]) =>
    measureInputField(weights, type, name, (innerType) => measureJson(weights, inner, innerType)),
  );
}

function measureInputField(
  weights: Weights,
  type: GraphQLInputType,
  name: string,
  measure: (type: GraphQLInputType) => number,
): number {
  const inputType = getNamedType(type);
  if (!isInputObjectType(inputType) || !Object.hasOwn(inputType.getFields(), name)) return 0;
  const field = inputType.getFields()[name];
  return field ? (weights.get(`${inputType.name}.${name}`) ?? 0) + measure(field.type) : 0;
}

/** Returns the type of a list's items, or the type itself: GraphQL takes a single value for a list of one. */
function itemTypeOf(type: GraphQLInputType): GraphQLInputType {
  const list = getNullableType(type);
  return isListType(list) ? list.ofType : type;
}

function countTextUnits(text: string): number {
  return Math.floor(text.length / CHARS_PER_UNIT);
}

function sum<Item>(items: readonly Item[], measure: (item: Item) => number): number {
  return Math.min(
    items.reduce((total, item) => total + measure(item), 0),
    MAX_COST,
  );
}
