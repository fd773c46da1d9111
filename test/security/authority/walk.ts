import {
  buildClientSchema,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import type { Answer, TestHub } from '../../support/hub.ts';

/** Queries that reach every field of the composed schema by every path up to a number of hops between objects. */

type Field = GraphQLField<unknown, unknown>;
/** From a root field down to an object. What is selected is every leaf of that object. */
export type Path = readonly Field[];

/** The gateway takes 500 fields of one operation. */
const MAX_FIELDS = 400;
/** Refusals of an operation that is too large. It is then asked in two halves. */
const TOO_LARGE: readonly string[] = [
  ...['OPERATION_TOO_EXPENSIVE', 'QUERY_TOO_DEEP', 'QUERY_TOO_WIDE', 'ANSWER_TOO_LARGE'],
  ...['QUERY_TOO_LONG', 'QUERY_TOO_LARGE'],
];

/** Reads the schema as a stranger does: by introspection. */
export async function readSchema(hub: TestHub): Promise<GraphQLSchema> {
  return buildClientSchema((await hub.ask(null, getIntrospectionQuery())).data);
}

/** The fields of Query. */
export function listRoots(schema: GraphQLSchema): Field[] {
  return Object.values(schema.getQueryType()?.getFields() ?? {});
}

/** Whether a field below a root can be asked for without knowing anything. */
const isOpen = ({ args }: Field) =>
  args.every((argument) => !isRequiredArgument(argument) || argument.name === 'first');
const targetOf = ({ type }: Field) => getNamedType(type);
const isFrame = (type: GraphQLObjectType) => /(Connection|Edge)$/.test(type.name);

/**
 * Whether a field is one of a matter that another record names. Everything of a matter is public but its running cases
 * (see MATTER_READS), and the roots `matter` and `matters` read it.
 */
const isPublicBelow = (path: Path, type: GraphQLObjectType, { name }: Field) =>
  type.name === 'Matter' && !/^matters?$/.test(path[0]?.name ?? '') && name !== 'runningCases';

/** Lists the paths from a root. A connection and its edges count as no hop. No type occurs twice in a path. */
export function listPaths(root: Field, hops: number): Path[] {
  const paths: Path[] = [];
  const descend = (path: Path, type: GraphQLObjectType, above: readonly string[], left: number): void => {
    if (!isFrame(type)) paths.push(path);
    if (left < 0) return;
    for (const field of Object.values(type.getFields())) {
      if (isPublicBelow(path, type, field)) continue;
      const next = targetOf(field);
      if (!isObjectType(next) || !isOpen(field) || above.includes(next.name)) continue;
      if (left === 0 && !isFrame(next) && !isFrame(type)) continue;
      descend([...path, field], next, [...above, next.name], isFrame(next) || isFrame(type) ? left : left - 1);
    }
  };
  const type = targetOf(root);
  if (isObjectType(type)) descend([root], type, [type.name], hops);
  return paths;
}

/** A selection: the fields of an object by their name. */
interface Selection {
  [field: string]: Selection;
}

function countFields(selection: Selection): number {
  return Object.values(selection).reduce((sum, inner) => sum + 1 + countFields(inner), 0);
}

function write(selection: Selection): string {
  return Object.entries(selection)
    .map(([call, inner]) => (Object.keys(inner).length === 0 ? call : `${call} { ${write(inner)} }`))
    .join(' ');
}

const callBelow = ({ name, args }: Field) => (args.some((one) => one.name === 'first') ? `${name}(first: 5)` : name);

function listLeaves(type: GraphQLObjectType): string[] {
  const leaves = Object.values(type.getFields()).filter((field) => !isObjectType(targetOf(field)) && isOpen(field));
  return ['__typename', ...leaves.map(({ name }) => name)];
}

function addPath(selection: Selection, call: string, path: Path): void {
  let place = selection;
  for (const [index, field] of path.entries()) {
    const name = index === 0 ? call : callBelow(field);
    place[name] ??= {};
    place = place[name];
  }
  const type = targetOf(path.at(-1) as Field);
  if (isObjectType(type)) for (const leaf of listLeaves(type)) place[leaf] ??= {};
}

/** One operation: the paths that it takes from one root field with its arguments. */
export interface Operation {
  root: string;
  call: string;
  paths: readonly Path[];
  query: string;
}

function toOperation(call: string, paths: readonly Path[]): Operation {
  const selection: Selection = {};
  for (const path of paths) addPath(selection, call, path);
  return { root: paths[0]?.[0]?.name ?? '', call, paths, query: `{ ${write(selection)} }` };
}

/** Packs paths from one root field into as few operations as the gateway's number of fields allows. */
export function packPaths(call: string, paths: readonly Path[]): Operation[] {
  const operations: Operation[] = [];
  let pack: Path[] = [];
  for (const path of paths) {
    const selection: Selection = {};
    for (const each of [...pack, path]) addPath(selection, call, each);
    if (pack.length > 0 && countFields(selection) > MAX_FIELDS) {
      operations.push(toOperation(call, pack));
      pack = [];
    }
    pack.push(path);
  }
  return pack.length === 0 ? operations : [...operations, toOperation(call, pack)];
}

/** Splits what the gateway refuses as too large, as `person`. A path that is too large by itself is left out. */
export async function fitOperation(hub: TestHub, person: string, operation: Operation): Promise<Operation[]> {
  const { errors } = await hub.ask(person, operation.query);
  if (!errors?.some(({ extensions }) => TOO_LARGE.includes(extensions.code))) return [operation];
  const { call, paths } = operation;
  if (paths.length === 1) return [];
  const middle = Math.ceil(paths.length / 2);
  const halves = [toOperation(call, paths.slice(0, middle)), toOperation(call, paths.slice(middle))];
  return (await Promise.all(halves.map((half) => fitOperation(hub, person, half)))).flat();
}

/** An object of an answer with the path of its fields, `case.license.orders`. */
export interface Reached {
  path: string;
  node: Readonly<Record<string, unknown>>;
}

/** Returns every object of an answer, with its `__typename`. */
export function listReached(data: Answer['data'], path = ''): Reached[] {
  if (Array.isArray(data)) return data.flatMap((item) => listReached(item, path));
  if (typeof data !== 'object' || data === null) return [];
  const below = Object.entries(data).flatMap(([name, value]) => listReached(value, path ? `${path}.${name}` : name));
  return '__typename' in data ? [{ path, node: data }, ...below] : below;
}
