import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, type Person, PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson } from '../support/actors.ts';
import {
  type ApplicationResult,
  applyAndApprove,
  decideApplication,
  submitApplication,
} from '../support/seal-applications.ts';
import { CITY, COUNTY, COUNTY_MATTER, deciderOf, newRequest } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

/** Seals are made, granted, rotated and ended only by two persons together. */

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

const KEEPER = `${COUNTY}.keeper`;
const APPROVER = `${COUNTY}.sealapprover`;
/** A person who holds both positions. */
const KEEPER_AND_APPROVER: Person = {
  ...requireDemoPerson(KEEPER),
  id: 'both',
  name: '王一人',
  roles: ['SEAL_KEEPER', 'SEAL_APPROVER'],
};

const actorOf = (person: string): Actor =>
  person === 'both' ? KEEPER_AND_APPROVER : person === 'public' ? PUBLIC : requireDemoPerson(person);
const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  fixture.ask(actorOf(person), query, variables);
const apply = (name: string, input: object, person = KEEPER) =>
  submitApplication(ask, person, name, { reason: '工作需要', ...input });
const decide = (application: string, input: object = {}, person = APPROVER) =>
  decideApplication(ask, person, { application, approve: true, ...input });
const applyForGrant = (input: object = {}, person = KEEPER) =>
  apply('applyForSealGrant', { seal: fixture.countySeal, matter: `m-${randomUUID().slice(0, 8)}`, ...input }, person);

async function withdraw(application: string, input: object = {}, person = KEEPER): Promise<ApplicationResult> {
  const query = `mutation($input: SealApplicationInput!) { withdrawSealApplication(input: $input) {
    application { id: uuid state } refusal { code field } } }`;
  return (await ask(person, query, { input: { application, ...input } })).data?.withdrawSealApplication;
}

const listEvents = (seal: string) =>
  fixture.sql`select event, matter_id, actor_id, applied_by_id, reason from seals.seal_event
    where seal_id = ${seal} order by serial`;
const countEvents = async () => (await fixture.sql`select count(*)::int as n from seals.seal_event`)[0]?.n;

