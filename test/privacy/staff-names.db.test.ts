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
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDemoPerson } from '../../scripts/demo/people.ts';
import { grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { fetchFile } from '../support/reading.ts';
import { sampleCases } from '../support/sample.ts';
import { recordFinding } from '../support/supervision.ts';
import { createUpload } from '../support/upload.ts';

/**
 * Reads everything that an applicant's token reaches, by walking the composed schema from every query, and looks for
 * the names and ids of the staff who handled the case and its license.
 */

const STAFF = ['clerk', 'reviewer', 'approver', 'keeper', 'sealapprover', 'supervisor'].map(
  (role) => `yudu-lyj.${role}`,
);
/** The gateway takes 500 fields of one operation. */
const MAX_FIELDS = 450;
const MAX_DEPTH = 11;
/** How many parts of a large root field a run reads for each reader. TEST_SAMPLE=all reads all. */
const SAMPLED_QUERIES = 6;

let hub: TestHub;
let schema: GraphQLSchema;

beforeAll(async () => {
  hub = await createTestHub();
  const route = ROUTES.DIRECT;
  const upload = await createUpload(hub, route.accepts);
  const caseId = await grantCase(hub, route, { materials: [{ code: '图纸', upload }] });
  const { identifier } = await issueGrantedLicense(hub, route, caseId, 1);
  const suspension = { identifier, reason: '检查' };
  await runMutation(hub, 'yudu-lyj.approver', 'suspendLicense', 'OwnActInput', suspension, '__typename');
  const notice = { case: caseId, kind: 'NOTICE', text: '请核对' };
  await recordFinding(hub, 'yudu-lyj.supervisor', notice);
  for (const person of ['yudu-lyj.clerk', 'yudu-lyj.supervisor'])
    await fetchFile(hub, person, `/cases/materials/${upload}`, undefined, '核对');
  const grant = { seal: 'yudu-lyj-license-seal', matter: 'yd2022-1-01', person: 'yudu-lyj.approver', reason: '新增' };
  await runMutation(hub, 'yudu-lyj.keeper', 'applyForSealGrant', 'SealGrantInput', grant, '__typename');
  schema = buildClientSchema((await hub.ask(null, getIntrospectionQuery())).data);
}, 60_000);
afterAll(() => hub?.stop());

/** Whether a field can be reached without knowing an id. */
const isOpen = (field: GraphQLField<unknown, unknown>) =>
  field.args.every((argument) => !isRequiredArgument(argument) || argument.name === 'first');

const call = ({ name, args }: GraphQLField<unknown, unknown>) =>
  args.some((argument) => argument.name === 'first') ? `${name}(first: 2)` : name;

/** Writes the selection of a type, each type once on the way down. Returns null if nothing is left. */
function select(
  type: GraphQLObjectType,
  depth: number,
  above: readonly string[],
  budget: { fields: number },
): string | null {
  if (depth === 0 || above.includes(type.name)) return null;
  const parts = Object.values(type.getFields()).flatMap((field) => {
    if (!isOpen(field) || budget.fields <= 0) return [];
    const named = getNamedType(field.type);
    budget.fields--;
    if (!isObjectType(named)) return [call(field)];
    const inner = select(named, depth - 1, [...above, type.name], budget);
    return inner === null ? [] : [`${call(field)} { ${inner} }`];
  });
  return parts.length === 0 ? null : parts.join(' ');
}

/** Writes the queries that together select everything below a field. A type that is too large for one is divided. */
function writeQueries(field: GraphQLField<unknown, unknown>): string[] {
  const named = getNamedType(field.type);
  if (!isOpen(field) || !isObjectType(named)) return [];
  return writeSelections(named).map((selection) => `{ ${call(field)} { ${selection} } }`);
}

function writeSelections(type: GraphQLObjectType, above: readonly string[] = []): string[] {
  for (let depth = MAX_DEPTH - above.length; depth > 2; depth--) {
    const budget = { fields: MAX_FIELDS };
    const selection = select(type, depth, above, budget);
    if (selection === null) return [];
    if (budget.fields > 0) return depth === MAX_DEPTH - above.length ? [selection] : divide(type, above);
  }
  return divide(type, above);
}

function divide(type: GraphQLObjectType, above: readonly string[]): string[] {
  const fields = Object.values(type.getFields()).filter(isOpen);
  const leaves = fields.filter((field) => !isObjectType(getNamedType(field.type))).map(call);
  const objects = fields.flatMap((field) => {
    const inner = getNamedType(field.type);
    if (!isObjectType(inner) || above.includes(inner.name)) return [];
    return writeSelections(inner, [...above, type.name]).map((selection) => `${call(field)} { ${selection} }`);
  });
  return [...(leaves.length > 0 ? [leaves.join(' ')] : []), ...objects];
}

async function askAll(person: string | null, queries: readonly string[]): Promise<string> {
  const answers = [];
  for (const query of queries) answers.push(await hub.ask(person, query));
  return JSON.stringify(answers);
}

describe.each(['applicant-company', 'library', null] as const)('what the token of %s reaches', (person) => {
  test('names none of the staff', async () => {
    const names = STAFF.flatMap((id) => [id, findDemoPerson(id)?.name ?? id]);
    const reached: string[] = [];
    for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
      const queries = sampleCases(`staff names ${person} ${field.name}`, writeQueries(field), SAMPLED_QUERIES);
      if (queries.length === 0) continue;
      reached.push(field.name);
      const text = await askAll(person, queries);
      for (const name of names) expect([field.name, name, text.includes(name)]).toEqual([field.name, name, false]);
    }
    expect(reached).toEqual(expect.arrayContaining(['cases', 'licenses', 'seals', 'caseReadings', 'tasks', 'matters']));
  });
});

test('the same walk with a clerk’s token finds them, so the walk looks where they are', async () => {
  const found = new Set<string>();
  const { cases, licenses } = schema.getQueryType()?.getFields() ?? {};
  for (const field of [cases, licenses]) {
    if (!field) throw new Error('no lists of cases and licenses');
    const text = await askAll('yudu-lyj.approver', writeQueries(field));
    for (const id of STAFF) if (text.includes(findDemoPerson(id)?.name ?? id)) found.add(`${field.name} ${id}`);
  }
  for (const place of ['cases yudu-lyj.clerk', 'cases yudu-lyj.approver', 'licenses yudu-lyj.approver'])
    expect([...found]).toContain(place);
});
