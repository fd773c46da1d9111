import {
  type ConstDirectiveNode,
  type GraphQLSchema,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  parse,
  valueFromASTUntyped,
} from 'graphql';

/**
 * What each field costs: read from the directives `@cost` and `@listSize` of the subgraph schemas, which composition
 * keeps in the supergraph. They follow the IBM GraphQL cost specification, with one difference: a field without `@cost`
 * weighs 1 even if it is a leaf, because each value is resolved, planned and sent.
 */

/** Where the length of a list is stated. */
export interface ListSize {
  /** Length of the list if no slicing argument states it. Null if one always does. See `readLength` for a short one. */
  assumedSize: number | null;
  /** Arguments that state the length, for example `first`. */
  slicingArguments: readonly string[];
  /** Fields of the answer that have this length, for example `edges`. Empty if the field itself is the list. */
  sizedFields: readonly string[];
}

/** The costs of one schema. */
export interface CostModel {
  /** The schema as callers see it. */
  schema: GraphQLSchema;
  /** Weights by coordinate: `Type.field`, `Type.field.argument`, `Input.field`. */
  weights: ReadonlyMap<string, number>;
  /** Lengths of lists by the coordinate of the field that states it. */
  sizes: ReadonlyMap<string, ListSize>;
}

/**
 * Reads the cost model of a schema. `sdl` is the text with the directives. Throws if a type carries `@cost`: a weight
 * belongs to a field, an argument or an input field.
 */
export function readCostModel(schema: GraphQLSchema, sdl: string): CostModel {
  const weights = new Map<string, number>();
  const sizes = new Map<string, ListSize>();
  const noteWeight = (coordinate: string, directives: readonly ConstDirectiveNode[] | undefined) => {
    const weight = findArguments(directives, 'cost')?.weight;
    if (typeof weight === 'number') weights.set(coordinate, weight);
  };
  for (const definition of parse(sdl, { noLocation: true }).definitions) {
    if (!('fields' in definition)) continue;
    const { name, fields = [], directives } = definition;
    if (findArguments(directives, 'cost')) throw new Error(`@cost on the type ${name.value} has no meaning here`);
    for (const field of fields) {
      const coordinate = `${name.value}.${field.name.value}`;
      noteWeight(coordinate, field.directives);
      if (field.kind === Kind.INPUT_VALUE_DEFINITION) continue;
      for (const argument of field.arguments ?? []) {
        noteWeight(`${coordinate}.${argument.name.value}`, argument.directives);
      }
      const size = findArguments(field.directives, 'listSize');
      if (size) sizes.set(coordinate, toListSize(size));
    }
  }
  return { schema, weights, sizes };
}

function findArguments(
  directives: readonly ConstDirectiveNode[] | undefined,
  directive: string,
): Record<string, unknown> | null {
  const application = directives?.find(({ name }) => name.value === directive);
  if (!application) return null;
  return Object.fromEntries(
    (application.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value)]),
  );
}

function toListSize({ assumedSize, slicingArguments, sizedFields }: Record<string, unknown>): ListSize {
  return {
    assumedSize: typeof assumedSize === 'number' ? assumedSize : null,
    slicingArguments: (slicingArguments ?? []) as string[],
    sizedFields: (sizedFields ?? []) as string[],
  };
}

/**
 * Returns the coordinates of everything that lacks a statement: a field of a root type without `@cost`, a list whose
 * length neither it nor every field that answers with its type states, and a list of lists.
 */
export function listUnstated({ schema, weights, sizes }: CostModel): string[] {
  const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__'));
  const roots: unknown[] = [schema.getQueryType(), schema.getMutationType()];
  const fields = types
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })));
  const isSizedByAnswers = (typeName: string, fieldName: string) => {
    const answers = fields.filter(({ field }) => stripNonNull(field.type).toString() === typeName);
    const isSizing = ({ type, field }: (typeof fields)[number]) =>
      sizes.get(`${type.name}.${field.name}`)?.sizedFields.includes(fieldName) ?? false;
    return answers.length > 0 && answers.every(isSizing);
  };
  return fields
    .filter(({ type, field }) => {
      const coordinate = `${type.name}.${field.name}`;
      if (roots.includes(type) && !weights.has(coordinate)) return true;
      const fieldType = stripNonNull(field.type);
      if (!isListType(fieldType)) return false;
      if (isListType(stripNonNull(fieldType.ofType))) return true;
      return !sizes.has(coordinate) && !isSizedByAnswers(type.name, field.name);
    })
    .map(({ type, field }) => `${type.name}.${field.name}`);
}

function stripNonNull(type: unknown): object {
  return isNonNullType(type) ? type.ofType : (type as object);
}
