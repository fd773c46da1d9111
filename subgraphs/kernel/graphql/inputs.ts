import {
  defaultFieldResolver,
  type GraphQLArgument,
  GraphQLError,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLScalarType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  Kind,
  valueFromASTUntyped,
} from 'graphql';
import { isDay, isStorable } from '../day.ts';
import { noteSubject } from '../environment/log.ts';
import { buildInputError } from '../list/page.ts';
import {
  describeTextProblem,
  findTextProblem,
  MAX_INPUT_FILE_CHARS,
  MAX_INPUT_ID_CHARS,
  MAX_INPUT_ITEMS,
  MAX_INPUT_TEXT_CHARS,
  type TextRule,
} from '../text.ts';
import { parseGlobalId } from './global-id.ts';
import { InputFaults } from './input-faults.ts';
import { listNodeTypes } from './node.ts';

/**
 * Checks every argument of every field before its resolver runs, and turns global ids into own identifiers. A new
 * argument is checked by itself, because the check follows from its type.
 */

/** Rules of texts by coordinate (`ImportInput.csv`, `Query.find.name`), where the default of the type does not fit. */
export type InputRules = Readonly<Record<string, TextRule>>;

/** The rule of a text that is a file: CSV, JSON, PEM or base64. */
export const FILE_INPUT: TextRule = { form: 'FILE', maxChars: MAX_INPUT_FILE_CHARS };

const ID_RULE: TextRule = { form: 'LINE', maxChars: MAX_INPUT_ID_CHARS };

const DEFAULT_RULES: Readonly<Record<string, TextRule>> = {
  String: { form: 'LINES', maxChars: MAX_INPUT_TEXT_CHARS },
  ID: ID_RULE,
};

/** Most representations of entities in one request: the gateway asks for those of a whole answer at once. */
const MAX_REPRESENTATIONS = 50_000;

/** Scalars that GraphQL itself checks. */
const UNCHECKED_SCALARS = new Set(['Int', 'Float', 'Boolean']);

/** A value that its scalar did not accept. It must not reach a resolver. */
class WrongValue {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** Readers of the hub's own scalars. A reader returns null for a wrong value. */
const READERS: Readonly<Record<string, { read: (value: unknown) => unknown; message: string }>> = {
  Date: {
    read: (value) => (typeof value === 'string' && isDay(value) ? value : null),
    message: '须为真实日期 YYYY-MM-DD',
  },
  DateTime: { read: parseInstant, message: '须为带时区的时刻，如 2026-01-31T09:00:00+08:00，公元 1 至 9999 年' },
};

const INSTANT = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/**
 * Returns the instant of an RFC 3339 text, or null. Leap seconds and years outside 1 to 9999 (UTC) are not accepted.
 */
function parseInstant(value: unknown): Date | null {
  const day = typeof value === 'string' ? INSTANT.exec(value)?.[1] : undefined;
  if (day === undefined || !isDay(day)) return null;
  const instant = new Date(value as string);
  return isStorable(instant) ? instant : null;
}

/**
 * Wraps the resolver of every field that has arguments. The wrapper throws BAD_USER_INPUT for wrong texts, ids, Dates
 * and DateTimes, and for lists that are too long: `InputFaults` says how it names all of them. The resolver receives
 * the own identifier where the caller gave a global id. Throws if `rules` name a coordinate that does not exist, if an
 * argument has a scalar without a check, or if an ID does not say by `@nodeId` what it names.
 */
export function checkInputs(schema: GraphQLSchema, rules: InputRules): GraphQLSchema {
  const compile = createCompiler(rules, new Set(listNodeTypes(schema).map(({ name }) => name)));
  for (const [name, type] of Object.entries(schema.getTypeMap())) if (isScalarType(type)) keepWrongValues(type, name);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const checks = field.args.map((argument) => ({
        name: argument.name,
        check: compile(argument.type, `${type.name}.${field.name}.${argument.name}`, argument),
      }));
      if (checks.length === 0) continue;
      const resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (source, args, context, info) => {
        const faults = new InputFaults();
        const inputs = readFields(args, checks, (name) => name, faults);
        faults.settle();
        noteArguments(field.name, inputs);
        return resolve(source, inputs, context, info);
      };
    }
  }
  const unknown = Object.keys(rules).filter((coordinate) => !compile.coordinates.has(coordinate));
  if (unknown.length > 0) throw new Error(`no such argument of type String or ID: ${unknown.join(', ')}`);
  return schema;
}

/** Tells the log which case or license a field is about. */
function noteArguments(field: string, args: Readonly<Record<string, unknown>>): void {
  const input = (args.input ?? {}) as Readonly<Record<string, unknown>>;
  noteSubject({
    case: field === 'case' ? args.id : (input.case ?? args.case),
    license: input.identifier ?? args.identifier ?? input.license,
  });
}

