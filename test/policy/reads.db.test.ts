import { readFileSync } from 'node:fs';
import { buildASTSchema, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASE_READS } from '../../subgraphs/cases/policy.ts';
import { type Person, ROLES } from '../../subgraphs/kernel/actor.ts';
import type { OfficeReadRule, ReadRule } from '../../subgraphs/kernel/policy.ts';
import { LICENSE_READS } from '../../subgraphs/licenses/policy.ts';
import { MATTER_READS } from '../../subgraphs/matters/policy.ts';
import { SEAL_READS } from '../../subgraphs/seals/policy.ts';
import { tokenFor } from '../support/actors.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Who may use a query at all, for every row of the read policies and every role, in an organ and outside. */

/** In an organ, at an integrated window, and outside. */
const OFFICES = [
  { organ: 'yudu-lyj', window: null },
  { organ: null, window: '360731' },
  { organ: null, window: null },
];
const PEOPLE: readonly Person[] = ROLES.flatMap((role) =>
  OFFICES.map((office) => {
    return { kind: 'person', id: 'x', name: '某人', roles: [role], ...office, holderCode: null } as const;
  }),
);

/** A field of Matter, which is null for whoever may not read it. It has a test of its own. */
const { runningCases: _field, ...caseQueries } = CASE_READS;
const QUERIES = Object.entries<ReadRule | OfficeReadRule>({
  ...caseQueries,
  ...LICENSE_READS,
  ...MATTER_READS,
  ...SEAL_READS,
});

/** Arguments that a query must have besides `first`. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  platformMessages: 'case: "x", ',
  caseStatistics: 'by: MATTER, ',
  licenseStatistics: 'measure: LICENSES, by: STATE, ',
  searchCases: 'text: "有限", ',
  searchMatters: 'text: "许可", ',
  searchOrgans: 'text: "局", ',
  searchLicenses: 'text: "有限", ',
};

/** The fields of Query that return a page. */
function listConnections(): string[] {
  const text = readFileSync(new URL('../../gateway/supergraph.graphql', import.meta.url), 'utf8');
  const query = buildASTSchema(parse(text), { assumeValidSDL: true }).getQueryType();
  const fields = Object.values(query?.getFields() ?? {});
  return fields.filter(({ type }) => /Connection!?$/.test(String(type))).map(({ name }) => name);
}

function mayRead(rule: ReadRule | OfficeReadRule, { roles, organ, window }: Person): boolean {
  const holdsOneOf = (names: readonly string[]) => roles.some((role) => names.includes(role));
  const isAtWindow = window !== null && 'ownWindow' in rule && holdsOneOf(rule.ownWindow);
  return holdsOneOf(rule.everything) || (organ !== null && holdsOneOf(rule.ownOrgan)) || isAtWindow;
}

describe('queries that are not open to everybody', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub();
  }, 60_000);
  afterAll(() => hub?.stop());

  const authorise = async (person: Person) => ({ authorization: `Bearer ${await tokenFor(person, new Date())}` });
  async function findCode(person: Person, query: string): Promise<string> {
    const headers = await authorise(person);
    const { json } = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
    return json().errors?.[0]?.extensions.code ?? 'ALLOWED';
  }

  test.each(QUERIES)('%s', async (name, rule) => {
    const query = `{ ${name}(${ARGUMENTS[name] ?? ''}first: 1) { edges { cursor } } }`;
    for (const person of PEOPLE) {
      const answer = [name, person, await findCode(person, query)];
      expect(answer).toEqual([name, person, mayRead(rule, person) ? 'ALLOWED' : 'FORBIDDEN']);
    }
    expect((await hub.ask(null, query)).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  test('a query without a row is open to whoever has a token', async () => {
    const rows = new Set(QUERIES.map(([name]) => name));
    const outsiders = PEOPLE.filter(({ organ, window }) => organ === null && window === null);
    const tried: string[] = [];
    for (const name of listConnections()) {
      if (rows.has(name)) continue;
      const query = `{ ${name}(${ARGUMENTS[name] ?? ''}first: 1) { edges { cursor } } }`;
      for (const person of outsiders) expect([name, await findCode(person, query)]).toEqual([name, 'ALLOWED']);
      tried.push(name);
    }
    expect(tried).toContain('cases');
  });

  test.each<[string, ReadRule | OfficeReadRule]>([
    ['/cases/statistics.csv?by=MATTER', CASE_READS.caseStatistics],
    ['/licenses/statistics.csv?measure=LICENSES&by=STATE', LICENSE_READS.licenseStatistics],
    ['/licenses/statistics.csv?measure=BLANKS&by=STATE', LICENSE_READS.blanks],
    ['/licenses/statistics.csv?measure=ORDERS&by=STATE', LICENSE_READS.supervisionOrders],
  ])('%s is for the readers of the query', async (url, rule) => {
    for (const person of PEOPLE) {
      const { statusCode } = await hub.hub.app.inject({ url, headers: await authorise(person) });
      expect([person, statusCode]).toEqual([person, mayRead(rule, person) ? 200 : 403]);
    }
  });
});
