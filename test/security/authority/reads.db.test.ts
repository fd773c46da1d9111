import { type GraphQLSchema, getNamedType, isObjectType, isRequiredArgument } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASE_READS } from '../../../subgraphs/cases/policy.ts';
import { hasRole, type Person, STAFF_ROLES } from '../../../subgraphs/kernel/actor.ts';
import { writeGlobalId } from '../../../subgraphs/kernel/graphql/global-id.ts';
import {
  findOfficeScope,
  findReadScope,
  type OfficeReadRule,
  type ReadRule,
} from '../../../subgraphs/kernel/policy.ts';
import { LICENSE_READS } from '../../../subgraphs/licenses/policy.ts';
import { MATTER_READS } from '../../../subgraphs/matters/policy.ts';
import { SEAL_READS } from '../../../subgraphs/seals/policy.ts';
import { seededNumbers } from '../../policy/sample.ts';
import { requireDemoPerson } from '../../support/actors.ts';
import type { Answer, TestHub } from '../../support/hub.ts';
import { openIds } from '../../support/node-ids.ts';
import {
  fitOperation,
  listPaths,
  listReached,
  listRoots,
  type Operation,
  type Path,
  packPaths,
  readSchema,
} from './walk.ts';
import { createWorlds, MARKED, type Marked, type World } from './worlds.ts';

/**
 * Role × organ × field over every query with its nested paths, federated hops included. Two offices have one marked
 * record of every kind. Each person walks the composed schema. What is seen must be what the rules below say, by every
 * path: no less, so that the walk looks where the records are, and no more. FULL=1 takes all paths of four hops.
 */

const SEED = 20_261_129;
/** Hops that every run takes. Of the paths with one more, a sample. */
const HOPS = process.env.FULL === '1' ? 4 : 2;
const SAMPLED_STAFF = 5;
const SAMPLED_PATHS = process.env.FULL === '1' ? 0 : 60;

const STAFF = ['clerk', 'reviewer', 'approver', 'keeper', 'sealapprover', 'supervisor'];
const ALWAYS = [
  ...['applicant-company', 'applicant-citizen', 'window-yudu', 'window-xingguo', 'auditor', 'administrator', 'library'],
];
const OTHERS = [
  ...STAFF.flatMap((position) => [`yudu-lyj.${position}`, `ganzhou-xzspj.${position}`]),
  ...['clerk', 'approver', 'supervisor'].map((position) => `xingguo-lyj.${position}`),
];
const random = seededNumbers(SEED);
/** Everybody, or in every run a sample of the staff. */
const PEOPLE = [...ALWAYS, ...(process.env.FULL === '1' ? OTHERS : pick(OTHERS, SAMPLED_STAFF))];

/** Returns some of a list, the same in every run. */
function pick<Item>(items: readonly Item[], count: number): Item[] {
  const ranked = items.map((item) => ({ item, rank: random() })).sort((one, other) => one.rank - other.rank);
  return ranked.slice(0, count).map(({ item }) => item);
}

/** Who may ask a root field at all: everybody, whoever has a token, or those of a row. */
const ROOTS: Readonly<Record<string, 'PUBLIC' | 'TOKEN' | ReadRule | OfficeReadRule>> = {
  ...CASE_READS,
  ...LICENSE_READS,
  ...MATTER_READS,
  ...SEAL_READS,
  ...{ cases: 'TOKEN', case: 'TOKEN', uploads: 'TOKEN', queue: 'TOKEN', caseReadings: 'TOKEN' },
  ...{ licenses: 'TOKEN', license: 'TOKEN', certificateTasks: 'TOKEN', licenseReadings: 'TOKEN' },
  ...{ seals: 'TOKEN', seal: 'TOKEN' },
  ...{ matters: 'PUBLIC', matter: 'PUBLIC', organs: 'PUBLIC', tasks: 'PUBLIC', calendars: 'PUBLIC' },
  ...{ viewer: 'PUBLIC', node: 'PUBLIC', nodes: 'PUBLIC', caseProgress: 'PUBLIC' },
  ...{ searchCases: 'TOKEN', searchLicenses: 'TOKEN', searchMatters: 'PUBLIC', searchOrgans: 'PUBLIC' },
  ...{ licenseTypes: 'PUBLIC', licenseType: 'PUBLIC' },
  ...{ calendar: 'PUBLIC', workingDay: 'PUBLIC', licenseStatus: 'PUBLIC', verifyLicense: 'PUBLIC' },
  ...{ lostPapers: 'PUBLIC', publicDecisions: 'PUBLIC' },
};

