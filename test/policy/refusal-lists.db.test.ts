import {
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { MAX_REFUSALS } from '../../subgraphs/kernel/refusals/collector.ts';
import { tokenFor } from '../support/actors.ts';
import { buildApiSchema } from '../support/api-schema.ts';
import { POLICIES } from './fixtures.ts';
import { expectationOf, listMutations } from './matrix.ts';
import { findFixture, PEOPLE } from './people.ts';
import { createPolicyHub, type PolicyHub } from './policy-hub.ts';

/**
 * All faults of an input at once. For every mutation, faults are made from its input type, one field at a time; what is
 * refused alone must be refused together with all the others. A rule that does not collect fails here.
 */

const MUTATIONS = Object.keys(POLICIES).flatMap((subgraph) => listMutations(subgraph).map(({ name }) => name));
const schema = buildApiSchema();

/** Fields whose fault makes every other check meaningless, with the reason. They are right where others are wrong. */
const ALONE: Readonly<Record<string, string>> = {
  'reportTaskProgress.task': 'it names what is reported on',
  'receiveApplication.applicant': 'the code decides whether an applicant may apply',
  'endAgreement.number': 'it names what is ended',
  'decideCase.signature': 'it signs the content of the decision',
  'decideLicenseProposal.signature': 'it signs the content of the act',
  'issueLicenses.firstBlank': 'it numbers the lines',
  'receiveBlanks.to': 'a range is refused at its start',
  'writeOffBlanks.to': 'a range is refused at its start',
  'transferBlanks.to': 'a range is refused at its start',
};

interface View {
  code: string;
  message: string;
  path: readonly string[];
}
interface Answer {
  refusal: View | null;
  refusals: readonly View[];
}

function inputTypeOf(name: string): GraphQLInputType {
  const type = schema.getMutationType()?.getFields()[name]?.args[0]?.type;
  if (!type) throw new Error(`${name} has no input`);
  return type;
}

const SCALAR_FAULTS: Readonly<Record<string, readonly unknown[]>> = {
  String: [' 甲 ', '甲'.repeat(3_900), ''],
  Int: [-1, 1_000_000],
  Date: ['0001-01-01', '9998-12-31'],
  DateTime: ['0001-01-01T00:00:00Z', '9998-12-31T00:00:00Z'],
};

/** Values of a type that a rule may refuse, and that its form allows. `base` is the value of the right input. */
function listFaults(type: GraphQLInputType, base: unknown): unknown[] {
  const inner = getNullableType(type);
  if (isListType(inner)) return listFaultyLists(inner.ofType);
  if (isInputObjectType(inner)) return [faultyObject(inner, base)];
  return [...(SCALAR_FAULTS[getNamedType(inner).name] ?? [])];
}

function listFaultyLists(item: GraphQLInputType): unknown[] {
  const named = getNamedType(item);
  if (isEnumType(named)) return [[]];
  if (isInputObjectType(named)) return [[faultyObject(named, null), faultyObject(named, null)]];
  if (named.name === 'String') return [[' 甲 ', '乙', ' 丙 '], []];
  return [[]];
}

/** An object with a fault in each of its texts. */
function faultyObject(type: GraphQLInputType, base: unknown): Record<string, unknown> {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) throw new Error('no object');
  const entries = Object.values(named.getFields()).map((field): [string, unknown] => {
    const present = (base as Record<string, unknown> | null)?.[field.name];
    const inner = getNullableType(field.type);
    if (isListType(inner)) return [field.name, isNonNullType(field.type) ? [] : undefined];
    if (isEnumType(inner)) return [field.name, present ?? inner.getValues()[0]?.name];
    if (isInputObjectType(inner)) return [field.name, faultyObject(inner, present)];
    const isRequired = isNonNullType(field.type) && field.defaultValue === undefined;
    const [fault] = SCALAR_FAULTS[inner.name] ?? [isRequired ? '甲' : undefined];
    return [field.name, inner.name === 'String' || isRequired ? fault : undefined];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

describe('all faults of an input at once', () => {
  let policyHub: PolicyHub;
  beforeAll(async () => {
    policyHub = await createPolicyHub();
  }, 60_000);
  afterAll(() => policyHub?.hub.stop());

  async function rehearse(name: string, person: Person, input: object): Promise<Answer | null> {
    const view = '{ code message path }';
    const response = await policyHub.hub.hub.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { authorization: `Bearer ${await tokenFor(person, policyHub.clock())}` },
      payload: {
        query: `mutation($input: ${inputTypeOf(name)}) { ${name}(input: $input) { refusal ${view} refusals ${view} } }`,
        variables: { input: { ...policyHub.inputs[name], ...input, dryRun: true } },
      },
    });
    const { data, errors } = response.json();
    if (errors?.[0]?.extensions.code === 'BAD_USER_INPUT') return null;
    if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
    return data[name];
  }

  /** Somebody who may do it: whom the right input does not refuse for role or place. */
  async function findAllowed(name: string): Promise<Person> {
    const fixture = findFixture(policyHub, name);
    for (const person of PEOPLE.filter((candidate) => expectationOf(fixture, candidate) === 'ALLOWED')) {
      const answer = await rehearse(name, person, {});
      if (answer?.refusal?.code !== 'SECOND_PERSON_NEEDED') return person;
    }
    throw new Error(`nobody may do ${name}`);
  }

  const isUnder = (view: View, field: string) => view.path[1] === field;
  const found: string[] = [];

  test.each(MUTATIONS)('%s', async (name) => {
    const person = await findAllowed(name);
    const base = (policyHub.inputs[name] ?? {}) as Record<string, unknown>;
    const type = getNamedType(inputTypeOf(name));
    const fields = isInputObjectType(type) ? Object.values(type.getFields()) : [];
    const right = await rehearse(name, person, {});
    const faults: Record<string, unknown> = {};
    const alone: string[] = [];
    for (const field of fields) {
      for (const fault of listFaults(field.type, base[field.name])) {
        const answer = await rehearse(name, person, { [field.name]: fault });
        if (!answer) continue;
        expect(answer.refusals[0] ?? null).toEqual(answer.refusal);
        const own = answer.refusals.filter((view) => isUnder(view, field.name));
        if (own.length === 0 || right?.refusals.some((view) => isUnder(view, field.name))) continue;
        if (ALONE[`${name}.${field.name}`] !== undefined) break;
        faults[field.name] = fault;
        alone.push(...own.map(({ path }) => path.join('.')));
        break;
      }
    }
    found.push(...alone.map((path) => `${name} ${path}`));
    const together = await rehearse(name, person, faults);
    const paths = (together?.refusals ?? []).map(({ path }) => path.join('.'));
    expect(paths).toEqual(expect.arrayContaining(alone));
    expect(paths.length).toBeLessThanOrEqual(MAX_REFUSALS + 1);
  });

  test('faults were found in every kind of input', () => {
    expect(new Set(found.map((place) => place.split(' ')[0])).size).toBeGreaterThan(40);
    expect(found.length).toBeGreaterThan(60);
  });
});
