import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { applyAndApprove, decideApplication, submitApplication } from '../support/seal-applications.ts';
import { CITY, COUNTY, COUNTY_MATTER } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

/** Who may apply for, decide, withdraw and read applications on seals. */

let fixture: SealsFixture;
let waitingId: string;
beforeAll(async () => {
  fixture = await openSealsFixture();
  const input = { seal: fixture.countySeal, matter: 'm-waiting', reason: '示范' };
  waitingId = (await submitApplication(ask, KEEPER, 'applyForSealGrant', input)).application.id;
});
afterAll(() => fixture.close());

const KEEPER = `${COUNTY}.keeper`;
const APPROVER = `${COUNTY}.sealapprover`;
const actorOf = (person: string): Actor => (person === 'public' ? PUBLIC : requireDemoPerson(person));
const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  fixture.ask(actorOf(person), query, variables);
const countRows = async () =>
  (
    await fixture.sql`select (select count(*) from seals.seal_application)::int as a,
    (select count(*) from seals.seal_application_outcome)::int as o, (select count(*) from seals.seal_event)::int as e`
  )[0];

const OTHER_STAFF = ['approver', 'clerk', 'reviewer', 'supervisor'].map((position) => `${COUNTY}.${position}`);
const PERSONS_WITHOUT_ORGAN = ['auditor', 'administrator', 'library', 'applicant-company'];

const listApplicationInputs = (): [string, object][] => [
  ['applyForSeal', { kind: 'UNIT_SEAL', reason: '示范' }],
  ['applyForSealGrant', { seal: fixture.countySeal, matter: 'm', reason: '示范' }],
  ['applyForSealGrantWithdrawal', { seal: fixture.countySeal, grant: 'g', reason: '示范' }],
  ['applyForSealEnd', { seal: fixture.countySeal, reason: 'SUPERSEDED', words: '示范' }],
  ['applyForSealRotation', { seal: fixture.countySeal, reason: '示范' }],
];

describe('an application', () => {
  test.each([APPROVER, ...OTHER_STAFF, ...PERSONS_WITHOUT_ORGAN])('may not be made by %s', async (person) => {
    const before = await countRows();
    for (const [name, input] of listApplicationInputs()) {
      expect([name, (await submitApplication(ask, person, name, input)).refusal?.code]).toEqual([
        name,
        'ROLE_NOT_ALLOWED',
      ]);
    }
    expect(await countRows()).toEqual(before);
  });
  test("may not be made by another organ's keeper", async () => {
    for (const [name, input] of listApplicationInputs().slice(1)) {
      const { refusal } = await submitApplication(ask, `${CITY}.keeper`, name, input);
      expect([name, refusal?.code]).toEqual([name, 'SEAL_NOT_OF_ORGAN']);
    }
  });
  test('may not be made by the public', async () => {
    const query = 'mutation($input: SealActInput!) { applyForSealRotation(input: $input) { refusal { code } } }';
    const { codes } = await ask('public', query, { input: { seal: fixture.countySeal, reason: 'x' } });
    expect(codes).toEqual(['UNAUTHENTICATED']);
  });
  test('is refused while a hundred are waiting', async () => {
    await fixture.sql`insert into seals.seal_application (id, kind, organ, seal_id, particulars, reason, applied_by_id, applied_by, at)
      select gen_random_uuid(), 'ROTATE', 'yudu-full', 'x', '{"kind":"ROTATE"}', 'x', 'x', 'x', now() from generate_series(1, 100)`;
    const keeper = { ...requireDemoPerson(KEEPER), organ: 'yudu-full' };
    const query = 'mutation($input: SealMakingInput!) { applyForSeal(input: $input) { refusal { code } } }';
    const input = { kind: 'UNIT_SEAL', organName: '某机关', reason: '示范' };
    const { data } = await fixture.ask(keeper, query, { input });
    expect(data.applyForSeal.refusal.code).toBe('SEAL_APPLICATIONS_TOO_MANY');
  });
});

describe('decision and withdrawal', () => {
  const withdraw = async (person: string) => {
    const query =
      'mutation($input: SealApplicationInput!) { withdrawSealApplication(input: $input) { refusal { code } } }';
    return (await ask(person, query, { input: { application: waitingId } })).data?.withdrawSealApplication.refusal
      ?.code;
  };
  test.each([KEEPER, ...OTHER_STAFF, ...PERSONS_WITHOUT_ORGAN])('%s may not decide', async (person) => {
    const before = await countRows();
    for (const input of [{ approve: true }, { approve: false, reason: '否' }]) {
      const { refusal } = await decideApplication(ask, person, { application: waitingId, ...input });
      expect(refusal?.code).toBe('ROLE_NOT_ALLOWED');
    }
    expect(await countRows()).toEqual(before);
  });
  test("another organ's approver may not decide, and only the applicant may withdraw", async () => {
    const before = await countRows();
    const foreignDecision = await decideApplication(ask, `${CITY}.sealapprover`, {
      application: waitingId,
      approve: true,
    });
    expect(foreignDecision.refusal?.code).toBe('SEAL_NOT_OF_ORGAN');
    expect(await withdraw(`${CITY}.keeper`)).toBe('NOT_YOUR_RECORD');
    for (const person of [APPROVER, ...OTHER_STAFF, ...PERSONS_WITHOUT_ORGAN])
      expect(await withdraw(person)).toBe('ROLE_NOT_ALLOWED');
    expect(await countRows()).toEqual(before);
  });
  test('the public may do neither', async () => {
    const query = `mutation { decideSealApplication(input: { application: "${waitingId}", approve: true }) { refusal { code } } }`;
    expect((await ask('public', query, {})).codes).toEqual(['UNAUTHENTICATED']);
    const withdrawalQuery = `mutation { withdrawSealApplication(input: { application: "${waitingId}" }) { refusal { code } } }`;
    expect((await ask('public', withdrawalQuery, {})).codes).toEqual(['UNAUTHENTICATED']);
  });
});

