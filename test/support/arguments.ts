import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

/** Every scalar that a request can give, found by walking the schema: a new argument is found by itself. */

/** One scalar within the arguments of a field. */
export interface ArgumentPlace {
  /** The type that has the field. */
  parent: GraphQLObjectType;
  field: GraphQLField<unknown, unknown>;
  /** The path of the value, as `extensions.argument` gives it. */
  path: string;
  /** `InputType.field`, or `Type.field.argument`. */
  coordinate: string;
  scalar: string;
  /** Returns the arguments with `value` in this place and something plausible in every other that is required. */
  fill(value: unknown): Record<string, unknown>;
}

/** Returns a plausible value of a type. */
function exampleOf(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return exampleOf(type.ofType);
  if (isListType(type)) return [exampleOf(type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    // Every act is rehearsed, so that nothing changes.
    const dryRun = type.getFields().dryRun ? { dryRun: true } : {};
    return { ...exampleOfAll(Object.values(type.getFields())), ...dryRun };
  }
  const examples: Record<string, unknown> = {
    Date: '2026-01-01',
    DateTime: '2026-01-01T00:00:00Z',
    Int: 1,
    Boolean: true,
  };
  return examples[type.name] ?? '甲乙';
}

/** Returns a plausible value of every required argument or input field. */
function exampleOfAll(fields: readonly (GraphQLArgument | GraphQLInputField)[]): Record<string, unknown> {
  const required = fields.filter(({ type, defaultValue }) => isNonNullType(type) && defaultValue === undefined);
  return Object.fromEntries(required.map(({ name, type }) => [name, exampleOf(type)]));
}

type Found = { path: string; coordinate: string; scalar: string; fill: (value: unknown) => unknown };

/** Returns every scalar within a type of arguments. No input type of the hub contains itself. */
function placesIn(type: GraphQLInputType, path: string, coordinate: string): Found[] {
  if (isNonNullType(type)) return placesIn(type.ofType, path, coordinate);
  if (isListType(type)) {
    return placesIn(type.ofType, `${path}[0]`, coordinate).map((one) => ({
      ...one,
      fill: (value) => [one.fill(value)],
    }));
  }
  if (isEnumType(type)) return [];
  if (!isInputObjectType(type)) return [{ path, coordinate, scalar: type.name, fill: (value) => value }];
  return Object.values(type.getFields()).flatMap((field) =>
    placesIn(field.type, `${path}.${field.name}`, `${type.name}.${field.name}`).map((one) => ({
      ...one,
      fill: (value: unknown) => ({ ...(exampleOf(type) as object), [field.name]: one.fill(value) }),
    })),
  );
}

/** Returns every scalar within the arguments of a type's fields. */
export function placesOfType(parent: GraphQLObjectType | null | undefined): ArgumentPlace[] {
  if (!parent) return [];
  return Object.values(parent.getFields()).flatMap((field) =>
    field.args.flatMap((argument) =>
      placesIn(argument.type, argument.name, `${parent.name}.${field.name}.${argument.name}`).map((one) => ({
        ...one,
        parent,
        field,
        fill: (value: unknown) => ({ ...exampleOfAll(field.args), [argument.name]: one.fill(value) }),
      })),
    ),
  );
}

/** Returns the object types below the roots. */
function listInnerTypes(schema: GraphQLSchema): GraphQLObjectType[] {
  const roots: unknown[] = [schema.getQueryType(), schema.getMutationType()];
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => !roots.includes(type) && !type.name.startsWith('__'));
}

/**
 * Returns the shortest way from Query to each object type through lists and links that need no argument but a number:
 * the way that finds objects without knowing any. A way is a list of selections, `matters(first: 1)`, `edges`, `node`.
 */
function findWays(schema: GraphQLSchema): Map<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>();
  const query = schema.getQueryType();
  const open: { type: GraphQLObjectType; way: readonly string[] }[] = query ? [{ type: query, way: [] }] : [];
  for (let next = open.shift(); next; next = open.shift()) {
    for (const field of Object.values(next.type.getFields())) {
      const type = getNamedType(field.type);
      const required = field.args.filter(isRequiredArgument);
      const isOpen = required.every((argument) => getNamedType(argument.type).name === 'Int');
      if (!isObjectType(type) || ways.has(type.name) || !isOpen) continue;
      const values = required.map(({ name }) => `${name}: 1`).join(', ');
      const way = [...next.way, values === '' ? field.name : `${field.name}(${values})`];
      ways.set(type.name, way);
      open.push({ type, way });
    }
  }
  return ways;
}

/** The operation of a place, and the way from its root to the type that has the field. */
export interface Place extends ArgumentPlace {
  operation: 'query' | 'mutation';
  way: readonly string[];
}

/** Returns every scalar within the arguments of every query and mutation. */
export function placesOfRoots(schema: GraphQLSchema): Place[] {
  const mutations = placesOfType(schema.getMutationType());
  return [
    ...placesOfType(schema.getQueryType()).map((place) => ({ ...place, operation: 'query' as const, way: [] })),
    ...mutations.map((place) => ({ ...place, operation: 'mutation' as const, way: [] })),
  ];
}

/** Returns every scalar within the arguments of every field below the roots. Throws if no way leads to one. */
export function placesBelowRoots(schema: GraphQLSchema): Place[] {
  const ways = findWays(schema);
  return listInnerTypes(schema).flatMap((type) =>
    placesOfType(type).map((place) => {
      const way = ways.get(type.name);
      if (!way) throw new Error(`no list leads to ${type.name}: give its test a way`);
      return { ...place, operation: 'query' as const, way };
    }),
  );
}

/** Returns the document of an operation that gives a place its value by variables. */
export function writeOperation({ field, operation, way }: Place, variables: Record<string, unknown>): string {
  const used = field.args.filter(({ name }) => name in variables);
  const definitions = used.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  const values = used.map(({ name }) => `${name}: $${name}`).join(', ');
  const type = getNamedType(field.type);
  const refuses = isObjectType(type) && type.getFields().refusal !== undefined;
  const selection = refuses ? '{ refusal { code message field } }' : isLeafType(type) ? '' : '{ __typename }';
  const answer = `answer: ${field.name}(${values}) ${selection}`;
  const body = way.reduceRight((inner, step) => `${step} { ${inner} }`, answer);
  return `${operation}(${definitions}) { ${body} }`;
}