/**
 * Makes Date and DateTime return a WrongValue instead of throwing. An error thrown by a scalar does not say which
 * argument is wrong, and a subgraph's validation error looks like a fault of the hub to the gateway.
 */
function keepWrongValues(scalar: GraphQLScalarType, name: string): void {
  const reader = READERS[name];
  if (!reader) return;
  // The library's resolver map has renamed it to the name of its implementation, LocalDate.
  scalar.name = name;
  scalar.parseValue = (value) => reader.read(value) ?? new WrongValue(reader.message);
  scalar.parseLiteral = (ast, variables) => scalar.parseValue(valueFromASTUntyped(ast, variables));
}

/**
 * Makes the hub's own scalars in the gateway's schema refuse whatever is not a text, in literals and in variables. The
 * planner throws on some other literals, and JSON turns a number that is not finite into null on the way to a subgraph.
 * The subgraph checks the text. Throws if a scalar has no reader.
 */
export function requireTexts(schema: GraphQLSchema): void {
  for (const scalar of Object.values(schema.getTypeMap())) {
    if (!isScalarType(scalar) || isSpecifiedScalarType(scalar)) continue;
    const message = READERS[scalar.name]?.message;
    if (message === undefined) throw new Error(`no check for scalar ${scalar.name}`);
    scalar.parseValue = (value) => {
      if (typeof value !== 'string') throw new GraphQLError(`${message}。`);
      return value;
    };
    scalar.parseLiteral = (node) => {
      if (node.kind !== Kind.STRING) throw new GraphQLError(`${message}。`, { nodes: node });
      return node.value;
    };
  }
}

/**
 * Checks a value and returns it as the resolver shall have it. `path` is its place, for example `input.fields[0].text`.
 * The value itself may be that of a variable, which other fields read too: it is never changed. Throws BAD_USER_INPUT
 * for its own fault, and writes those of several parts to `faults`.
 */
type Check = (value: unknown, path: string, faults: InputFaults) => unknown;

/** The check of an argument or input field. */
interface FieldCheck {
  name: string;
  check: Check;
}

/** An argument or input field, whose directives say what an ID names. */
type Input = GraphQLArgument | GraphQLInputField;

/** Turns the type of an argument into its check. `coordinates` are all that it has seen of String or ID. */
type Compiler = ((type: GraphQLInputType, coordinate: string, input: Input) => Check) & { coordinates: Set<string> };

/** Checks each field of an object. Returns the object itself if no value becomes another. */
function readFields(
  values: Readonly<Record<string, unknown>>,
  checks: readonly FieldCheck[],
  pathOf: (name: string) => string,
  faults: InputFaults,
): Readonly<Record<string, unknown>> {
  const changes: Record<string, unknown> = {};
  for (const { name, check } of checks) {
    const path = pathOf(name);
    const value = faults.check(() => check(values[name], path, faults), values[name]);
    if (value !== values[name]) changes[name] = value;
  }
  return Object.keys(changes).length === 0 ? values : { ...values, ...changes };
}

function createCompiler(rules: InputRules, nodeTypes: ReadonlySet<string>): Compiler {
  const coordinates = new Set<string>();
  /** Each input type is compiled once, and looked up when it is used: a type may contain itself. */
  const objectChecks = new Map<string, Check>();
  const compile = (type: GraphQLInputType, coordinate: string, input: Input): Check => {
    if (isNonNullType(type)) return compile(type.ofType, coordinate, input);
    if (isListType(type)) return checkItems(compile(type.ofType, coordinate, input), maxItemsOf(type));
    if (isEnumType(type)) return keepValue;
    if (isScalarType(type)) return compileScalar(type.name, coordinate, input);
    if (!objectChecks.has(type.name)) compileObject(type);
    return (value, path, faults) => objectChecks.get(type.name)?.(value, path, faults);
  };
  const compileObject = (type: GraphQLInputObjectType): void => {
    const fieldChecks: FieldCheck[] = [];
    objectChecks.set(type.name, (value, path, faults) =>
      typeof value === 'object' && value !== null
        ? readFields(value as Record<string, unknown>, fieldChecks, (name) => `${path}.${name}`, faults)
        : value,
    );
    for (const field of Object.values(type.getFields())) {
      fieldChecks.push({ name: field.name, check: compile(field.type, `${type.name}.${field.name}`, field) });
    }
  };
  const compileScalar = (scalar: string, coordinate: string, input: Input): Check => {
    if (UNCHECKED_SCALARS.has(scalar)) return keepValue;
    if (READERS[scalar]) return refuseWrongValue;
    if (scalar === '_Any') return readRepresentation;
    const rule = rules[coordinate] ?? DEFAULT_RULES[scalar];
    if (!rule) throw new Error(`${coordinate}: no check for scalar ${scalar}`);
    coordinates.add(coordinate);
    if (scalar !== 'ID') return checkText(rule);
    const type = findNamedType(input, coordinate);
    return type === 'Node' ? checkNodeId(nodeTypes) : readId(type, rule);
  };
  return Object.assign(compile, { coordinates });
}