/** Root fields that show a holder what is about their own licenses, beside what the office sees. */
const OF_HOLDERS_TOO = ['attention'];
/** Root fields that show everybody the license whose identifier they are given: the page behind the QR code. */
const OF_WHO_HAS_THE_PAPER = ['licenseStatus', 'verifyLicense'];

/** The arguments that a root field must have. A new one without a row fails. */
const CALLS: Readonly<Record<string, (world: World) => string>> = {
  case: ({ caseId }) => `id: "${caseId}"`,
  license: ({ identifier }) => `identifier: "${identifier}"`,
  licenseStatus: ({ identifier }) => `identifier: "${identifier}"`,
  verifyLicense: () => `input: { digest: "${'a'.repeat(64)}" }`,
  matter: ({ matter }) => `id: "${matter}"`,
  // Of whom they find what: nodes.db.test.ts.
  node: ({ matter }) => `id: "${writeGlobalId({ type: 'Matter', own: matter })}"`,
  nodes: ({ matter }) => `ids: ["${writeGlobalId({ type: 'Matter', own: matter })}"]`,
  seal: ({ seal }) => `id: "${seal}"`,
  platformMessages: ({ caseId }) => `case: "${caseId}", first: 20`,
  calendar: () => 'year: 2026',
  workingDay: () => 'from: "2026-01-05", days: 1',
  caseStatistics: () => 'by: MATTER, first: 20',
  licenseStatistics: () => 'measure: LICENSES, by: [STATE], first: 20',
  licenseType: () => 'code: "11000000000090018B033"',
  searchCases: () => 'text: "3607", first: 20',
  searchLicenses: () => 'text: "2026", first: 20',
  searchMatters: () => 'text: "林木", first: 20',
  searchOrgans: () => 'text: "林业局", first: 20',
  caseProgress: () => 'number: "360731202603020001", code: "0000-0000-0000"',
};

const isParty = ({ parties, window }: World, person: Person) =>
  (person.organ !== null && parties.includes(person.organ)) || (person.window !== null && person.window === window);
const isOfParties = ({ parties }: World, { organ }: Person) => organ !== null && parties.includes(organ);
const isHolder = ({ applicant }: World, { holderCode }: Person) => holderCode === applicant.code;
const isStaffOf = (organ: string, person: Person) => person.organ === organ && hasRole(person, ...STAFF_ROLES);
const maySeeCase = (world: World, person: Person) =>
  hasRole(person, 'AUDITOR') || isHolder(world, person) || isParty(world, person);
/** A window hands out the paper of what it accepted, and of nothing else in its county. */
const maySeeLicense = (world: World, person: Person) => hasRole(person, 'LIBRARY') || maySeeCase(world, person);
const readsOf = (rule: ReadRule, organs: readonly string[], person: Person) => {
  const scope = findReadScope(rule, person);
  return scope !== null && (scope.organs === null || scope.organs.some((organ) => organs.includes(organ)));
};

/** Who may see the words of each record. */
const READERS: Record<Marked, (world: World, person: Person) => boolean> = {
  case: maySeeLicense,
  opinion: maySeeCase,
  decision: maySeeCase,
  finding: (world, person) => hasRole(person, 'AUDITOR') || isOfParties(world, person),
  order: (world, person) => hasRole(person, 'AUDITOR') || isOfParties(world, person),
  act: (world, person) => hasRole(person, 'AUDITOR') || isOfParties(world, person),
  application: ({ organ }, person) => readsOf(SEAL_READS.sealApplications, [organ], person),
  proposal: ({ organ }, person) => readsOf(CASE_READS.proposals, [organ], person),
  remark: ({ organ }, person) => readsOf(CASE_READS.materialReads, [organ], person),
  upload: ({ applicantId }, { id }) => id === applicantId,
  platform: ({ platform }, person) => readsOf(CASE_READS.platforms, [], person) || isStaffOf(platform, person),
  webhook: ({ webhook }, person) => readsOf(CASE_READS.webhooks, [], person) || isStaffOf(webhook, person),
};

