import { parse, print } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listKeyNames, renameAliases, restoreAliases } from '../../gateway/plan/aliases.ts';
import { SUPERGRAPH_SDL } from '../../gateway/plan/supergraph.ts';
import { tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { answerAsPerson, createStubGateway, postQuery, type StubGateway, type Stubs } from '../support/stubs.ts';
import { createRandom, type RandomSource } from '../tamper/random.ts';

/** An alias may have any name, also one that the planner adds for itself. */

const clock = testClock('2022-09-29');
const OPERATIONS = process.env.TEST_SAMPLE === 'all' ? 2_000 : 60;
const SEED = Number(process.env.TEST_SEED ?? 16);
const MAX_DEPTH = 6;

const matter = { id: 'm1', code: '1-1', mainItem: '主项', name: '事项' };
const organ = { id: 'o1', code: 'county-forestry', name: '机关', divisionCode: '360731' };
const license = { identifier: 'i1', id: 'l1', number: 'n1', name: '证', nodeKey: 'l1' };
const stubs: Stubs = {
  matters: {
    Query: { matter: () => matter },
    Matter: { __resolveReference: () => matter, cityOrgan: () => organ, countyOrgan: () => organ },
    Organ: { __resolveReference: () => organ },
  },
  cases: {
    Query: { case: answerAsPerson(() => ({ id: 'c1', number: 'b1', matter, license })) },
    Matter: {
      runningCases: () => {
        throw new Error('a fault');
      },
    },
    Case: { __resolveReference: () => ({ id: 'c1', number: 'b1', matter, license }) },
  },
  licenses: {
    Query: { license: () => ({ ...license, matter, issuer: organ, case: { id: 'c1' } }) },
    License: { __resolveReference: () => ({ ...license, matter, issuer: organ, case: { id: 'c1' } }) },
  },
};

/** Fields of each type that the stubs answer: scalars, and objects with their type. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  Query: { 'matter(id: "m1")': 'Matter', 'license(identifier: "i1")': 'License', 'case(id: "c1")': 'Case' },
  Matter: {
    id: null,
    code: null,
    name: null,
    __typename: null,
    'runningCases(first: 1)': 'RunningCaseConnection',
    cityOrgan: 'Organ',
    countyOrgan: 'Organ',
  },
  Organ: { id: null, code: null, name: null, divisionCode: null, __typename: null },
  License: {
    identifier: null,
    number: null,
    name: null,
    __typename: null,
    matter: 'Matter',
    issuer: 'Organ',
    case: 'Case',
  },
  Case: { id: null, number: null, __typename: null, matter: 'Matter', license: 'License' },
  RunningCaseConnection: { totalCount: null, __typename: null },
};
const TAKEN = ['id', 'identifier', 'nodeKey', '__typename', '__schema', '__proto__', 'code__alias_0', 'renamed0_id_'];

/** An operation twice: with names that the planner might take for its own, and with harmless ones. */
interface Twins {
  taken: string;
  harmless: string;
  /** The first one's name for each of the second one's. */
  nameOf: Map<string, string>;
}

function generateTwins(random: RandomSource): Twins {
  const nameOf = new Map<string, string>();
  const fragments: [string, string][] = [];
  const select = (type: string, depth: number): [string, string] => {
    const used = new Set<string>();
    const fields = Object.entries(FIELDS[type] ?? {}).filter(([, answer]) => answer === null || depth < MAX_DEPTH);
    const parts = Array.from({ length: 1 + random.below(5) }, (): [string, string] => {
      const [field, answer] = random.pick(fields);
      const free = TAKEN.filter((name) => !used.has(name));
      const harmless = `a${nameOf.size}`;
      const name = free.length > 0 && random.below(3) > 0 ? random.pick(free) : harmless;
      used.add(name);
      nameOf.set(harmless, name);
      const inner = answer === null ? ['', ''] : select(answer, depth + 1).map((set) => ` ${set}`);
      const rows: [string, string] = [`${name}: ${field}${inner[0]}`, `${harmless}: ${field}${inner[1]}`];
      if (random.below(4) > 0) return rows;
      if (random.below(2) === 0) return [`... on ${type} { ${rows[0]} }`, `... on ${type} { ${rows[1]} }`];
      const fragment = `F${fragments.length}`;
      fragments.push(rows.map((row) => `fragment ${fragment} on ${type} { ${row} }`) as [string, string]);
      return [`...${fragment}`, `...${fragment}`];
    });
    return [0, 1].map((i) => `{ ${parts.map((part) => part[i]).join(' ')} }`) as [string, string];
  };
  const sets = select('Query', 0);
  const [taken = '', harmless = ''] = sets.map((set, i) => [set, ...fragments.map((both) => both[i])].join(' '));
  return { taken, harmless, nameOf };
}

/** Returns an answer with other names in data and paths. */
function rename(value: unknown, nameOf: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((part) => rename(part, nameOf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [nameOf.get(name) ?? name, rename(part, nameOf)]),
  );
}

describe('operations with aliases of every name', () => {
  let gateway: StubGateway;
  let token: string;
  beforeAll(async () => {
    gateway = await createStubGateway(clock, stubs);
    token = await tokenFor({ id: 'a', name: '审计', roles: ['AUDITOR'] } as never, clock());
  });
  afterAll(() => gateway?.stop());
  const ask = async (query: string) => {
    const { data, errors = [] } = await postQuery(gateway.app, query, token);
    return { data, paths: errors.map(({ path }) => JSON.stringify(path)), codes: errors.map((e) => e.extensions.code) };
  };

  test('the alias of the documentation answers its field', async () => {
    const query = '{ matter(id: "m1") { id: code __typename: name runningCases(first: 1) { totalCount } } }';
    expect((await ask(query)).data).toEqual({ matter: { id: '1-1', __typename: '事项', runningCases: null } });
  });

  test('are answered as with harmless aliases', async () => {
    const random = createRandom(SEED);
    let failed = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      const { taken, harmless, nameOf } = generateTwins(random);
      const [answer, expected] = [await ask(taken), await ask(harmless)];
      failed += answer.paths.length;
      expect(Object.keys(expected.data ?? {}).length, harmless).toBeGreaterThan(0);
      const paths = expected.paths.map((path) =>
        JSON.stringify(JSON.parse(path).map((step: string) => nameOf.get(step) ?? step)),
      );
      expect({ ...answer, paths: answer.paths.sort() }, taken).toEqual({
        data: rename(expected.data, nameOf),
        paths: paths.sort(),
        codes: expected.codes,
      });
    }
    expect(failed).toBeGreaterThan(0);
  });
});

test('every name of a key is known, and a document without such an alias stays the same', () => {
  const names = listKeyNames(SUPERGRAPH_SDL);
  expect([...names].sort()).toEqual(['id', 'identifier', 'nodeKey']);
  const withRequirement =
    'type A @join__type(graph: A, key: "a { b }") { c: Int @join__field(graph: A, requires: "d") }';
  expect([...listKeyNames(withRequirement)].sort()).toEqual(['a', 'b', 'd']);
  const harmless = parse('{ a: matter(id: "m1") { id: id name } }');
  expect(renameAliases(harmless, names)).toEqual({ document: harmless, prefix: null });
  const { document, prefix } = renameAliases(parse('{ renamed0_x: a { id: b } }'), names);
  expect([print(document).replaceAll(/\s+/g, ' '), prefix]).toEqual([
    '{ renamed0_x: a { renamed1_id_: b } }',
    'renamed1_',
  ]);
});

test('a leaf that is an object stays as it is', () => {
  const at = new Date('2026-03-02T00:00:00Z');
  const data = { renamed_id_: at, list: [{ renamed_id_: 'a', other: at }] };
  expect(restoreAliases({ data }, 'renamed_').data).toEqual({ id: at, list: [{ id: 'a', other: at }] });
});
