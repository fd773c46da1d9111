import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { applyAndApprove, decideApplication, submitApplication } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';
import { CITY, CITY_MATTER, COUNTY, COUNTY_MATTER, newRequest, RECORD } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

const KEEPER = requireDemoPerson(`${COUNTY}.keeper`);
const GRANTER = requireDemoPerson(`${COUNTY}.sealapprover`);
const SEAL = 'id: code name kind state organ { id } validFrom validUntil matters { id }';

async function mutateSeal(actor: Actor, name: string, input: Record<string, unknown>) {
  const answer = await fixture.ask(
    actor,
    `mutation($input: SealActInput!) { ${name}(input: $input) { seal { ${SEAL} } refusal { code message field } } }`,
    { input: { seal: fixture.countySeal, ...input } },
  );
  return { ...answer, ...answer.data?.[name] };
}

const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  fixture.ask(requireDemoPerson(person), query, variables);

function listEvents() {
  return fixture.sql`select event, matter_id, actor_id, actor, reason from seals.seal_event
    where seal_id = ${fixture.countySeal} order by serial`;
}

describe('the event ledger of a seal', () => {
  test('records the seeded making and grants without a person', async () => {
    const hub = { actor_id: null, actor: '初始化', reason: null };
    expect(await listEvents()).toMatchObject([
      { event: 'MADE', matter_id: null, ...hub },
      { event: 'FILED', matter_id: null, ...hub, reason: `示范备案 ${fixture.countySeal}` },
      { event: 'PUT_INTO_USE', matter_id: null, ...hub },
      { event: 'GRANTED', matter_id: COUNTY_MATTER, ...hub },
    ]);
  });
  test('records suspension by the keeper and resumption by two persons, with a reason', async () => {
    expect((await mutateSeal(KEEPER, 'suspendSeal', { reason: '年度核查' })).seal.state).toBe('SUSPENDED');
    expect((await mutateSeal(KEEPER, 'suspendSeal', { reason: '再停一次' })).refusal).toMatchObject({
      code: 'SEAL_SUSPENDED',
    });
    const application = await submitApplication(ask, KEEPER.id, 'applyForSealResumption', {
      seal: fixture.countySeal,
      reason: '核查完毕',
    });
    expect(application.seal.state).toBe('SUSPENDED');
    const approval = { application: application.application.id, approve: true };
    expect((await decideApplication(ask, KEEPER.id, approval)).refusal?.code).toBe('ROLE_NOT_ALLOWED');
    expect((await decideApplication(ask, GRANTER.id, approval)).seal.state).toBe('IN_USE');
    const again = { seal: fixture.countySeal, reason: '本来在用' };
    expect((await submitApplication(ask, KEEPER.id, 'applyForSealResumption', again)).refusal?.code).toBe(
      'ACTION_DONE',
    );
    const keeper = { actor_id: KEEPER.id, actor: KEEPER.name };
    expect((await listEvents()).slice(-3)).toMatchObject([
      { event: 'SUSPENDED', reason: '年度核查', ...keeper },
      { event: 'APPLIED_RESUME', reason: '核查完毕', ...keeper },
      { event: 'RESUMED', reason: '核查完毕', actor_id: GRANTER.id, actor: GRANTER.name },
    ]);
  });
  test('records a grant and its withdrawal by two persons, each once', async () => {
    const before = (await listEvents()).length;
    const matter = 'yd2022-1-08';
    const granted = await applyAndApprove(ask, COUNTY, 'applyForSealGrant', { seal: fixture.countySeal, matter });
    expect(granted.seal.matters).toEqual([{ id: COUNTY_MATTER }, { id: matter }]);
    const repeatedGrant = await applyAndApprove(ask, COUNTY, 'applyForSealGrant', { seal: fixture.countySeal, matter });
    expect(repeatedGrant.refusal).toMatchObject({ code: 'SEAL_ALREADY_GRANTED', field: 'matter' });
    const [, { id: grant }] = granted.seal.grants;
    const withdrawalInput = { seal: fixture.countySeal, grant };
    const withdrawn = await applyAndApprove(ask, COUNTY, 'applyForSealGrantWithdrawal', withdrawalInput);
    expect(withdrawn.seal.matters).toEqual([{ id: COUNTY_MATTER }]);
    const secondWithdrawal = await applyAndApprove(ask, COUNTY, 'applyForSealGrantWithdrawal', withdrawalInput);
    expect(secondWithdrawal.refusal).toMatchObject({ code: 'SEAL_NOT_GRANTED', field: 'grant' });
    const keeperEntry = { matter_id: matter, actor_id: KEEPER.id };
    const approverEntry = { matter_id: matter, actor_id: GRANTER.id };
    expect((await listEvents()).slice(before)).toMatchObject([
      { event: 'APPLIED_GRANT', ...keeperEntry },
      { event: 'GRANTED', ...approverEntry },
      { event: 'APPLIED_WITHDRAW_GRANT', ...keeperEntry },
      { event: 'GRANT_WITHDRAWN', ...approverEntry },
    ]);
  });
  test('the withdrawal of a grant leaves the grant of another seal for the same matter', async () => {
    const matter = 'yd2022-1-09';
    await applyAndApprove(ask, CITY, 'applyForSealGrant', { seal: fixture.citySeal, matter });
    const { seal } = await applyAndApprove(ask, COUNTY, 'applyForSealGrant', { seal: fixture.countySeal, matter });
    const [, { id: grant }] = seal.grants;
    await applyAndApprove(ask, COUNTY, 'applyForSealGrantWithdrawal', { seal: fixture.countySeal, grant });
    const matters = async (id: string) =>
      (await fixture.ask(KEEPER, `{ seal(id: "${id}") { matters { id } } }`)).data.seal.matters;
    expect(await matters(fixture.citySeal)).toContainEqual({ id: matter });
    expect(await matters(fixture.countySeal)).not.toContainEqual({ id: matter });
  });
  test.each([
    ['an empty reason', 'suspendSeal', { reason: ' ' }, 'REASON_MISSING', 'reason'],
    ['a long reason', 'suspendSeal', { reason: '长'.repeat(501) }, 'FIELD_TOO_LONG', 'reason'],
    ['an unknown seal', 'suspendSeal', { seal: 'nobody', reason: '无' }, 'SEAL_UNKNOWN', 'seal'],
  ])('records nothing for %s', async (_, name, input, code, field) => {
    const before = (await listEvents()).length;
    const { refusal } = await mutateSeal(KEEPER, name, input);
    expect(refusal).toMatchObject({ code, field });
    expect(await listEvents()).toHaveLength(before);
  });
  test('licenses receive the state of the seal after every change, in order', async () => {
    fixture.seals.start();
    const stream = `seal:${fixture.countySeal}`;
    const listReceived = () => fixture.receivedEvents.filter((event) => event.stream === stream);
    await waitUntil('licenses know the seal', async () => listReceived().length === 7);
    expect(listReceived().map((event) => event.revision)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(
      listReceived().map(({ payload }) => ('sealId' in payload ? [payload.state, payload.grants.length] : [])),
    ).toEqual([
      ['IN_USE', 1],
      ['SUSPENDED', 1],
      ['IN_USE', 1],
      ['IN_USE', 2],
      ['IN_USE', 1],
      ['IN_USE', 2],
      ['IN_USE', 1],
    ]);
  });
});

describe('access', () => {
  const otherActors: [string, Actor, string][] = [
    ['approver', requireDemoPerson(`${COUNTY}.approver`), 'ROLE_NOT_ALLOWED'],
    ['clerk', requireDemoPerson(`${COUNTY}.clerk`), 'ROLE_NOT_ALLOWED'],
    ['reviewer', requireDemoPerson(`${COUNTY}.reviewer`), 'ROLE_NOT_ALLOWED'],
    ['supervisor', requireDemoPerson(`${COUNTY}.supervisor`), 'ROLE_NOT_ALLOWED'],
    ['auditor', requireDemoPerson('auditor'), 'ROLE_NOT_ALLOWED'],
    ['administrator', requireDemoPerson('administrator'), 'ROLE_NOT_ALLOWED'],
    ['library', requireDemoPerson('library'), 'ROLE_NOT_ALLOWED'],
    ['applicant', requireDemoPerson('applicant-company'), 'ROLE_NOT_ALLOWED'],
  ];

  test.each([
    ...otherActors,
    ['seal approver', GRANTER, 'ROLE_NOT_ALLOWED'],
    ["another organ's keeper", requireDemoPerson(`${CITY}.keeper`), 'SEAL_NOT_OF_ORGAN'],
  ] as const)('%s may neither suspend nor resume a seal', async (_, actor, code) => {
    for (const name of ['suspendSeal', 'applyForSealResumption']) {
      expect((await mutateSeal(actor, name, { reason: '试' })).refusal?.code).toBe(code);
    }
  });

  test('the public receives UNAUTHENTICATED for every query and mutation', async () => {
    const queries = [
      '{ seals(first: 1) { edges { node { id: code } } } }',
      `{ seal(id: "${fixture.countySeal}") { id: code } }`,
      '{ sealUses(first: 1) { edges { node { id: uuid } } } }',
      `{ _entities(representations: [{ __typename: "Seal", id: "${fixture.countySeal}" }]) { ... on Seal { name } } }`,
      `mutation { suspendSeal(input: { seal: "${fixture.countySeal}", reason: "x" }) { seal { id: code } } }`,
      `mutation { applyForSealGrant(input: { seal: "${fixture.countySeal}", matter: "m", reason: "x" }) { seal { id: code } } }`,
    ];
    for (const query of queries) expect((await fixture.ask(PUBLIC, query)).codes, query).toEqual(['UNAUTHENTICATED']);
  });

  test.each([...otherActors, ['seal approver', GRANTER, ''] as [string, Actor, string]])(
    '%s may read the seals',
    async (_, actor) => {
      const { data } = await fixture.ask(actor, `{ seals(first: 10) { edges { node { ${SEAL} certificate } } } }`);
      expect(data.seals.edges.map((edge: { node: { id: string } }) => edge.node.id)).toEqual([
        fixture.citySeal,
        fixture.countySeal,
      ]);
      expect(data.seals.edges[1].node).toMatchObject({
        name: '于都县林业局证照专用章',
        kind: 'LICENSE_SEAL',
        organ: { id: COUNTY },
        matters: [{ id: COUNTY_MATTER }],
        certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----/),
      });
      expect(JSON.stringify(data)).not.toMatch(/PRIVATE|encrypted/i);
    },
  );
});