/** Fields that depend on the caller: whether this person gets one that is not null, of an object of this office. */
const FIELDS: Readonly<Record<string, (world: World, person: Person) => boolean>> = {
  'Case.pushes': (world, person) => hasRole(person, 'AUDITOR') || isOfParties(world, person),
  'Case.findings': (world, person) => hasRole(person, 'AUDITOR') || isOfParties(world, person),
  'Case.platform': (world, person) => hasRole(person, 'AUDITOR') || isParty(world, person),
  'Case.readings': (world, person) =>
    isHolder(world, person) || findReadScope(CASE_READS.materialReads, person) !== null,
  'License.orders': (world, person) => hasRole(person, 'AUDITOR') || isOfParties(world, person),
  'License.proposals': (world, person) => hasRole(person, 'AUDITOR') || isOfParties(world, person),
  'License.readings': (world, person) =>
    isHolder(world, person) || findReadScope(CASE_READS.materialReads, person) !== null,
  'Matter.runningCases': (_, person) => findReadScope(CASE_READS.runningCases, person) !== null,
  'Seal.certificateRequest': ({ organ }, person) =>
    person.organ === organ && hasRole(person, 'SEAL_KEEPER', 'SEAL_APPROVER'),
};
/** Fields whose description names the caller, but which another rule here holds: by ids, marks or names. */
const HELD_BY_ANOTHER = [
  ...[
    'ApprovalPush.case',
    'AttentionItem.case',
    'Blank.license',
    'LicenseProposal.license',
    'SupervisionOrder.license',
  ],
  ...['AvailableAction.refusal', 'Reading.readerId', 'LicenseAct.preparedBy', 'SignatureRequest.credentials'],
  ...['TaskProgress.by', 'TaskReport.by', 'Document.url', 'LicenseVerification.license'],
];

/** A word of a closed list: GRANTED, CARRIED_OUT. */
const WORD = /^[A-Z]{3,}(_[A-Z]+)*$/;
/** Texts that are such words, but of no list of the hub. */
/** The value of a dimension is a word of a list, a code or a month, as the dimension says. */
const NAMES: readonly string[] = ['LicenseStatisticsPart.key'];

let hub: TestHub;
let worlds: readonly World[];
let schema: GraphQLSchema;
let operations: Operation[];

/** Returns every call of a root field: one for each office if its arguments name something. */
function callsOf(name: string, args: readonly string[]): string[] {
  const call = CALLS[name];
  if (call) return [...new Set(worlds.map((world) => `${name}(${call(world)})`))];
  if (args.length > 0 && args[0] !== 'first') throw new Error(`no arguments of ${name}`);
  return [args.length === 0 ? name : `${name}(first: 20)`];
}

const nameOf = (path: Path) => path.map(({ name }) => name).join('.');

beforeAll(async () => {
  ({ hub, worlds } = await createWorlds());
  schema = await readSchema(hub);
  const further = listRoots(schema).flatMap((root) => {
    const known = new Set(listPaths(root, HOPS).map(nameOf));
    return listPaths(root, HOPS + 1).filter((path) => !known.has(nameOf(path)));
  });
  const sampled = new Set(pick(further, SAMPLED_PATHS));
  operations = [];
  for (const root of listRoots(schema)) {
    const required = root.args.filter(isRequiredArgument).map(({ name }) => name);
    const paths = [...listPaths(root, HOPS), ...[...sampled].filter((path) => path[0] === root)];
    for (const call of callsOf(root.name, required))
      for (const operation of packPaths(call, paths))
        operations.push(...(await fitOperation(hub, 'auditor', operation)));
  }
});
afterAll(() => hub?.stop());

/** The code with which the root field itself was refused, or null. */
const refusalOf = ({ data, errors }: Answer) =>
  data && Object.values(data).some((value) => value !== null) ? null : (errors?.[0]?.extensions.code ?? null);

function expectedRefusal(root: string, person: Person | null): string | null {
  const rule = ROOTS[root];
  if (rule === undefined) throw new Error(`no row of the root field ${root}`);
  if (rule === 'PUBLIC') return null;
  if (person === null) return 'UNAUTHENTICATED';
  if (rule === 'TOKEN') return null;
  if (OF_HOLDERS_TOO.includes(root) && person.roles.includes('APPLICANT') && person.holderCode !== null) return null;
  const scope = 'ownWindow' in rule ? findOfficeScope(rule, person) : findReadScope(rule, person);
  return scope === null ? 'FORBIDDEN' : null;
}

/** Returns what the answers hold as one text, with the own identifiers that global ids hide. */
const toText = (answers: readonly Answer[]): string => openIds(JSON.stringify(answers));

/** The office that an object of an answer belongs to, by its id. */
const officeOf = (type: string, node: Readonly<Record<string, unknown>>) =>
  worlds.find(({ caseId, identifier, matter, seal }) => {
    const ids: Record<string, string> = { Case: caseId, License: identifier, Matter: matter, Seal: seal };
    const own = ids[type];
    return own !== undefined && node.id === writeGlobalId({ type, own });
  });