describe('an application', () => {
  test('changes nothing until another person approves it, and then takes full effect', async () => {
    const applied = await applyForGrant({ matter: 'yd2022-1-08' });
    expect(applied).toMatchObject({
      refusal: null,
      application: { state: 'WAITING', appliedBy: requireDemoPerson(KEEPER).name },
    });
    expect(applied.seal.matters).toEqual([{ id: COUNTY_MATTER }]);
    const decisionResult = await decide(applied.application.id);
    expect(decisionResult).toMatchObject({
      application: { state: 'APPROVED', endedBy: requireDemoPerson(APPROVER).name },
      refusal: null,
    });
    expect(decisionResult.seal.matters).toEqual([{ id: COUNTY_MATTER }, { id: 'yd2022-1-08' }]);
    const commonColumns = { matter_id: 'yd2022-1-08', applied_by_id: KEEPER, reason: '工作需要' };
    expect((await listEvents(fixture.countySeal)).slice(-2)).toEqual([
      { event: 'APPLIED_GRANT', actor_id: KEEPER, ...commonColumns },
      { event: 'GRANTED', actor_id: APPROVER, ...commonColumns },
    ]);
    const [leaf] =
      await fixture.sql`select entry from seals.log_leaf where kind = 'SEAL_EVENT' order by serial desc limit 1`;
    expect(JSON.parse(leaf?.entry)).toMatchObject({
      ...{ event: 'GRANTED', actorId: APPROVER, appliedById: KEEPER, applicationId: applied.application.id },
    });
    expect(leaf?.entry).not.toContain(requireDemoPerson(KEEPER).name);
  });

  test('can be rejected with a reason, which is final', async () => {
    const { application } = await applyForGrant();
    const before = await countEvents();
    expect((await decide(application.id, { approve: false })).refusal).toMatchObject({ code: 'REASON_MISSING' });
    expect(await countEvents()).toBe(before);
    const rejected = await decide(application.id, { approve: false, reason: '无此需要' });
    expect(rejected.application).toMatchObject({ state: 'REJECTED', decision: '无此需要' });
    expect((await listEvents(fixture.countySeal)).at(-1)).toMatchObject({
      event: 'REJECTED_GRANT',
      reason: '无此需要',
    });
    for (const repeated of [await decide(application.id), await withdraw(application.id)]) {
      expect(repeated.refusal).toMatchObject({ code: 'SEAL_APPLICATION_DECIDED', field: 'application' });
    }
  });

  test('can be withdrawn by the person who applied, which is final', async () => {
    const { application } = await applyForGrant();
    expect((await withdraw(application.id, {}, APPROVER)).refusal?.code).toBe('ROLE_NOT_ALLOWED');
    expect((await withdraw(application.id, {}, 'both')).refusal?.code).toBe('NOT_YOUR_RECORD');
    expect((await withdraw(application.id, { dryRun: true })).application.state).toBe('WITHDRAWN');
    expect((await withdraw(application.id)).application.state).toBe('WITHDRAWN');
    expect((await decide(application.id)).refusal?.code).toBe('SEAL_APPLICATION_DECIDED');
    expect((await listEvents(fixture.countySeal)).at(-1)).toMatchObject({ event: 'WITHDRAWN_GRANT', actor_id: KEEPER });
  });

  test('cannot be decided by the person who applied, even one who may approve', async () => {
    const { application } = await applyForGrant({}, 'both');
    const before = await countEvents();
    for (const input of [{}, { approve: false, reason: '否' }, { dryRun: true }]) {
      expect((await decide(application.id, input, 'both')).refusal).toMatchObject({
        code: 'SECOND_PERSON_NEEDED',
        field: 'application',
      });
    }
    expect(await countEvents()).toBe(before);
    expect((await decide(application.id)).refusal).toBeNull();
  });

  test('of any kind leaves no trace in a dry run', async () => {
    const countRows = async () =>
      (
        await fixture.sql`select (select count(*) from seals.seal_application)::int as a, (select count(*) from seals.seal_application_outcome)::int as o,
        (select count(*) from seals.seal_event)::int as e, (select count(*) from seals.seal_certificate)::int as c,
        (select count(*) from seals.log_leaf)::int as l, (select count(*) from seals.outbox_event)::int as t`
      )[0];
    const before = await countRows();
    expect((await applyForGrant({ dryRun: true })).application.state).toBe('WAITING');
    expect((await apply('applyForSeal', { kind: 'UNIT_SEAL', dryRun: true })).refusal).toBeNull();
    expect((await apply('applyForSealRotation', { seal: fixture.countySeal, dryRun: true })).refusal).toBeNull();
    expect(await countRows()).toEqual(before);
    const { application } = await apply('applyForSealRotation', { seal: fixture.countySeal });
    const waiting = await countRows();
    expect((await decide(application.id, { dryRun: true })).application.state).toBe('APPROVED');
    expect(await countRows()).toEqual(waiting);
    await withdraw(application.id);
  });

  test('that is unknown, or has a malformed id, is refused', async () => {
    for (const id of [randomUUID(), 'nonsense']) {
      expect((await decide(id)).refusal?.code).toBe('SEAL_APPLICATION_UNKNOWN');
      expect((await withdraw(id)).refusal?.code).toBe('SEAL_APPLICATION_UNKNOWN');
    }
  });

  test('that is no longer valid cannot be approved, but can be rejected', async () => {
    const matter = 'yd2022-1-11';
    const [first, second] = [await applyForGrant({ matter }), await applyForGrant({ matter })];
    expect((await decide(first.application.id)).refusal).toBeNull();
    expect((await decide(second.application.id)).refusal?.code).toBe('SEAL_ALREADY_GRANTED');
    const rejected = await decide(second.application.id, { approve: false, reason: '重复' });
    expect(rejected.application.state).toBe('REJECTED');
  });
});

