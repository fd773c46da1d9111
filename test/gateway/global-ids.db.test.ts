import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROLES } from '../../subgraphs/kernel/actor.ts';
import { writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { type Place, placesBelowRoots, placesOfRoots, writeOperation } from '../support/arguments.ts';
import { type Answer, createTestHub, type TestHub } from '../support/hub.ts';
import { findNamedType, SUBGRAPH_IDS } from '../support/node-ids.ts';
import { sampleCases } from '../support/sample.ts';

/** Every argument and input field of type ID takes the global id of the type that its directive names, and no other. */

/** Own identifiers that the seed has, so that an answer depends on them. */
const KNOWN: Record<string, string> = {
  LicenseType: '11000000000090018B033.1',
  Matter: 'yd2022-1-07',
  Organ: 'yudu-lyj',
  Viewer: 'yudu-lyj.approver',
};
const UUID = '11111111-1111-4111-8111-111111111111';

const named = SUBGRAPH_IDS.flatMap((subgraph) => [...subgraph.named]);
const types = [...new Set(named.map(([, type]) => type))]
  .filter((type) => typeof type === 'string')
  .filter((type) => type !== 'Node');
/** `node` and `nodes` take the ids of every type: see node.db.test.ts. */
const typeOf = ({ parent, field, coordinate }: Place) => findNamedType(`${parent.name}.${field.name}`, coordinate);

/** How many wrong ids a run tries in one place, unless it tries all. */
const WRONG_IDS = 10;

let hub: TestHub;
let token: string;
let places: Place[];
const faults: unknown[] = [];

beforeAll(async () => {
  hub = await createTestHub({ onFault: (_incident, error) => faults.push(error) });
  // Somebody who holds every position, so that no id is stopped by who sends it.
  const person = { ...requireDemoPerson('yudu-lyj.approver'), roles: ROLES, window: '360731' };
  token = await tokenFor({ ...person, holderCode: requireDemoPerson('applicant-company').holderCode }, new Date());
  const { data } = await send(getIntrospectionQuery(), {});
  const schema = buildClientSchema(data);
  places = [...placesOfRoots(schema), ...placesBelowRoots(schema)].filter(({ scalar }) => scalar === 'ID');
});
afterAll(() => hub.stop());

async function send(query: string, variables: Record<string, unknown>): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` };
  const payload = { query, variables };
  const response = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload });
  return { status: response.statusCode, ...response.json() };
}

function ask(place: Place, id: string): Promise<Answer> {
  const variables = place.fill(id);
  return send(writeOperation(place, variables), variables);
}

/** What no place may take, for one that takes the ids of `type`. */
function listWrong(type: string): string[] {
  const id = writeGlobalId({ type, own: KNOWN[type] ?? UUID });
  const others = [...types.filter((other) => other !== type), 'Nothing'];
  return [
    ...others.map((other) => writeGlobalId({ type: other, own: KNOWN[type] ?? UUID })),
    // A last character that completes no byte. An id cut off between two characters names an unknown object.
    id.slice(0, id.length - (id.length % 4) - 3),
    `${id}=`,
    `${id.slice(0, 8)}*${id.slice(8)}`,
    writeGlobalId({ type, own: 'x'.repeat(201) }),
    writeGlobalId({ type, own: 'x'.repeat(1_200) }),
    writeGlobalId({ type, own: '甲\u0000' }),
    writeGlobalId({ type, own: '' }),
  ];
}

test('every ID of the schema says what it names', () => {
  expect(named.filter(([, type]) => type === undefined)).toEqual([]);
  expect(named.filter(([, type]) => type === null).map(([coordinate]) => coordinate)).toEqual([
    'PeopleFilter.subject',
    'PersonChangeInput.subject',
  ]);
  expect(places.filter((place) => typeOf(place) === undefined)).toEqual([]);
  expect(places.length).toBeGreaterThan(100);
});

test('ids of other types and broken ids are BAD_USER_INPUT and name the argument', async () => {
  const unexpected: string[] = [];
  for (const place of places) {
    const type = typeOf(place);
    const wrong = type && type !== 'Node' ? listWrong(type) : [];
    for (const id of sampleCases(place.coordinate, wrong, WRONG_IDS)) {
      const { data, errors } = await ask(place, id);
      const { code, argument } = (errors?.[0]?.extensions ?? {}) as { code?: string; argument?: string };
      if (code !== 'BAD_USER_INPUT' || argument !== place.path)
        unexpected.push([place.field.name, place.path, id, code, argument, JSON.stringify(data)].join(' '));
    }
  }
  expect(unexpected).toEqual([]);
  expect(faults).toEqual([]);
});

test('a global id is answered exactly as the own identifier in it', async () => {
  const unexpected: string[] = [];
  for (const place of places) {
    const type = typeOf(place);
    if (!type || type === 'Node') continue;
    const own = KNOWN[type] ?? UUID;
    const [plain, global] = [await ask(place, own), await ask(place, writeGlobalId({ type, own }))];
    if (JSON.stringify(plain) !== JSON.stringify(global))
      unexpected.push(`${place.field.name} ${place.path}: ${JSON.stringify(plain)}, ${JSON.stringify(global)}`);
  }
  expect(unexpected).toEqual([]);
  expect(faults).toEqual([]);
});

test('a wrong id takes nothing else from the screen', async () => {
  const id = writeGlobalId({ type: 'Seal', own: 'yd2022-1-07' });
  const query = 'query ($id: ID!) { wrong: matter(id: $id) { name } right: matter(id: "yd2022-1-07") { name } }';
  const { data, errors } = await send(query, { id });
  expect(data).toEqual({ wrong: null, right: { name: expect.any(String) } });
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
});
