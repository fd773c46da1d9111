import { type DefinitionNode, type DocumentNode, Kind, parse, type StringValueNode } from 'graphql';
import { ACTION_TYPES } from './actions.ts';
import { REFUSAL_TYPES } from './refusals.ts';

/**
 * Descriptions that are the same wherever a name occurs. A schema describes what is special; what every connection,
 * page or payload has in common is described here once, and so are members whose name says everything.
 */

/** Descriptions of fields, arguments and input fields by name. A description in the schema wins. */
const MEMBERS: Readonly<Record<string, string>> = {
  // pages
  first: 'Number of rows from the start of the list, or after `after`: 1 to 100',
  after: 'Cursor of a row of the same list: the page begins after it',
  last: 'Number of rows from the end of the list, or before `before`: 1 to 100',
  before: 'Cursor of a row of the same list: the page ends before it',
  filter: 'Conditions on the rows. All must hold',
  orderBy: 'Order of the rows',
  edges: 'The rows of the page, in the order of the list',
  node: 'The row itself',
  cursor: 'Position of the row in the list, for `after` and `before`',
  pageInfo: 'Where the page begins and ends, and whether more rows lie beyond',
  hasNextPage: 'Whether rows follow the page',
  hasPreviousPage: 'Whether rows precede the page',
  startCursor: 'Cursor of the first row, or null if the page is empty',
  endCursor: 'Cursor of the last row, or null if the page is empty',
  // actions
  allowed: 'Whether the caller may do it now',
  names: 'Names of mutations: only these. Another name is BAD_USER_INPUT',
  // mutations
  input: 'What the mutation needs',
  dryRun: 'Rehearsal: checks everything and stores nothing',
  refusal: 'The first of `refusals`, or null',
  refusals: 'Every reason why nothing was done: all faults of the input at once, at most 50. Empty if it was done',
  // objects
  id: 'Id of the object. Opaque: keep it and send it back unchanged',
  ids: 'Global ids of objects',
  nodeKey: 'Key by which `node` asks the subgraph of the object',
  uuid: 'Own identifier (UUID), as logs, files and messages name the object',
  agreement: 'The undertaking agreement (承接协议)',
  application: 'The application on a seal (印章申请)',
  calendar: 'The working-day calendar (工作日历)',
  case: 'The case (办件)',
  exception: 'The exception to the segregation of duties (职责分离的例外)',
  finding: 'The finding of supervision (监管反馈)',
  license: 'The license (电子证照)',
  identifier: 'Identifier of the license version (电子证照标识, GB/T 36904)',
  matter: 'The matter (事项)',
  order: "The supervisor's order (监管指令)",
  organ: 'The organ (机关)',
  platform: 'The approval platform (审批平台)',
  proposal: 'The proposal (提议)',
  push: 'The approval push (推送)',
  seal: 'The seal (电子印章)',
  upload: 'The uploaded file',
  webhook: "The webhook of an organ's supervision system",
  holder: 'The holder of the license (持证主体)',
  applicant: 'The applicant (申请人)',
  // what several objects have
  act: 'The act on the license (证照操作)',
  action: 'What is done',
  actor: 'Name of the person or system that did it',
  at: 'When it happened',
  blankNumber: 'Number of the blank (空白证照编号)',
  codeKind: 'Kind of the code (代码类型)',
  collectedAt: 'When the library collected it. Null before',
  decision: 'The decision (决定)',
  digest: 'SHA-256, lower-case hexadecimal',
  divisionCode: 'GB/T 2260 division code (行政区划代码)',
  endedAt: 'When it ended. Null before',
  endedBy: 'Name of the person who ended it. Null before',
  format: 'Format of the file',
  issuedOn: 'Day of issue (颁发日期)',
  issuedAt: 'When it was issued',
  kind: 'The kind',
  label: 'Name of the line',
  lastError: 'Why the last attempt failed. Null after a success',
  level: 'Level of the organ (层级)',
  licenseNumber: 'Number of the license concerned (证照编号), or null',
  mediaType: 'Media type of the file',
  message: 'A sentence for the user, in Chinese',
  mode: 'Delegation mode (下放方式)',
  name: 'The name',
  note: 'What the person added, or null',
  number: 'The number',
  object: 'What was read or handed over (查阅对象)',
  openedAt: 'When it was opened',
  proposedAt: 'When it was proposed',
  proposedBy: 'Name of the person who proposed it',
  purpose: 'Purpose of the reading (查阅用途)',
  reason: 'The reason',
  recordedAt: 'When it was recorded',
  recordedBy: 'Name of the person who recorded it',
  registeredAt: 'When it was registered',
  registeredBy: 'Name of the person who registered it',
  since: 'Since when',
  signedAt: 'Signing time',
  sizeBytes: 'Size in bytes',
  state: 'The state',
  step: 'The step (环节)',
  text: 'The text',
  validFrom: 'First day in force',
  validTo: 'Last day in force, or null if it has no end',
  validUntil: 'Last day in force, or null if it has no end',
  version: 'Number of the version, from 1',
  year: 'The year',
};

