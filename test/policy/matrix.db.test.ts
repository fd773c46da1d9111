import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Case } from '../../subgraphs/cases/case.ts';
import { maySee } from '../../subgraphs/cases/policy.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { partiesOf } from '../../subgraphs/kernel/period/delegation.ts';
import { PURPOSES, type Purpose } from '../../subgraphs/kernel/privacy/purpose.ts';
import { tokenFor } from '../support/actors.ts';
import { type Fixture, KEEPER_ID, POLICIES } from './fixtures.ts';
import { type Expectation, expectationOf, listMutations } from './matrix.ts';
import { findFixture, PEOPLE } from './people.ts';
import { createPolicyHub, type PolicyHub } from './policy-hub.ts';
import { seededNumbers } from './sample.ts';

/**
 * The role matrix through GraphQL, on a real hub: what a mutation answers to a dry run is what its policy row says.
 * Every mutation is tried by one person of each expectation, and by a seeded sample. FULL=1 tries everybody.
 */

const SAMPLE_PER_MUTATION = 4;
const SEED = 20_261_129;

/** Who made what the mutation decides. The same person cannot decide it. */
const AUTHORS: Readonly<Record<string, string>> = {
  ...{ decideSealApplication: KEEPER_ID, decideProposal: 'administrator', decideImport: 'administrator' },
  decideLicenseProposal: 'yudu-lyj.reviewer',
  decideBlankTransfer: 'yudu-slj.keeper',
  decideRegistration: 'yudu-lyj.reviewer',
};
/** Refusals of input that `createPolicyHub` leaves wrong on purpose. They show that the person was allowed. */
const LATER_REFUSALS: Readonly<Record<string, string>> = {
  importDelegations: 'IMPORT_EMPTY',
  importGuide: 'GUIDE_FILE_INVALID',
  importGuideOverlay: 'GUIDE_FILE_INVALID',
  importLicenseType: 'LICENSE_TYPE_FILE_INVALID',
  importOrgans: 'IMPORT_EMPTY',
  changeLicense: 'LICENSE_ACT_NOT_ALLOWED',
  renewLicense: 'LICENSE_ACT_NOT_ALLOWED',
  reissueLicense: 'LICENSE_ACT_NOT_ALLOWED',
  retainLicense: 'LICENSE_ACT_NOT_ALLOWED',
  transferLicense: 'LICENSE_ACT_NOT_ALLOWED',
  correctLicense: 'LICENSE_ACT_NOT_ALLOWED',
  enterSealCertificate: 'AUTHORITY_NOT_TRUSTED',
};
/**
 * Refusals of some of the allowed persons: a city organ has a seal of the kind that is applied for, and an organ
 * without a seal must say its name. The blanks of the inputs are in the stock of one organ, and go to another one.
 */
const SOME_REFUSALS: Readonly<Record<string, readonly string[]>> = {
  applyForSeal: ['SEAL_EXISTS', 'FIELD_MALFORMED'],
  writeOffBlanks: ['BLANK_OF_ANOTHER_ORGAN'],
  transferBlanks: ['BLANK_OF_ANOTHER_ORGAN', 'TRANSFER_TO_ITSELF'],
};
/** The window that received the cases of `createPolicyHub`. */
const CASE_WINDOW = '360731';
const PLACE_REFUSALS = [
  ...['ORGAN_WITHOUT_POWER', 'NOT_YOUR_RECORD', 'SEAL_NOT_OF_ORGAN', 'TASK_NOT_OF_ORGAN', 'NOT_THE_SUPERVISOR'],
  ...['PUSH_UNKNOWN', 'FINDING_UNKNOWN', 'UPLOAD_UNKNOWN', 'LICENSE_UNKNOWN'],
];

/** A purpose of reading that fits a person's role after the decision, or any if the role has none. */
function findPurpose({ roles }: Person): Purpose {
  const names = Object.keys(PURPOSES) as Purpose[];
  const fits = (name: Purpose) => PURPOSES[name].roles.some((role) => roles.includes(role));
  return names.find((name) => fits(name) && name !== 'EXAMINATION' && name !== 'DECISION') ?? 'VERIFICATION';
}