describe('a grant', () => {
  test.each([
    ['a matter id that is too long', { matter: 'm'.repeat(65) }, 'MATTER_UNKNOWN', 'matter'],
    ['no matter', { matter: '' }, 'MATTER_UNKNOWN', 'matter'],
    ['an empty person', { person: ' ' }, 'FIELD_MALFORMED', 'person'],
    ['an invalid first day', { from: '2026-02-30' }, 'DAY_INVALID', 'from'],
    ['an invalid last day', { to: 'ever' }, 'DAY_INVALID', 'to'],
    ['a last day before the first', { from: '2026-08-01', to: '2026-07-31' }, 'FIELD_MALFORMED', 'to'],
    ['a last day in the past', { to: '2026-05-31' }, 'FIELD_MALFORMED', 'to'],
    ['no reason', { reason: ' ' }, 'REASON_MISSING', 'reason'],
    ['a long reason', { reason: '长'.repeat(501) }, 'FIELD_TOO_LONG', 'reason'],
    ['an unknown seal', { seal: 'nobody' }, 'SEAL_UNKNOWN', 'seal'],
  ])('for %s is refused', async (_, input, code, field) => {
    const before = await countEvents();
    expect((await applyForGrant(input)).refusal).toMatchObject({ code, field });
    expect(await countEvents()).toBe(before);
  });

  test('lets only its person authorise, from its first to its last day', async () => {
    const matterId = 'yd2022-1-09';
    const input = {
      seal: fixture.countySeal,
      matter: matterId,
      person: 'deputy',
      from: '2026-06-02',
      to: '2026-06-03',
    };
    expect((await applyAndApprove(ask, COUNTY, 'applyForSealGrant', input)).refusal).toBeNull();
    const startTime = fixture.clock().toISOString();
    const sign = async (person: string) => {
      const request = newRequest({ matterId });
      const authorisation = await fixture.authorise(request, { actor: person });
      return fixture.seals.sign({ ...request, authorisation }).then(
        () => 'SIGNED',
        (error: { code: string }) => error.code,
      );
    };
    expect(await sign('deputy')).toBe('SEAL_NOT_GRANTED');
    for (const day of ['2026-06-02', '2026-06-03']) {
      fixture.clock.set(day);
      expect([await sign('deputy'), await sign(`${COUNTY}.approver`)]).toEqual(['SIGNED', 'SEAL_NOT_GRANTED']);
    }
    fixture.clock.set('2026-06-04');
    expect(await sign('deputy')).toBe('SEAL_NOT_GRANTED');
    expect(
      await fixture.seals.picture({
        organ: COUNTY,
        matterId: COUNTY_MATTER,
        personId: 'x',
        decider: deciderOf(COUNTY),
        ...{ act: 'ISSUE', level: 'COUNTY', authorisedAt: '2026-06-01T00:00:00Z' },
      }),
    ).toBeNull();
    fixture.clock.set(startTime);
  });

  test('cannot be used by a forged authorisation that names its person', async () => {
    const matterId = 'yd2022-1-10';
    const input = { seal: fixture.countySeal, matter: matterId, person: 'deputy' };
    await applyAndApprove(ask, COUNTY, 'applyForSealGrant', input);
    const request = newRequest({ matterId });
    const [head, body = '', mac] = (await fixture.authorise(request)).split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, actor: 'deputy' })).toString('base64url');
    const before = await fixture.countUses();
    for (const authorisation of [`${head}.${forged}.${mac}`, `${head}.${forged}.`, 'nonsense']) {
      await expect(fixture.seals.sign({ ...request, authorisation })).rejects.toMatchObject({
        code: 'SEAL_AUTHORISATION_INVALID',
      });
    }
    expect(await fixture.countUses()).toBe(before);
  });
});