test('every root field, every argument, and every field that names its caller has a row', () => {
  const roots = listRoots(schema).map(({ name }) => name);
  expect(roots.filter((name) => ROOTS[name] === undefined)).toEqual([]);
  const named = Object.values(schema.getTypeMap()).flatMap((type) => {
    if (!('getFields' in type) || type.name === 'Query' || type.name === 'Mutation') return [];
    const fields = Object.values(type.getFields());
    return fields
      .filter(({ description }) =>
        /Null (unless the caller|for (a caller|others|the public))|and for (a caller|the applicant)|the caller('s| may not see)/.test(
          description ?? '',
        ),
      )
      .map(({ name }) => `${type.name}.${name}`);
  });
  expect(named.filter((name) => !(name in FIELDS) && !HELD_BY_ANOTHER.includes(name))).toEqual([]);
});

describe.each([null, ...PEOPLE])('%s', (id) => {
  const person = id === null ? null : requireDemoPerson(id);
  const answers: { operation: Operation; answer: Answer }[] = [];
  beforeAll(async () => {
    for (const operation of operations) answers.push({ operation, answer: await hub.ask(id, operation.query) });
  });

  test('asks the root fields of the rows, and no other', () => {
    for (const { operation, answer } of answers) {
      const expected = expectedRefusal(operation.root, person);
      if (expected !== null) expect(answer.data?.[operation.root] ?? null).toBeNull();
      const refusal = refusalOf(answer);
      expect([operation.call, refusal]).toEqual([operation.call, expected]);
    }
  });

  test('sees the words of the records that are meant for such a person, and of no other', () => {
    const text = toText(answers.map(({ answer }) => answer));
    for (const world of worlds) {
      const seen = MARKED.filter((marked) => text.includes(world.mark(marked)));
      const expected = MARKED.filter((marked) => person !== null && READERS[marked](world, person));
      expect([world.name, seen]).toEqual([world.name, expected]);
    }
  });

  test('meets no id of a record that the direct query refuses', () => {
    for (const { operation, answer } of answers) {
      if (OF_WHO_HAS_THE_PAPER.includes(operation.root)) continue;
      const text = toText([answer]);
      for (const world of worlds) {
        const seesCase = person !== null && maySeeCase(world, person);
        const seesLicense = person !== null && maySeeLicense(world, person);
        const hidden = [...(seesCase ? [] : [world.caseId]), ...(seesLicense ? [] : [world.identifier])];
        // A license names its case, and the feed its licenses. What is behind the name stays closed.
        const found = hidden.filter((hiddenId) => text.includes(hiddenId));
        expect([operation.query, found]).toEqual([operation.query, []]);
      }
    }
  });

  test('is answered one word of a closed list as an enum', () => {
    const found = new Set<string>();
    for (const { answer } of answers)
      for (const { node } of listReached(answer.data))
        for (const [name, value] of Object.entries(node)) {
          const type = schema.getType(String(node.__typename));
          const field = isObjectType(type) ? type.getFields()[name] : undefined;
          const isText = field !== undefined && getNamedType(field.type).name === 'String';
          if (isText && [value].flat().some((word) => WORD.test(String(word)))) found.add(`${node.__typename}.${name}`);
        }
    expect([...found].filter((name) => !NAMES.includes(name))).toEqual([]);
  });

  test('reads full codes of nobody but the own', () => {
    const isPublication = ({ operation }: (typeof answers)[number]) => operation.root === 'publicDecisions';
    const text = toText(answers.flatMap((each) => (isPublication(each) ? [] : each.answer)));
    const published = toText(answers.flatMap((each) => (isPublication(each) ? each.answer : [])));
    for (const { applicant, ...world } of worlds) {
      const isOwn = person !== null && isHolder({ applicant, ...world }, person);
      expect([applicant.code, text.includes(applicant.code)]).toEqual([applicant.code, isOwn]);
      // The law publishes the code of an organisation with its license (双公示), and never that of an individual.
      const isPublic = applicant.codeKind === 'USCC';
      expect([applicant.code, published.includes(applicant.code)]).toEqual([applicant.code, isPublic]);
    }
  });

  test('gets a field that names its caller by the row of the field, wherever it is reached', () => {
    for (const { operation, answer } of answers)
      for (const { path, node } of listReached(answer.data))
        for (const [name, isFor] of Object.entries(FIELDS)) {
          const [type = '', field = ''] = name.split('.');
          const world = officeOf(type, node);
          if (node.__typename !== type || !(field in node) || !world || operation.root === '') continue;
          const mayRead = person !== null && isFor(world, person);
          if (!mayRead) expect([path, name, node[field]]).toEqual([path, name, null]);
        }
  });
});
