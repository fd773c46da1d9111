import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** `node` and `nodes` find every object again by its global id, under the rules of the ordinary fields. */

const MATTER = writeGlobalId({ type: 'Matter', own: 'yd2022-1-07' });
const ORGAN = writeGlobalId({ type: 'Organ', own: 'yudu-lyj' });
const ABSENT = '11111111-1111-4111-8111-111111111111';
const NODE = 'query ($id: ID!) { node(id: $id) { __typename id } }';

let hub: TestHub;
const faults: unknown[] = [];
beforeAll(async () => {
  hub = await createTestHub({ onFault: (_incident, error) => faults.push(error) });
});
afterAll(() => hub.stop());

describe('node', () => {
  test('finds what its own subgraph has', async () => {
    const query =
      'query ($id: ID!) { node(id: $id) { __typename id ... on Matter { code name } ... on Organ { name } } }';
    const { data, errors } = await hub.ask(null, query, { id: MATTER });
    expect(errors).toBeUndefined();
    expect(data.node).toMatchObject({ __typename: 'Matter', code: 'yd2022-1-07', name: expect.any(String) });
    expect((await hub.ask(null, query, { id: ORGAN })).data.node.__typename).toBe('Organ');
  });

  test('finds what another subgraph has, and gives the same id', async () => {
    const { data: list } = await hub.ask('yudu-lyj.approver', '{ seals(first: 1) { edges { node { code name } } } }');
    const [{ node: seal }] = list.seals.edges;
    const id = writeGlobalId({ type: 'Seal', own: seal.code });
    const query = 'query ($id: ID!) { node(id: $id) { __typename id ... on Seal { code name organ { name } } } }';
    const { data, errors } = await hub.ask('yudu-lyj.approver', query, { id });
    expect(errors).toBeUndefined();
    expect(data.node).toMatchObject({ __typename: 'Seal', ...seal });
  });

  test.each(['Matter', 'Organ', 'Case', 'License', 'Seal'])('is null for a %s that does not exist', async (type) => {
    const { data, errors } = await hub.ask('yudu-lyj.approver', NODE, { id: writeGlobalId({ type, own: ABSENT }) });
    expect({ data, errors }).toEqual({ data: { node: null } });
  });

  test.each(['', 'yd2022-1-07', `${MATTER}=`, writeGlobalId({ type: 'Nothing', own: 'x' }), 'x'.repeat(300)])(
    'refuses %s by its name',
    async (id) => {
      const { data, errors } = await hub.ask(
        null,
        `query ($id: ID!) { node(id: $id) { id } organs(first: 1) { edges { cursor } } }`,
        { id },
      );
      expect(data).toEqual({ node: null, organs: { edges: [expect.anything()] } });
      expect(errors?.map(({ extensions }) => extensions)).toMatchObject([{ code: 'BAD_USER_INPUT', argument: 'id' }]);
    },
  );

  test('of a case asks for a token as `case` does', async () => {
    const id = writeGlobalId({ type: 'Case', own: ABSENT });
    const { data, errors } = await hub.ask(null, `query ($id: ID!) { node(id: $id) { id } case(id: $id) { id } }`, {
      id,
    });
    expect(data).toEqual({ node: null, case: null });
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
  });
});

describe('what a list shows', () => {
  const LISTS = `{
    tasks(first: 12) { edges { node { id number } } }
    calendars(first: 2) { edges { node { id year version } } }
  }`;
  const AGREEMENTS = '{ agreements(first: 1) { edges { node { id number } } } }';
  const findAgain = (selection: string) => `query ($ids: [ID!]!) { nodes(ids: $ids) { id ${selection} } }`;
  const AGAIN = findAgain('... on Task { number } ... on Calendar { year version }');
  const AGREEMENT_AGAIN = findAgain('... on Agreement { number }');
  const nodesOf = (list: { edges: { node: { id: string } }[] }) => list.edges.map(({ node }) => node);

  test('node finds again: tasks, calendars', async () => {
    const { data: shown } = await hub.ask(null, LISTS);
    const lists = [shown.tasks, shown.calendars].map(nodesOf);
    expect(lists.map(({ length }) => length)).toEqual([12, expect.any(Number)]);
    const { data, errors } = await hub.ask(null, AGAIN, { ids: lists.flat().map(({ id }) => id) });
    expect({ nodes: data.nodes, errors }).toEqual({ nodes: lists.flat(), errors: undefined });
  });

  test('node finds again for those who may see the list: agreements', async () => {
    const { data: shown } = await hub.ask('yudu-lyj.approver', AGREEMENTS);
    const [agreement] = nodesOf(shown.agreements);
    const ids = [agreement?.id];
    expect((await hub.ask('yudu-lyj.approver', AGREEMENT_AGAIN, { ids })).data.nodes).toEqual([agreement]);
    expect((await hub.ask('applicant-company', AGREEMENT_AGAIN, { ids })).data.nodes).toEqual([null]);
    expect((await hub.ask(null, AGREEMENT_AGAIN, { ids })).errors).toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });

  test.each(['Task', 'Calendar', 'GuideVersion', 'Agreement'])('no node is a %s by a foreign key', async (type) => {
    for (const own of ['0', '2026-99', '9999-0', 'yd2022-1-07/99', '/1', '1e0', '2026-0x1']) {
      const { data, errors } = await hub.ask('yudu-lyj.approver', NODE, { id: writeGlobalId({ type, own }) });
      expect({ data, errors }).toEqual({ data: { node: null } });
    }
  });
});

describe('nodes', () => {
  const NODES =
    'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Matter { code } ... on Case { number } } }';

  test('keeps the order, with null for what the caller may not see', async () => {
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }';
    const ids = [ORGAN, writeGlobalId({ type: 'Case', own: ABSENT }), MATTER];
    const { data, errors } = await hub.ask('applicant-company', query, { ids });
    expect(errors).toBeUndefined();
    expect(data.nodes.map((node: { __typename: string } | null) => node?.__typename)).toEqual([
      'Organ',
      undefined,
      'Matter',
    ]);
  });

  test('names the wrong one', async () => {
    const { data, errors } = await hub.ask(null, NODES, { ids: [MATTER, 'yudu-lyj'] });
    expect(data.nodes).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'ids[1]' } }]);
  });

  test('takes at most 100', async () => {
    const { data } = await hub.ask(null, NODES, { ids: Array.from({ length: 100 }, () => MATTER) });
    expect(data.nodes).toHaveLength(100);
    const { errors } = await hub.ask(null, NODES, { ids: Array.from({ length: 101 }, () => MATTER) });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'ids' } }]);
  });
});
