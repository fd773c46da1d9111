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
