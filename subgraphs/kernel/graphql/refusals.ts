import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isListType,
  isObjectType,
} from 'graphql';
import type { RefusalFields, RefusalView } from '../http/resolver-types.ts';
import { REFUSALS } from '../refusal.ts';

/** How every subgraph answers refusals: the types of the schema, and the list in each payload. */

function describeCode(code: string, sentence: string): string {
  const label = `${code.charAt(0)}${code.slice(1).toLowerCase().replaceAll('_', ' ')}`;
  return `${sentence.slice(0, -1)} (${label})`;
}

/** The types of refusals, as every subgraph declares them. The values of the enum are the rows of REFUSALS. */
export const REFUSAL_TYPES = `
"A business refusal (不予办理). Nothing was changed"
type Refusal @shareable {
  "Public code. It is never renamed"
  code: RefusalCode!
  "A sentence for the user, in Chinese"
  message: String!
  """
  Where the value stands in the arguments of the mutation, from the outside in; an item of a list by its position from
  0: ["input", "materials", "0", "code"]. Empty if the refusal concerns the whole act, or an action that is not offered
  """
  path: [String!]! @listSize(assumedSize: 5)
  "The input field concerned, or null"
  field: String @deprecated(reason: "Use \`path\`. Deprecated since 2026-11-29.")
}

"Code of a refusal (不予办理的代码), with the sentence that people read"
enum RefusalCode {
${Object.entries(REFUSALS)
  .map(([code, sentence]) => `  "${describeCode(code, sentence)}"\n  ${code}`)
  .join('\n')}
}
`;

/**
 * Makes every mutation answer all of its refusals, with the path of each in its arguments. Throws if a mutation's
 * payload has no field `refusals`.
 */
export function answerRefusals(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const payload = getNullableType(field.type);
    if (!isObjectType(payload) || !payload.getFields().refusals)
      throw new Error(`${field.name}: the payload has no refusals`);
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = async (source, args, context, info) =>
      withRefusals(field, await resolve(source, args, context, info));
  }
  const refusal = schema.getType('Refusal');
  const path = isObjectType(refusal) ? refusal.getFields().path : undefined;
  if (path) path.resolve = (view: RefusalView) => view.path ?? [];
  return schema;
}

function withRefusals(field: GraphQLField<unknown, unknown>, payload: unknown): unknown {
  const { refusal, refusals = refusal ? [refusal] : [] } = payload as Partial<RefusalFields>;
  const locate = (view: RefusalView) => ({ ...view, path: findPath(field, view.field) });
  const located = refusals.map(locate);
  const lines = locateLines(payload as Partial<LinesField>, locate);
  return { ...(payload as object), ...lines, refusal: located[0] ?? null, refusals: located };
}

/** What some payloads have: the result of each line, with the refusals of that line, or an error. */
interface LinesField {
  lines: unknown;
}

function locateLines({ lines }: Partial<LinesField>, locate: (view: RefusalView) => RefusalView): Partial<LinesField> {
  if (!Array.isArray(lines)) return {};
  const located = lines.map((line: Partial<Pick<RefusalFields, 'refusals'>>) =>
    line.refusals ? { ...line, refusals: line.refusals.map(locate) } : line,
  );
  return { lines: located };
}

/** Returns the path of `materials[0].code` in the arguments of a mutation, as far as its input has it. */
function findPath({ args }: GraphQLField<unknown, unknown>, place: string | null): string[] {
  const [input] = args;
  if (place === null || input === undefined) return [];
  const path: string[] = [];
  let type: GraphQLInputType | undefined = input.type;
  for (const step of place.split(/[.[\]]+/).filter((name) => name !== '')) {
    type = findMember(type, step);
    if (type === undefined) break;
    path.push(step);
  }
  return path.length === 0 ? [] : [input.name, ...path];
}

function findMember(type: GraphQLInputType, name: string): GraphQLInputType | undefined {
  const inner = getNullableType(type);
  if (isListType(inner)) return /^\d+$/.test(name) ? inner.ofType : undefined;
  return isInputObjectType(inner) ? inner.getFields()[name]?.type : undefined;
}