describe('a seal', () => {
  test('is applied for, made, filed, put into use, and only then used', async () => {
    const makingResult = await applyAndApprove(ask, COUNTY, 'applyForSeal', { kind: 'UNIT_SEAL', matters: ['m-unit'] });
    const id = `${COUNTY}-unit-seal`;
    expect(makingResult.seal).toMatchObject({ id, state: 'MADE', filingNumber: null, matters: [{ id: 'm-unit' }] });
    const sign = async () => {
      // A city organ without an approval seal: its other seals serve.
      const request = { ...newRequest({ matterId: 'm-unit' }), level: 'CITY' as const };
      return fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) });
    };
    await expect(sign()).rejects.toMatchObject({ code: 'SEAL_NOT_IN_USE' });
    const runKeeperAct = async (name: string, type: string, input: object, person = KEEPER) => {
      const query = `mutation($input: ${type}!) { ${name}(input: $input) { seal { state filingNumber } refusal { code } } }`;
      return (await ask(person, query, { input: { seal: id, ...input } })).data[name];
    };
    const putSealIntoUse = (person?: string) => runKeeperAct('putSealIntoUse', 'SealUseInput', {}, person);
    const fileSeal = (filingNumber: string, person?: string) =>
      runKeeperAct('fileSeal', 'SealFilingInput', { filingNumber }, person);
    expect((await putSealIntoUse()).refusal.code).toBe('SEAL_NOT_ON_FILE');
    for (const person of [APPROVER, 'auditor', 'administrator', `${COUNTY}.approver`]) {
      expect((await fileSeal('1', person)).refusal.code).toBe('ROLE_NOT_ALLOWED');
      expect((await putSealIntoUse(person)).refusal.code).toBe('ROLE_NOT_ALLOWED');
    }
    expect((await fileSeal('1', `${CITY}.keeper`)).refusal.code).toBe('SEAL_NOT_OF_ORGAN');
    expect((await fileSeal('')).refusal.code).toBe('FIELD_MALFORMED');
    expect((await fileSeal('赣市公备〔2026〕7号')).seal).toEqual({
      state: 'ON_FILE',
      filingNumber: '赣市公备〔2026〕7号',
    });
    expect((await fileSeal('又一号')).refusal.code).toBe('SEAL_ON_FILE');
    await expect(sign()).rejects.toMatchObject({ code: 'SEAL_NOT_IN_USE' });
    expect((await putSealIntoUse()).seal.state).toBe('IN_USE');
    expect((await sign()).state).toBe('SIGNED');
    expect((await listEvents(id)).map(({ event }) => event)).toEqual([
      'APPLIED_MAKE',
      'MADE',
      'GRANTED',
      'FILED',
      'PUT_INTO_USE',
    ]);
    expect((await apply('applyForSeal', { kind: 'UNIT_SEAL' })).refusal).toMatchObject({ code: 'SEAL_EXISTS' });
  });

  test('of an organ without a seal takes the organ name of the application', async () => {
    const organ = 'yudu-slj';
    const resultWithoutName = await applyAndApprove(ask, organ, 'applyForSeal', { kind: 'LICENSE_SEAL' });
    expect(resultWithoutName.refusal).toMatchObject({ code: 'FIELD_MALFORMED', field: 'organName' });
    const { seal } = await applyAndApprove(ask, organ, 'applyForSeal', {
      kind: 'LICENSE_SEAL',
      organName: '于都县水利局',
    });
    const { data } = await fixture.ask(requireDemoPerson(KEEPER), `{ seal(id: "${seal.id}") { name certificate } }`);
    expect(data.seal.name).toBe('于都县水利局证照专用章');
  });

  test('that has ended is made again under its id, with new keys and only the grants applied for', async () => {
    const id = `${COUNTY}-unit-seal`;
    const ended = await applyAndApprove(ask, COUNTY, 'applyForSealEnd', {
      ...{ seal: id, reason: 'SUPERSEDED', words: '重制' },
    });
    expect(ended.seal.state).toBe('ENDED');
    for (const name of ['applyForSealGrant', 'applyForSealRotation']) {
      expect((await apply(name, { seal: id, ...(name.endsWith('Grant') ? { matter: 'm' } : {}) })).refusal?.code).toBe(
        'SEAL_EXPIRED',
      );
    }
    const repeated = await applyAndApprove(ask, COUNTY, 'applyForSeal', { kind: 'UNIT_SEAL', matters: ['m-again'] });
    expect(repeated.seal).toMatchObject({ id, state: 'MADE', filingNumber: null, matters: [{ id: 'm-again' }] });
    const rows = await fixture.sql`select generation from seals.seal_certificate where seal_id = ${id} order by 1`;
    expect(rows).toEqual([{ generation: 1 }, { generation: 2 }]);
    // Ending it again revokes the certificates that are not revoked yet.
    const input = { seal: id, reason: 'CESSATION_OF_OPERATION', words: '撤并' };
    expect((await applyAndApprove(ask, COUNTY, 'applyForSealEnd', input)).seal.state).toBe('ENDED');
    const revoked = await fixture.sql`select reason from seals.revocation where seal_id = ${id} order by 1`;
    expect(revoked.map(({ reason }) => reason)).toEqual([
      ...['CESSATION_OF_OPERATION', 'CESSATION_OF_OPERATION', 'SUPERSEDED', 'SUPERSEDED'],
    ]);
  });
});

describe('concurrently', () => {
  test('only one of two approvals succeeds', async () => {
    for (let round = 0; round < 5; round++) {
      const { application, seal } = await applyForGrant();
      const answers = await Promise.all([decide(application.id), decide(application.id, {}, 'both')]);
      const codes = answers.map(({ refusal }) => refusal?.code ?? 'DONE').sort();
      expect(codes).toEqual(['DONE', 'SEAL_APPLICATION_DECIDED']);
      const after = answers.find(({ refusal }) => refusal === null)?.seal;
      expect(after.grants).toHaveLength(seal.grants.length + 1);
    }
  });

  test('only one of an approval and a withdrawal succeeds', async () => {
    for (let round = 0; round < 8; round++) {
      const applied = await applyForGrant();
      const { id } = applied.application;
      const calls = [() => decide(id), () => withdraw(id)];
      const answers = await Promise.all((round % 2 === 0 ? calls : calls.reverse()).map((call) => call()));
      const codes = answers.map(({ refusal }) => refusal?.code ?? 'DONE').sort();
      expect(codes).toEqual(['DONE', 'SEAL_APPLICATION_DECIDED']);
      const [row] = await fixture.sql`select outcome from seals.seal_application_outcome where application_id = ${id}`;
      const [granted] = await fixture.sql`select count(*)::int as n from seals.seal_grant
        where matter_id = ${applied.application.matters[0].id}`;
      expect(granted?.n).toBe(row?.outcome === 'APPROVED' ? 1 : 0);
    }
  });
});
