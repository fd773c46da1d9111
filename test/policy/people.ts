import { type Person, ROLES } from '../../subgraphs/kernel/actor.ts';
import { COMPANY } from '../support/flow.ts';
import { APPLICANT_ID, FIXTURES, type Fixture, KEEPER_ID } from './fixtures.ts';
import { expectationOf } from './matrix.ts';
import type { PolicyHub } from './policy-hub.ts';

/** People for the mutations of a policy hub. */

const NOBODY = { kind: 'person', organ: null, window: null, holderCode: null } as const;
/** Where a person may belong. The role comes on top. */
const AFFILIATIONS: readonly Omit<Person, 'roles' | 'name'>[] = [
  ...['yudu-lyj', 'yudu-xzspj', 'yudu-sfj', 'ganzhou-jyj', 'ganzhou-xzspj', 'xingguo-lyj'].map((organ) => ({
    ...NOBODY,
    id: `${organ}.somebody`,
    organ,
  })),
  { ...NOBODY, id: KEEPER_ID, organ: 'yudu-lyj' },
  { ...NOBODY, id: 'yudu-lyj.reviewer', organ: 'yudu-lyj' },
  { ...NOBODY, id: 'window-yudu', organ: 'yudu-xzspj', window: '360731' },
  { ...NOBODY, id: 'window-xingguo', organ: 'xingguo-xzspj', window: '360732' },
  { ...NOBODY, id: APPLICANT_ID, holderCode: COMPANY.code },
  { ...NOBODY, id: 'applicant-citizen', holderCode: '11010519491231002X' },
  { ...NOBODY, id: 'administrator' },
  { ...NOBODY, id: 'nobody' },
];
/** One person of each role in each of these places. */
export const PEOPLE: readonly Person[] = ROLES.flatMap((role) =>
  AFFILIATIONS.map((affiliation) => ({ ...affiliation, name: '某人', roles: [role] })),
);

/** Returns the fixture that describes a mutation's subject in a policy hub. Throws if there is none. */
export function findFixture({ subjects, places }: PolicyHub, name: string): Fixture {
  const candidates = FIXTURES.filter((fixture) => fixture.name === name);
  const of = subjects[name] ?? candidates.find((fixture) => fixture.of.startsWith('WINDOW_FORWARD'))?.of;
  const fixture = candidates.find((candidate) => of === undefined || candidate.of === of);
  if (!fixture) throw new Error(`no fixture of ${name}`);
  return { ...fixture, places: { ...fixture.places, ...places[name] } };
}

/** Returns somebody who may do a mutation in a policy hub, an office's own person if there is one. */
export function findAllowedPerson(hub: PolicyHub, name: string): Person {
  const fixture = findFixture(hub, name);
  const allowed = PEOPLE.filter((candidate) => expectationOf(fixture, candidate) === 'ALLOWED');
  const person = allowed.find(({ organ }) => organ !== null) ?? allowed[0];
  if (!person) throw new Error(`nobody may do ${name}`);
  return person;
}
