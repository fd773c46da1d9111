import {
  defaultFieldResolver,
  type GraphQLInputField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isObjectType,
  isRequiredInputField,
  Kind,
} from 'graphql';
import { ACTION_LABELS, type ActionLabel } from '../actions/labels.ts';
import { buildInputError } from '../list/page.ts';
import type { ActionAnswer } from '../policy.ts';

/** How every subgraph answers `actions`: which mutations a caller may do on an object now, as a tool for screens. */

/** The types of actions, as every subgraph declares them that has a field `actions`. */
export const ACTION_TYPES = `
"A mutation on an object, and whether the caller may do it now or why not"
type AvailableAction @shareable {
  "Name of the mutation"
  name: String! @cost(weight: 0)
  "What a button says"
  label: ActionLabel!
  "Whether the caller may do it now"
  allowed: Boolean!
  "Why this caller may not do it now, or null"
  refusal: Refusal
  "The fields of the mutation's input, without those that the object itself supplies and without \`dryRun\`"
  inputs: [ActionInput!]! @listSize(assumedSize: 8)
  "The sentence of the plan or law behind it (依据)"
  clause: String
}

"The words of an action in both languages"
type ActionLabel @shareable {
  "In Chinese (中文)"
  zh: String! @cost(weight: 0)
  "In English"
  en: String! @cost(weight: 0)
}

"A field of a mutation's input that a person fills in"
type ActionInput @shareable {
  "Name of the field within \`input\`"
  name: String! @cost(weight: 0)
  "Its GraphQL type, for example \`[String!]!\`"
  type: String! @cost(weight: 0)
  "Whether the mutation is refused as BAD_USER_INPUT without it. Rules may require more: rehearse with \`dryRun\`"
  required: Boolean! @cost(weight: 0)
  "What it is, as the schema describes it"
  description: String @cost(weight: 0)
}
`;

/** An answer with the type of the object that offers it. */
interface OfferedAction extends ActionAnswer {
  of: string;
}

interface ActionInput {
  name: string;
  type: string;
  required: boolean;
  description: string | null;
}

/**
 * Completes every field `actions`: its arguments `allowed` and `names` filter, and each answer has its label and the
 * inputs that the object does not supply. Throws if such a field lacks an argument.
 */
export function answerActions(schema: GraphQLSchema): GraphQLSchema {
  const action = schema.getType('AvailableAction');
  if (!isObjectType(action)) return schema;
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type) && getNamedType(type.getFields().actions?.type) === action) filterActions(schema, type);
  }
  const fields = action.getFields();
  if (fields.label) fields.label.resolve = ({ name }: OfferedAction) => labelOf(name);
  const inputs = new Map<string, ActionInput[]>();
  if (fields.inputs) {
    fields.inputs.resolve = ({ name, of }: OfferedAction) => {
      const key = `${of}.${name}`;
      const known = inputs.get(key) ?? listInputs(schema, name, of);
      inputs.set(key, known);
      return known;
    };
  }
  return schema;
}

function labelOf(name: string): ActionLabel {
  const label = ACTION_LABELS[name];
  if (!label) throw new Error(`${name} has no label`);
  return label;
}

function filterActions(schema: GraphQLSchema, type: GraphQLObjectType): void {
  const field = type.getFields().actions;
  const names = field?.args.map((argument) => argument.name).sort();
  if (!field || names?.join() !== 'allowed,names') throw new Error(`${type.name}.actions takes allowed and names`);
  const resolve = field.resolve ?? defaultFieldResolver;
  const mutations = schema.getMutationType()?.getFields() ?? {};
  field.resolve = async (source, args, context, info) => {
    const wanted: readonly string[] | null = args.names ?? null;
    for (const [i, name] of (wanted ?? []).entries()) {
      const place = `names[${i}]`;
      if (!Object.hasOwn(mutations, name)) throw buildInputError(`${place} 不是此处的操作名称。`, place);
    }
    const answers = (await resolve(source, args, context, info)) as readonly ActionAnswer[];
    return answers
      .filter(({ name, allowed }) => (wanted?.includes(name) ?? true) && (args.allowed ?? allowed) === allowed)
      .map((answer): OfferedAction => ({ ...answer, of: type.name }));
  };
}

/** Returns the fields of a mutation's input that an object of type `of` does not supply. */
function listInputs(schema: GraphQLSchema, mutation: string, of: string): ActionInput[] {
  const input = getNamedType(schema.getMutationType()?.getFields()[mutation]?.args[0]?.type);
  const object = schema.getType(of);
  if (!isInputObjectType(input) || !isObjectType(object))
    throw new Error(`${of} offers ${mutation}, which has no input`);
  return Object.values(input.getFields())
    .filter((field) => field.name !== 'dryRun' && !supplies(schema, object, field))
    .map((field) => ({
      name: field.name,
      type: String(field.type),
      required: isRequiredInputField(field),
      description: field.description ?? null,
    }));
}

/**
 * Whether an input names the object itself. An object that no input ever names, as a certificate task, is named by what
 * it has under the same name, its case.
 */
function supplies(schema: GraphQLSchema, object: GraphQLObjectType, field: GraphQLInputField): boolean {
  const named = findNamedType(field);
  if (named === object.name) return true;
  const isNamed = Object.values(schema.getTypeMap()).some(
    (type) =>
      isInputObjectType(type) && Object.values(type.getFields()).some((input) => findNamedType(input) === object.name),
  );
  return !isNamed && named !== null && getNamedType(object.getFields()[field.name]?.type)?.name === named;
}

function findNamedType({ astNode }: GraphQLInputField): string | null {
  const directive = astNode?.directives?.find(({ name }) => name.value === 'nodeId');
  const value = directive?.arguments?.find(({ name }) => name.value === 'type')?.value;
  return value?.kind === Kind.STRING ? value.value : null;
}