describe('the list of applications', () => {
  const list = async (person: string, filter: object = {}, paging: object = { first: 100 }) => {
    const query = `query($filter: SealApplicationFilter, $first: Int!, $after: String) {
      sealApplications(filter: $filter, first: $first, after: $after) {
        edges { cursor node { kind state organ { id } seal { id: code } sealKind matters { id } person from to grant endReason reason appliedBy endedBy } }
        pageInfo { hasNextPage } } }`;
    const { data, codes } = await ask(person, query, { filter, ...paging });
    return data?.sealApplications ?? codes;
  };
  const kinds = (page: { edges: { node: { kind: string; state: string } }[] }) =>
    page.edges.map(({ node }) => `${node.kind} ${node.state}`);

  test("shows an organ's staff their own, and an auditor all", async () => {
    const grant = { seal: fixture.citySeal, matter: 'm-city', person: 'deputy', from: '2026-06-01', to: '2026-06-30' };
    await applyAndApprove(ask, CITY, 'applyForSealGrant', grant);
    for (const person of [KEEPER, APPROVER, `${COUNTY}.clerk`]) {
      expect(kinds(await list(person))).toEqual(['GRANT WAITING']);
      expect(await list(person, { organ: CITY })).toEqual(['FORBIDDEN']);
    }
    expect(kinds(await list('auditor', { seal: fixture.citySeal }))).toEqual(['GRANT APPROVED']);
    expect((await list('auditor', { organ: CITY })).edges[0].node).toEqual({
      ...{ kind: 'GRANT', state: 'APPROVED', organ: { id: CITY }, seal: { id: fixture.citySeal }, sealKind: null },
      ...{ matters: [{ id: 'm-city' }], person: 'deputy', from: '2026-06-01', to: '2026-06-30', grant: null },
      ...{ endReason: null, reason: '示范' },
      ...{
        appliedBy: requireDemoPerson(`${CITY}.keeper`).name,
        endedBy: requireDemoPerson(`${CITY}.sealapprover`).name,
      },
    });
  });
  test('is closed to persons without an organ', async () => {
    for (const person of ['administrator', 'library', 'applicant-company']) {
      expect(await list(person)).toEqual(['FORBIDDEN']);
    }
    expect(await list('public')).toEqual(['UNAUTHENTICATED']);
  });
  test('shows what waits for the caller to exactly those who may decide it', async () => {
    const waitsForMe = { waitsForMe: true };
    expect(kinds(await list(APPROVER, waitsForMe))).toEqual(['GRANT WAITING']);
    for (const person of [KEEPER, `${CITY}.sealapprover`, ...OTHER_STAFF, 'auditor'])
      expect([person, kinds(await list(person, waitsForMe))]).toEqual([person, []]);
    const applicant = { ...requireDemoPerson(APPROVER), id: requireDemoPerson(KEEPER).id };
    const query = '{ sealApplications(first: 9, filter: { waitsForMe: true }) { edges { node { kind } } } }';
    expect((await fixture.ask(applicant, query, {})).data.sealApplications.edges).toEqual([]);
    expect((await ask(APPROVER, query, {})).data.sealApplications.edges).toHaveLength(1);
  });
  test('can be filtered by seal, state and kind, and is paged', async () => {
    const makingInput = { kind: 'UNIT_SEAL', matters: [COUNTY_MATTER], reason: '示范' };
    await submitApplication(ask, KEEPER, 'applyForSeal', makingInput);
    expect(kinds(await list(KEEPER))).toEqual(['MAKE WAITING', 'GRANT WAITING']);
    expect((await list(KEEPER, { kind: 'MAKE' })).edges[0].node).toMatchObject({
      ...{ seal: null, sealKind: 'UNIT_SEAL', matters: [{ id: COUNTY_MATTER }] },
    });
    expect(kinds(await list(KEEPER, { seal: fixture.countySeal }))).toEqual(['GRANT WAITING']);
    expect(kinds(await list(KEEPER, { state: 'APPROVED' }))).toEqual([]);
    const first = await list(KEEPER, {}, { first: 1 });
    expect([kinds(first), first.pageInfo.hasNextPage]).toEqual([['MAKE WAITING'], true]);
    expect(kinds(await list(KEEPER, {}, { first: 1, after: first.edges[0].cursor }))).toEqual(['GRANT WAITING']);
    expect(await list(KEEPER, {}, { first: 1, after: 'nonsense' })).toEqual(['BAD_USER_INPUT']);
  });
});