const MUTATIONS = Object.keys(POLICIES).flatMap((subgraph) =>
  listMutations(subgraph).map((mutation) => ({ ...mutation, subgraph })),
);
type Mutation = (typeof MUTATIONS)[number];

describe('mutations answer as the policies say', () => {
  let policyHub: PolicyHub;
  beforeAll(async () => {
    policyHub = await createPolicyHub();
  }, 60_000);
  afterAll(() => policyHub?.hub.stop());
  const random = seededNumbers(SEED);

  /** Returns ALLOWED or the code of the refusal. */
  async function rehearse({ name, inputType }: Mutation, person: Person): Promise<string> {
    const token = await tokenFor(person, policyHub.clock());
    const purpose = 'purpose' in (policyHub.inputs[name] ?? {}) ? { purpose: findPurpose(person) } : {};
    const query = `mutation($input: ${inputType}) { ${name}(input: $input) { refusal { code } } }`;
    const response = await policyHub.hub.hub.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { authorization: `Bearer ${token}` },
      payload: { query, variables: { input: { ...policyHub.inputs[name], ...purpose, dryRun: true } } },
    });
    const { data, errors } = response.json();
    if (errors) throw new Error(`${name} ${JSON.stringify(person)}: ${JSON.stringify(errors)}`);
    return data[name].refusal?.code ?? 'ALLOWED';
  }

  /** Whether a mutation names a case that a person cannot see. */
  function isCaseHidden({ name, subgraph }: Mutation, person: Person): boolean {
    if (subgraph !== 'cases' || !('case' in (policyHub.inputs[name] ?? {}))) return false;
    const { applicant, delegation } = findFixture(policyHub, name).subject as Case;
    const visibility = { applicantCode: applicant.code, parties: partiesOf(delegation), window: CASE_WINDOW };
    return !maySee(person, visibility);
  }

  function isExpected(answer: string, expected: Expectation, mutation: Mutation, person: Person): boolean {
    const { name } = mutation;
    if (expected === 'ALLOWED' && AUTHORS[name] === person.id) return answer === 'SECOND_PERSON_NEEDED';
    if (expected === 'ALLOWED' && SOME_REFUSALS[name]?.includes(answer)) return true;
    if (expected === 'ALLOWED') return answer === (LATER_REFUSALS[name] ?? 'ALLOWED');
    // A case does not exist for people who have nothing to do with it, whatever their role.
    if (isCaseHidden(mutation, person)) return answer === 'CASE_UNKNOWN';
    if (expected === 'ROLE') return answer === 'ROLE_NOT_ALLOWED';
    return PLACE_REFUSALS.includes(answer) || (person.organ === null && answer === 'ROLE_NOT_ALLOWED');
  }

  /** One person of each expectation and a sample, or everybody. */
  function choosePeople(fixture: Fixture): Person[] {
    if (process.env.FULL === '1') return [...PEOPLE];
    const shuffled = PEOPLE.map((person) => ({ person, rank: random() })).sort((a, b) => a.rank - b.rank);
    const people = shuffled.map(({ person }) => person);
    const oneOfEach = (['ALLOWED', 'ROLE', 'PLACE'] as const).flatMap((expected) => {
      const person = people.find((candidate) => expectationOf(fixture, candidate) === expected);
      return person ? [person] : [];
    });
    return [...new Set([...oneOfEach, ...people.slice(0, SAMPLE_PER_MUTATION)])];
  }

  test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('%s', async (name, mutation) => {
    expect(policyHub.inputs).toHaveProperty(name);
    const fixture = findFixture(policyHub, name);
    const expectations = new Set<Expectation>();
    for (const person of choosePeople(fixture)) {
      const expected = expectationOf(fixture, person);
      expectations.add(expected);
      const answer = await rehearse(mutation, person);
      if (!isExpected(answer, expected, mutation, person)) expect([answer, person]).toEqual([expected, person]);
    }
    expect(expectations).toContain('ALLOWED');
    // Everybody holds a role that may do these with what is their own.
    if (!['discardUpload', 'endSessions'].includes(name)) expect(expectations).toContain('ROLE');
    const hasPlaces = fixture.rule.grants.some(
      ({ place, when }) => place.name !== 'ANYWHERE' && (when?.(fixture.subject as never) ?? true),
    );
    if (hasPlaces) expect(expectations).toContain('PLACE');
  });
});