function maxItemsOf(type: GraphQLInputType): number {
  return getNamedType(type).name === '_Any' ? MAX_REPRESENTATIONS : MAX_INPUT_ITEMS;
}

function checkItems(check: Check, maxItems: number): Check {
  return (list, path, faults) => {
    if (!Array.isArray(list)) return list;
    if (list.length > maxItems) throw buildInputError(`${path} 最多 ${maxItems} 项。`, path);
    return list.map((item, i) =>
      faults.isFull ? item : faults.check(() => check(item, `${path}[${i}]`, faults), item),
    );
  };
}

const keepValue: Check = (value) => value;

function refuseWrongValue(value: unknown, path: string): unknown {
  if (value instanceof WrongValue) throw buildInputError(`${path} ${value.message}。`, path);
  return value;
}

function checkText(rule: TextRule) {
  return (text: unknown, path: string): unknown => {
    const problem = typeof text === 'string' ? findTextProblem(text, rule) : null;
    if (problem) throw buildInputError(`${path} 不符合要求：${describeTextProblem(problem)}。`, path);
    return text;
  };
}

/** Returns the name of the type that an ID names by `@nodeId`, or null. Throws if it does not say. */
function findNamedType({ astNode }: Input, coordinate: string): string | null {
  const directive = astNode?.directives?.find(({ name }) => name.value === 'nodeId');
  if (!directive) throw new Error(`${coordinate}: say by @nodeId what it names`);
  const value = directive.arguments?.find(({ name }) => name.value === 'type')?.value;
  return value?.kind === Kind.STRING ? value.value : null;
}

/** Reads an ID: the global id of `type` becomes the own identifier. Without a type, it is a text of another system. */
function readId(type: string | null, rule: TextRule): Check {
  const check = checkText(rule);
  if (type === null) return check;
  return (value, path) => check(typeof value === 'string' ? readOwnId(value, type, path) : value, path);
}

/** Returns the own identifier in a global id of `type`; an own identifier as it is. Throws BAD_USER_INPUT. */
function readOwnId(text: string, type: string, path: string): string {
  const parsed = parseGlobalId(text);
  if (parsed === null) return text;
  if (parsed === 'BROKEN') throw buildInputError(`${path} 的 id 不完整或被改动。`, path);
  if (parsed.type !== type) throw buildInputError(`${path} 须为 ${type} 的 id，不是 ${parsed.type} 的。`, path);
  return parsed.own;
}

/** Checks the global id of any Node, for `node`. It stays as it is. */
function checkNodeId(nodeTypes: ReadonlySet<string>): Check {
  return (id, path) => {
    const parsed = typeof id === 'string' ? parseGlobalId(id) : null;
    if (parsed === null || parsed === 'BROKEN' || !nodeTypes.has(parsed.type))
      throw buildInputError(`${path} 须为本系统给出的对象 id。`, path);
    checkKey(parsed.own, path);
    return id;
  };
}

const checkKey = checkText(ID_RULE);

/**
 * Reads a representation of `_entities`, `{ __typename: "License", identifier: "…" }`: each of its values must be a
 * text as an ID is, and `id` may be global. No other values are keys in this hub. A subgraph takes it from any caller,
 * not only the gateway.
 */
function readRepresentation(representation: unknown, path: string): unknown {
  if (typeof representation !== 'object' || representation === null) throw buildRepresentationError(path);
  const type = '__typename' in representation ? String(representation.__typename) : '';
  const keys = Object.entries(representation).map(([name, value]) => {
    if (findTextProblem(name, ID_RULE)) throw buildRepresentationError(path);
    const valuePath = `${path}.${name}`;
    if (typeof value !== 'string') throw buildRepresentationError(valuePath);
    // A resolver finds an object by `id`, also when `node` asks.
    if (name === 'nodeKey') return ['id', checkKey(value, valuePath)];
    return [name, checkKey(name === 'id' ? readOwnId(value, type, valuePath) : value, valuePath)];
  });
  return Object.fromEntries(keys);
}

function buildRepresentationError(path: string): Error {
  return buildInputError(`${path} 须为以文字为键的实体。`, path);
}
