import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from 'graphql';
import type { GraphContext } from '../http/context.ts';
import { maskCodes } from './mask.ts';
import { ANONYMOUS, isOffice, type OutputRules } from './output-rules.ts';

/** Positions in lists. */
const CURSORS = new Set(['cursor', 'endCursor']);

/**
 * Wraps the resolver of every text that a schema answers: codes are masked, and names of staff are for offices only. A
 * new field is protected by itself, because the protection follows from its type. Throws if `rules` name a coordinate
 * that does not exist.
 */
export function protectOutputs(schema: GraphQLSchema, rules: OutputRules): GraphQLSchema {
  const { masksCodes, verbatim = {}, staff = {} } = rules;
  const unchanged = new Set(Object.values(verbatim).flat());
  const seen = new Set<string>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`;
      seen.add(coordinate);
      const scalar = getNamedType(field.type);
      if (!isScalarType(scalar)) continue;
      const isStaff = staff[coordinate] as ((parent: unknown) => boolean) | undefined;
      const isText = scalar.name === 'String' && !CURSORS.has(field.name) && !unchanged.has(coordinate);
      if (masksCodes && isText) maskText(field);
      if (isStaff) hideStaff(field, isStaff);
    }
  }
  const unknown = [...unchanged, ...Object.keys(staff)].filter((coordinate) => !seen.has(coordinate));
  if (unknown.length > 0) throw new Error(`no such field: ${unknown.join(', ')}`);
  return schema;
}

type AnyField = GraphQLField<unknown, GraphContext>;

function hideStaff(field: AnyField, isStaff: (parent: unknown) => boolean): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  const hidden = isNonNullType(field.type) ? ANONYMOUS : null;
  field.resolve = (source, args, context, info) =>
    isOffice(context.actor) || !isStaff(source) ? resolve(source, args, context, info) : hidden;
}

function maskText(field: AnyField): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, args, context, info) => {
    const value: unknown = resolve(source, args, context, info);
    const ownCode = context.actor.kind === 'person' ? context.actor.holderCode : null;
    return value instanceof Promise ? value.then((text) => maskValue(text, ownCode)) : maskValue(value, ownCode);
  };
}

function maskValue(value: unknown, ownCode: string | null): unknown {
  if (typeof value === 'string') return maskCodes(value, ownCode);
  return Array.isArray(value) ? value.map((item) => maskValue(item, ownCode)) : value;
}