describe('the list of seal uses', () => {
  const IDENTIFIER = '1.2.156.3005.2.test';
  const listUses = async (actor: Actor, filter = '', first = 100, after: string | null = null) =>
    fixture.ask(
      actor,
      `query($after: String) { sealUses(first: ${first}, after: $after ${filter}) {
        edges { node { id: uuid act at authorisedBy documentDigest suite organ { id } matter { id } license { identifier } seal { id: code name } } }
        pageInfo { hasNextPage endCursor } } }`,
      { after },
    );
  const organsIn = (data: { sealUses: { edges: { node: { organ: { id: string } } }[] } }) =>
    data.sealUses.edges.map((edge) => edge.node.organ.id);

  beforeAll(async () => {
    for (const organ of [COUNTY, CITY, COUNTY, CITY, COUNTY]) {
      const matterId = organ === CITY ? CITY_MATTER : COUNTY_MATTER;
      const identifier = organ === CITY ? IDENTIFIER : RECORD.ZZBS;
      const request = newRequest({ organ, matterId, identifier });
      await fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) });
      fixture.clock.advance(60_000);
    }
  });

  test('is complete for an auditor, newest first', async () => {
    const { data } = await listUses(requireDemoPerson('auditor'));
    expect(organsIn(data)).toEqual([COUNTY, CITY, COUNTY, CITY, COUNTY]);
    expect(data.sealUses.edges[1].node).toMatchObject({
      act: 'ISSUE',
      authorisedBy: '钟文斌',
      suite: 'PAdES-T-RSA3072-SHA256',
      matter: { id: CITY_MATTER },
      license: { identifier: IDENTIFIER },
      seal: { id: fixture.citySeal, name: '赣州市行政审批局审批专用章' },
    });
  });
  test("shows an organ's staff only the uses of their organ, whatever they filter by", async () => {
    for (const actor of [KEEPER, GRANTER, requireDemoPerson(`${COUNTY}.clerk`)]) {
      expect(organsIn((await listUses(actor)).data)).toEqual([COUNTY, COUNTY, COUNTY]);
      expect(organsIn((await listUses(actor, `, filter: { seal: "${fixture.citySeal}" }`)).data)).toEqual([]);
      expect(organsIn((await listUses(actor, `, filter: { license: "${IDENTIFIER}" }`)).data)).toEqual([]);
    }
    expect(organsIn((await listUses(requireDemoPerson('yudu-slj.keeper'))).data)).toEqual([]);
  });
  test('is closed to persons without an organ', async () => {
    for (const id of ['applicant-company', 'applicant-citizen', 'library', 'administrator']) {
      expect((await listUses(requireDemoPerson(id))).codes, id).toEqual(['FORBIDDEN']);
    }
  });
  test('can be filtered by seal and by license', async () => {
    const auditor = requireDemoPerson('auditor');
    expect(organsIn((await listUses(auditor, `, filter: { seal: "${fixture.citySeal}" }`)).data)).toEqual([CITY, CITY]);
    expect(organsIn((await listUses(auditor, `, filter: { license: "${IDENTIFIER}" }`)).data)).toEqual([CITY, CITY]);
  });
  test('can be filtered by person, organ, matter and time; staff may not filter by another organ', async () => {
    const auditor = requireDemoPerson('auditor');
    const by = async (filter: string) => organsIn((await listUses(auditor, `, filter: { ${filter} }`)).data);
    expect(await by(`person: "${CITY}.approver"`)).toEqual([CITY, CITY]);
    expect(await by('person: "nobody"')).toEqual([]);
    expect(await by(`organ: "${CITY}"`)).toEqual([CITY, CITY]);
    expect(await by(`matter: "${COUNTY_MATTER}"`)).toEqual([COUNTY, COUNTY, COUNTY]);
    const early = '2026-01-01T00:00:00Z';
    const later = new Date(fixture.clock().getTime() + 1).toISOString();
    expect(await by(`from: "${later}"`)).toEqual([]);
    expect(await by(`to: "${early}"`)).toEqual([]);
    expect(await by(`from: "${early}", to: "${later}", organ: "${CITY}"`)).toEqual([CITY, CITY]);
    expect((await listUses(KEEPER, `, filter: { organ: "${CITY}" }`)).codes).toEqual(['FORBIDDEN']);
    expect(organsIn((await listUses(KEEPER, `, filter: { organ: "${COUNTY}" }`)).data)).toEqual([
      COUNTY,
      COUNTY,
      COUNTY,
    ]);
  });
  test('keeps its page boundaries when a new use arrives between two pages', async () => {
    const auditor = requireDemoPerson('auditor');
    const first = (await listUses(auditor, '', 2)).data.sealUses;
    expect(first.pageInfo.hasNextPage).toBe(true);
    await fixture.seals.sign(await fixture.request());
    const second = (await listUses(auditor, '', 100, first.pageInfo.endCursor)).data.sealUses;
    const useIds = [...first.edges, ...second.edges].map((edge) => edge.node.id);
    expect(new Set(useIds).size).toBe(5);
    expect(second.pageInfo.hasNextPage).toBe(false);
    for (const invalidAnswer of [
      listUses(auditor, '', 101),
      listUses(auditor, '', 0),
      listUses(auditor, '', 1, 'nonsense'),
    ]) {
      expect((await invalidAnswer).codes).toEqual(['BAD_USER_INPUT']);
    }
  });
  test('is append-only for the database role of seals', async () => {
    const [row] = await fixture.sql`select has_table_privilege('tq_seals', 'seals.seal_use', 'update') as may_update,
      has_table_privilege('tq_seals', 'seals.seal_use', 'delete') as may_delete`;
    expect(row).toEqual({ may_update: false, may_delete: false });
  });
});

test('entity references resolve in order, with null for unknown seals', async () => {
  const representations = [fixture.citySeal, 'nobody', fixture.countySeal].map((id) => ({ __typename: 'Seal', id }));
  const { data } = await fixture.ask(
    KEEPER,
    'query($representations: [_Any!]!) { _entities(representations: $representations) { ... on Seal { id: code } } }',
    { representations },
  );
  expect(data._entities).toEqual([{ id: fixture.citySeal }, null, { id: fixture.countySeal }]);
});
