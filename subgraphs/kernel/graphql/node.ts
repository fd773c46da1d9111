import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
} from 'graphql';
import type { GraphContext } from '../http/context.ts';
import { buildInputError, MAX_PAGE_ROWS } from '../list/page.ts';
import { parseGlobalId, writeGlobalId } from './global-id.ts';

/**
 * Node: what every type that implements it has in common. A resolver knows own identifiers only. Arguments are read by
 * `inputs.ts`.
 */

/** Most objects of one call of `nodes`: as many as a page has rows. */
const MAX_NODES = MAX_PAGE_ROWS;

type AnyResolver = NonNullable<GraphQLField<unknown, GraphContext>['resolve']>;
type ResolveReference = (reference: object, context: GraphContext, info: GraphQLResolveInfo) => unknown;

/** Returns the types of a schema that implement Node. */
export function listNodeTypes(schema: GraphQLSchema): GraphQLObjectType[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => type.getInterfaces().some(({ name }) => name === 'Node'));
}

/**
 * Makes every `id` of type ID a global id, also of objects that `node` does not find: caches keep objects by it.
 * Answers `uuid`, the own identifier, where a type has it and no resolver does.
 */
export function answerGlobalIds(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    const { id, uuid, nodeKey } = type.getFields();
    const resolveOwn = id?.resolve ?? defaultFieldResolver;
    // A stub, without a way to find the object, has the key from `findNode`.
    if (nodeKey && findReferenceResolver(type)) nodeKey.resolve = resolveOwnAs(resolveOwn);
    if (uuid) uuid.resolve ??= resolveOwnAs(resolveOwn);
    if (id && getNamedType(id.type).name === 'ID') id.resolve = resolveOwnAs(resolveOwn, type.name);
  }
  return schema;
}

/** Returns the resolver of an own identifier. With a type, it answers the global id instead. */
function resolveOwnAs(resolveOwn: AnyResolver, type?: string): AnyResolver {
  const write = (own: unknown) =>
    typeof own === 'string' && type !== undefined ? writeGlobalId({ type, own }) : (own ?? null);
  return (source, _args, context, info) => {
    // The resolver of `id` has no arguments, and the default one reads the property of this name.
    const own: unknown =
      resolveOwn === defaultFieldResolver ? (source as { id?: unknown }).id : resolveOwn(source, {}, context, info);
    return own instanceof Promise ? own.then(write) : write(own);
  };
}

function findReferenceResolver({ extensions }: GraphQLObjectType): ResolveReference | undefined {
  const { apollo } = extensions as { apollo?: { subgraph?: { resolveReference?: ResolveReference } } };
  return apollo?.subgraph?.resolveReference;
}

/**
 * Finds the object with a global id that `inputs.ts` has checked, for `Query.node`. Returns null if there is none that
 * the caller may see. Of an object of another subgraph it returns the key, by which the gateway asks that subgraph.
 */
export async function findNode<Found>(id: string, context: GraphContext, info: GraphQLResolveInfo | undefined) {
  const parsed = parseGlobalId(id);
  if (parsed === null || parsed === 'BROKEN' || !info) return null;
  const type = info.schema.getType(parsed.type);
  if (!isObjectType(type)) return null;
  const found = await findLocally(type, parsed.own, context, info);
  return found && ({ ...found, __typename: type.name } as Found);
}

/**
 * Finds objects like `findNode`, for `Query.nodes`. Each is a promise of its own, so that a refusal of one leaves the
 * rest. Throws BAD_USER_INPUT for more than MAX_NODES.
 */
export function findNodes<Found>(ids: readonly string[], context: GraphContext, info: GraphQLResolveInfo | undefined) {
  if (ids.length > MAX_NODES) throw buildInputError(`ids 最多 ${MAX_NODES} 项。`, 'ids');
  // A promise of null is answered as null, which the generated types do not say.
  return ids.map((id) => findNode<Found>(id, context, info)) as Promise<Found>[];
}

async function findLocally(type: GraphQLObjectType, own: string, context: GraphContext, info: GraphQLResolveInfo) {
  const resolveReference = findReferenceResolver(type);
  if (!resolveReference) return { nodeKey: own };
  return (await resolveReference({ __typename: type.name, id: own }, context, info)) as object | null;
}