/** Description of a type by the end of its name. `subject` is the rest of the name. */
const TYPES: readonly (readonly [end: string, describe: (subject: string) => string])[] = [
  ['Connection', (subject) => `A page of the list of ${subject}`],
  ['Edge', (subject) => `A row of a page of ${subject}`],
  ['Payload', () => 'Answer of a mutation: what it changed, or why nothing was done'],
  ['Filter', () => 'Filter of a list. All conditions must hold'],
];

type Described = { description?: StringValueNode | undefined; name: { value: string } };

function describe<Node extends Described>(node: Node, text: string | undefined): Node {
  if (node.description || text === undefined) return node;
  return { ...node, description: { kind: Kind.STRING, value: text } };
}

/** Returns which fields take an input type, as words: "Input of `issueLicense`". */
function describeInputs(document: DocumentNode): Map<string, string> {
  const uses = new Map<string, string[]>();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const field of definition.fields ?? []) {
      for (const { type } of field.arguments ?? []) {
        const named = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
        if (named.kind !== Kind.NAMED_TYPE) continue;
        uses.set(named.name.value, [...(uses.get(named.name.value) ?? []), `\`${field.name.value}\``]);
      }
    }
  }
  return new Map([...uses].map(([type, fields]) => [type, `Input of ${fields.join(', ')}`]));
}

/** Adds the types that the kernel gives to a subgraph that uses them: those of refusals and those of actions. */
export function addKernelTypes(typeDefs: string): string {
  const refusals = typeDefs.includes('[Refusal!]') ? REFUSAL_TYPES : '';
  return typeDefs + refusals + (typeDefs.includes('[AvailableAction!]') ? ACTION_TYPES : '');
}

/**
 * Parses the type definitions of a subgraph, adds the types of the kernel, and describes what `MEMBERS` and `TYPES`
 * describe, where it is bare.
 */
export function parseSchema(typeDefs: string): DocumentNode {
  const document = parse(addKernelTypes(typeDefs));
  const inputs = describeInputs(document);
  const describeType = (name: string): string | undefined => {
    const row = TYPES.find(([end]) => name.endsWith(end));
    return row ? row[1](name.slice(0, -row[0].length)) : inputs.get(name);
  };
  const describeMember = <Member extends Described>(member: Member) => describe(member, MEMBERS[member.name.value]);
  const describeDefinition = (definition: DefinitionNode): DefinitionNode => {
    if (definition.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION) {
      const type = describe(definition, describeType(definition.name.value));
      return { ...type, fields: type.fields?.map(describeMember) };
    }
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.INTERFACE_TYPE_DEFINITION) {
      return definition;
    }
    const fields = definition.fields?.map((field) =>
      describeMember({ ...field, arguments: field.arguments?.map(describeMember) }),
    );
    return { ...describe(definition, describeType(definition.name.value)), fields };
  };
  return { ...document, definitions: document.definitions.map(describeDefinition) };
}
