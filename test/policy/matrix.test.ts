import { describe, expect, test } from 'vitest';
import { listDemoPeople } from '../../scripts/demo/people.ts';
import { type Person, ROLES } from '../../subgraphs/kernel/actor.ts';
import { requireAllowed } from '../../subgraphs/kernel/policy.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { COMPANY } from '../support/flow.ts';
import { APPLICANT_ID, FIXTURES, type Fixture, KEEPER_ID, POLICIES } from './fixtures.ts';
import { expectationOf, listMutations } from './matrix.ts';

/** The role matrix, generated from the policies: all rows × roles × organs. `matrix.db.test.ts` asks a real hub. */

/** Rows of routes: no mutation has them. */
const ROUTES = ['receiveUpload'];
/** Reads that are mutations, because each is recorded. */
const DISCLOSURES = ['discloseApplicant', 'discloseHolder', 'findApplicantCases', 'findHolderLicenses'];
/** Roles that only read. No row grants them more than everybody has. */
const READERS = ['AUDITOR', 'LIBRARY'];

/** Everybody does these with what is their own. */
const OWN_THINGS = ['discardUpload', 'endSessions'];

const ORGANS = ['yudu-lyj', 'yudu-sjj', 'yudu-xzspj', 'ganzhou-xzspj', 'ganzhou-jyj', 'xingguo-lyj', null];
const WINDOWS = ['360731', '360732', null];
const HOLDER_CODES = [COMPANY.code, '11010519491231002X', null];
const PERSON_IDS = [KEEPER_ID, APPLICANT_ID, 'somebody'];

const PEOPLE: readonly Person[] = ROLES.flatMap((role) =>
  ORGANS.flatMap((organ) =>
    WINDOWS.flatMap((window) =>
      HOLDER_CODES.flatMap((holderCode) =>
        PERSON_IDS.map((id) => ({ kind: 'person', id, name: id, roles: [role], organ, window, holderCode }) as const),
      ),
    ),
  ),
);

function answerOf({ rule, subject }: Fixture, person: Person): 'ALLOWED' | Refusal['code'] {
  try {
    requireAllowed(rule, subject as never, person);
    return 'ALLOWED';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe('every mutation has a policy row, and every row a mutation', () => {
  test.each(Object.keys(POLICIES))('%s', (subgraph) => {
    const rows = Object.keys(POLICIES[subgraph] ?? {}).filter((name) => !ROUTES.includes(name));
    expect(rows.sort()).toEqual(
      listMutations(subgraph)
        .map(({ name }) => name)
        .sort(),
    );
  });

  test('every row has a fixture', () => {
    const rows = Object.values(POLICIES).flatMap((policy) => Object.keys(policy));
    expect(rows.filter((name) => !FIXTURES.some((fixture) => fixture.name === name))).toEqual([]);
  });
});

/** People as the organs of the matrix have them, without a window. */
const OF_ORGANS = PEOPLE.filter(
  ({ organ, window, holderCode }) => organ !== null && window === null && holderCode === null,
);

describe('after a reform', () => {
  const named = FIXTURES.map((fixture) => [`${fixture.name} ${fixture.of}`, fixture] as const);
  test.each(named)(
    'the successor may do what the former organ might, and the former organ nothing: %s',
    (_, fixture) => {
      for (const person of OF_ORGANS) {
        const before = answerOf(fixture, person);
        const inherits = [{ organ: person.organ ?? '', matters: null, except: [] }];
        const ofSuccessor = answerOf(fixture, { ...person, organ: 'successor', inherits });
        expect([person, ofSuccessor === 'ALLOWED']).toEqual([person, before === 'ALLOWED']);
        const ended = { organ: person.organ ?? '', successors: ['自然资源局'] };
        expect(answerOf(fixture, { ...person, roles: [], organ: null, ended })).toBe('ORGAN_ENDED');
      }
    },
  );
});

describe('the role matrix', () => {
  test.each(FIXTURES.map((fixture) => [`${fixture.name} ${fixture.of}`, fixture] as const))('%s', (_, fixture) => {
    const seen = new Set<string>();
    for (const person of PEOPLE) {
      const expected = expectationOf(fixture, person);
      const answer = answerOf(fixture, person);
      seen.add(expected);
      const isAsExpected =
        expected === 'ALLOWED'
          ? answer === 'ALLOWED'
          : expected === 'ROLE'
            ? answer === 'ROLE_NOT_ALLOWED'
            : answer !== 'ALLOWED';
      if (!isAsExpected) expect([person, answer]).toEqual([person, expected]);
    }
    expect(seen).toContain('ALLOWED');
  });

  test('every role has a demo person, so that it can be tried', () => {
    const roles = new Set(listDemoPeople(['yudu-lyj']).flatMap((person) => person.roles));
    expect(ROLES.filter((role) => !roles.has(role))).toEqual([]);
  });

  test('every role may do something, or only reads', () => {
    const granted = new Set(
      FIXTURES.filter(({ name }) => ![...OWN_THINGS, ...DISCLOSURES].includes(name)).flatMap(({ rule }) =>
        rule.grants.flatMap(({ roles }) => roles),
      ),
    );
    expect(ROLES.filter((role) => !granted.has(role)).sort()).toEqual(READERS);
  });
});
