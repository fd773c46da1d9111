import { readFileSync } from 'node:fs';
import { type ConstDirectiveNode, type FieldDefinitionNode, Kind, parse, print, valueFromASTUntyped } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/hub/port.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import {
  answerAsPerson,
  buildStubSources,
  createStubGateway,
  postQuery,
  type StubGateway,
  type Stubs,
} from '../support/stubs.ts';

/** One refused field, or one dead subgraph, leaves the rest of a screen. */

const clock = testClock('2022-09-29');

interface FieldRow {
  type: string;
  field: string;
  /** As in the schema, `[Matter]!`. */
  answer: string;
  /** The subgraphs that answer it. */
  graphs: readonly string[];
}

/** Returns every field of every object of a supergraph. */
function listFields(sdl: string): FieldRow[] {
  const graphsOf = (directives: readonly ConstDirectiveNode[] = [], name: string) =>
    directives
      .filter((directive) => directive.name.value === name)
      .map((directive) =>
        Object.fromEntries((directive.arguments ?? []).map((a) => [a.name.value, valueFromASTUntyped(a.value)])),
      )
      .filter(({ graph, external }) => graph && !external)
      .map(({ graph }) => graph as string);
  return parse(sdl).definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return [];
    const own = graphsOf(definition.directives, 'join__type');
    return (definition.fields ?? []).map((field: FieldDefinitionNode) => {
      const graphs = graphsOf(field.directives, 'join__field');
      return {
        type: definition.name.value,
        field: field.name.value,
        answer: print(field.type),
        graphs: graphs.length > 0 ? graphs : own,
      };
    });
  });
}

/** Returns fields whose null would take more of an answer with it than their own subgraph answers. */
function listContagious(sdl: string): string[] {
  const rows = listFields(sdl);
  return rows
    .filter(({ type, answer, graphs }) => {
      if (type === 'Query' || type === 'Mutation') return answer.endsWith('!');
      // The object itself: the field is not null, or it is a list whose items are not.
      if (!/^\w+!$|!\]!?$/.test(answer)) return false;
      const target = answer.replaceAll(/[[\]!]/g, '');
      return rows.some(
        (inner) =>
          inner.type === target && inner.answer.endsWith('!') && graphs.some((graph) => !inner.graphs.includes(graph)),
      );
    })
    .map(({ type, field }) => `${type}.${field}`);
}

describe('the schema', () => {
  const sdl = readFileSync(new URL('../../gateway/supergraph.graphql', import.meta.url), 'utf8');

  test('has no root field that cannot be null, and no field whose answer another subgraph completes', () => {
    expect(listFields(sdl).filter(({ type }) => type === 'Query' || type === 'Mutation').length).toBeGreaterThan(90);
    expect(listContagious(sdl)).toEqual([]);
  });

  test.each([
    ['Query.viewer', 'viewer: Viewer @', 'viewer: Viewer! @'],
    ['Case.matter', '\n  matter: Matter @join__field(graph: CASES)', '\n  matter: Matter! @join__field(graph: CASES)'],
    ['Seal.matters', 'matters: [Matter]! @', 'matters: [Matter!]! @'],
  ])('a planted %s is found', (name, text, planted) => {
    expect(sdl).toContain(text);
    expect(listContagious(sdl.replaceAll(text, planted))).toContain(name);
  });
});

const page = (node: object) => ({ edges: [{ cursor: 'c', node }], pageInfo: { hasNextPage: false } });
const stubs: Stubs = {
  matters: {
    Query: { matters: () => ({ ...page({ id: 'm1', mainItem: '主项', name: '事项' }), totalCount: 1 }) },
    Organ: { __resolveReference: ({ id }: { id: string }) => ({ id, name: '机关' }) },
  },
  cases: { Query: { cases: answerAsPerson(() => page({ id: 'c1', number: 'n1', matter: { id: 'm1' } })) } },
  licenses: {
    Query: {
      licenses: () => page({ number: 'l1', case: { id: 'c1' }, matter: { id: 'm1' }, issuer: { id: 'o1' } }),
      certificateTasks: () => page({}),
    },
  },
};

describe('a screen of which one part is refused', () => {
  let gateway: StubGateway;
  beforeAll(async () => {
    gateway = await createStubGateway(clock, stubs);
  });
  afterAll(() => gateway?.stop());

  test('keeps the other parts, and the error has path and code', async () => {
    const query = '{ matters(first: 1) { totalCount } cases(first: 1) { edges { node { number } } } }';
    expect(await postQuery(gateway.app, query)).toMatchObject({
      status: 200,
      data: { matters: { totalCount: 1 }, cases: null },
      errors: [{ path: ['cases'], extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });
});

describe.each(['refuses connections', 'throws'] as const)('a screen of which one subgraph %s', (kind) => {
  const gateways: StubGateway[] = [];
  const withDead = async (name: string) => {
    const schema = { getTypeMap: () => ({}) } as never;
    const dead = kind === 'throws' ? { schema } : { url: `http://127.0.0.1:${await findFreePort()}/graphql` };
    const sources = { ...buildStubSources(stubs), [name]: dead };
    const gateway = await createStubGateway(clock, stubs, 'local', { sources });
    gateways.push(gateway);
    return gateway;
  };
  afterAll(() => Promise.all(gateways.map((gateway) => gateway.stop())));

  test('keeps the other roots, and each lost one has an error with path and code, all of one fault', async () => {
    const { app, faults } = await withDead('licenses');
    const query = `{ matters(first: 1) { totalCount } first: licenses(first: 1) { edges { cursor } }
      certificateTasks(first: 1) { edges { cursor } } }`;
    const { status, data, errors = [] } = await postQuery(app, query);
    expect([status, data]).toEqual([200, { matters: { totalCount: 1 }, first: null, certificateTasks: null }]);
    expect(errors.map(({ path }) => path)).toEqual([['first'], ['certificateTasks']]);
    expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(new Set(['INTERNAL_SERVER_ERROR']));
    expect(new Set(errors.map(({ extensions }) => extensions.incident)).size).toBe(1);
    expect(faults).toHaveLength(1);
  });

  test('keeps the object that refers to it, and the error has the path of the field that is lost', async () => {
    const { app, faults } = await withDead('cases');
    const token = await tokenFor(requireDemoPerson('auditor'), clock());
    const query = '{ licenses(first: 1) { edges { node { number case { id number step } issuer { name } } } } }';
    const { data, errors } = await postQuery(app, query, token);
    expect(data).toEqual({
      licenses: { edges: [{ node: { number: 'l1', case: null, issuer: { name: '机关' } } }] },
    });
    const path = ['licenses', 'edges', 0, 'node', 'case', 'number'];
    expect(errors).toMatchObject([{ path, extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(faults).toHaveLength(1);
  });

  test('keeps an object of which it answers one field', async () => {
    const { app } = await withDead('licenses');
    const token = await tokenFor(requireDemoPerson('auditor'), clock());
    const query = '{ cases(first: 1) { edges { node { number license { number } } } } }';
    const { data, errors } = await postQuery(app, query, token);
    expect(data).toEqual({ cases: { edges: [{ node: { number: 'n1', license: null } }] } });
    expect(errors).toMatchObject([{ path: ['cases', 'edges', 0, 'node', 'license'] }]);
  });
});
