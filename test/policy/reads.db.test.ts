import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASE_READS } from '../../subgraphs/cases/policy.ts';
import { type Person, ROLES } from '../../subgraphs/kernel/actor.ts';
import type { ReadRule } from '../../subgraphs/kernel/policy.ts';
import { LICENSE_READS } from '../../subgraphs/licenses/policy.ts';
import { MATTER_READS } from '../../subgraphs/matters/policy.ts';
import { SEAL_READS } from '../../subgraphs/seals/policy.ts';
import { tokenFor } from '../support/actors.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Who may use a query at all, for every row of the read policies and every role, in an organ and outside. */

const ORGANS = ['yudu-lyj', null];
const PEOPLE: readonly Person[] = ROLES.flatMap((role) =>
  ORGANS.map((organ) => {
    return { kind: 'person', id: 'x', name: '某人', roles: [role], organ, window: null, holderCode: null } as const;
  }),
);

/** A field of Matter, which is null for whoever may not read it. It has a test of its own. */
const { runningCases: _field, ...caseQueries } = CASE_READS;
const QUERIES = Object.entries<ReadRule>({ ...caseQueries, ...LICENSE_READS, ...MATTER_READS, ...SEAL_READS });

describe('queries that are not open to everybody', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub();
  }, 60_000);
  afterAll(() => hub?.stop());

  test.each(QUERIES)('%s', async (name, { everything, ownOrgan }) => {
    const chosenCase = name === 'platformMessages' ? 'case: "x", ' : '';
    const query = `{ ${name}(${chosenCase}first: 1) { edges { cursor } } }`;
    for (const person of PEOPLE) {
      const [role] = person.roles;
      const mayRead =
        everything.some((one) => one === role) || (person.organ !== null && ownOrgan.some((one) => one === role));
      const headers = { authorization: `Bearer ${await tokenFor(person, new Date())}` };
      const { json } = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
      const code = json().errors?.[0]?.extensions.code ?? 'ALLOWED';
      expect([name, role, person.organ, code]).toEqual([name, role, person.organ, mayRead ? 'ALLOWED' : 'FORBIDDEN']);
    }
    expect((await hub.ask(null, query)).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });
});
