import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEMONSTRATION_ISSUER } from '../../subgraphs/cases/person/appointment.ts';
import type { Identity, Person } from '../../subgraphs/kernel/actor.ts';
import { TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { tokenFor } from '../support/actors.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** The register of people (人员岗位登记): what it says, who changes it, and when it counts. */

let hub: TestHub;
let clock: TestClock;
beforeAll(async () => {
  clock = testClock('2026-03-02');
  hub = await createTestHub({ now: clock });
});
afterAll(() => hub?.stop());

const FIELDS =
  'proposal { id: uuid state organ { id: code } } people { subject organ { id: code } roles validFrom validTo inForce }';
const propose = (change: object | object[], person = 'administrator') =>
  runMutation(hub, person, 'changePeople', 'ChangePeopleInput', { changes: [change].flat() }, FIELDS);
const decide = (proposal: string, person: string, approve = true) => {
  const input = { proposal, approve, reason: approve ? null : '不同意' };
  return runMutation(hub, person, 'decideProposal', 'DecideProposalInput', input, FIELDS);
};
/** Proposes a change and approves it. */
async function enact(change: object | object[], approver = 'yudu-lyj.approver') {
  const { proposal, refusal } = await propose(change);
  if (refusal) throw new Error(JSON.stringify(refusal));
  const decided = await decide(proposal.id, approver);
  expect(decided.refusal).toBeNull();
  return decided;
}
const entering = (subject: string, overrides: object = {}) => ({
  ...{ action: 'ENTER', subject, name: '某人', organ: 'yudu-lyj', roles: ['REVIEWER'] },
  ...overrides,
});
const leaving = (subject: string, overrides: object = {}) => ({ action: 'END', subject, reason: '调离', ...overrides });

const identityOf = (subject: string, overrides: Partial<Identity> = {}): Identity => ({
  ...{ issuer: DEMONSTRATION_ISSUER, subject, name: '某人', holderCode: null },
  ...{ issuedAt: clock(), authTime: null, session: null },
  ...overrides,
});
const resolve = (subject: string, overrides: Partial<Identity> = {}) =>
  hub.hub.cases.resolvePerson(identityOf(subject, overrides), clock());

describe('a person', () => {
  test('of the demonstration is in the register, at the place and with the role of the demo token', async () => {
    const approver = { organ: 'yudu-lyj', roles: ['APPROVER'], holderCode: null };
    expect(await resolve('yudu-lyj.approver')).toMatchObject(approver);
    expect(await resolve('window-yudu')).toMatchObject({ window: '360731', roles: ['WINDOW_CLERK'] });
    expect(await resolve('administrator')).toMatchObject({ organ: null, roles: ['ADMINISTRATOR'] });
    expect(await resolve('yudu-lyj.approver', { issuer: 'https://id.example' })).toBeNull();
    expect(await resolve('applicant-company')).toBeNull();
  });

  test('has the rights of the register from the approval on, and no longer from the end on', async () => {
    expect(await resolve('lin')).toBeNull();
    const { proposal } = await propose(entering('lin'));
    expect(await resolve('lin')).toBeNull();
    const { people } = await decide(proposal.id, 'yudu-lyj.supervisor');
    expect(people).toMatchObject([{ subject: 'lin', inForce: true }]);
    expect(await resolve('lin')).toMatchObject({ organ: 'yudu-lyj', roles: ['REVIEWER'] });
    await enact(leaving('lin'));
    expect(await resolve('lin')).toBeNull();
  });

  test('who left yesterday has no rights, although it is recorded today', async () => {
    await enact(entering('yesterday'));
    clock.advance(3 * 86_400_000);
    await enact(leaving('yesterday', { to: '2026-03-04' }));
    expect(await resolve('yesterday')).toBeNull();
    const { data } = await hub.ask(
      'auditor',
      '{ people(first: 1, filter: { subject: "yesterday" }) { edges { node { validTo inForce } } } }',
    );
    expect(data.people.edges).toEqual([{ node: { validTo: '2026-03-04T16:00:00.000Z', inForce: false } }]);
  });

  test('who is moved to another organ while holding a token has the new place at once', async () => {
    await enact(entering('moving'));
    await enact(leaving('moving'));
    await enact(entering('moving', { organ: 'yudu-slj', roles: ['APPROVER'] }), 'yudu-slj.approver');
    expect(await resolve('moving')).toMatchObject({ organ: 'yudu-slj', roles: ['APPROVER'] });
  });

  test('who holds licenses is an applicant by the code of the issuer, unless the register says otherwise', async () => {
    const holderCode = '11010519491231002X';
    expect(await resolve('citizen', { holderCode })).toMatchObject({ roles: ['APPLICANT'], holderCode });
    expect(await resolve('yudu-lyj.clerk', { holderCode })).toMatchObject({
      roles: ['WINDOW_CLERK'],
      holderCode: null,
    });
  });
});

describe('a change is made by two persons', () => {
  test.each([
    ['the administrator who proposed it', 'administrator', 'ROLE_NOT_ALLOWED'],
    ['another administrator', 'administrator-deputy', 'ROLE_NOT_ALLOWED'],
    ['somebody of another organ', 'xingguo-lyj.approver', 'NOT_YOUR_RECORD'],
    ['a clerk of the organ', 'yudu-lyj.clerk', 'ROLE_NOT_ALLOWED'],
  ])('not by %s', async (_, person, code) => {
    const { proposal } = await propose(entering(`wang-${person}`));
    expect(proposal.organ.id).toBe('yudu-lyj');
    expect((await decide(proposal.id, person)).refusal.code).toBe(code);
    expect(await resolve(`wang-${person}`)).toBeNull();
  });

  test('not by the person concerned, who may neither propose nor approve it', async () => {
    const own = entering('administrator', { action: 'CHANGE', organ: null, roles: ['AUDITOR'] });
    expect((await propose(own)).refusal.code).toBe('OWN_RIGHTS');
    const promotion = entering('yudu-lyj.approver', { action: 'CHANGE', roles: ['APPROVER', 'REVIEWER'] });
    const { proposal } = await propose(promotion);
    expect((await decide(proposal.id, 'yudu-lyj.approver')).refusal.code).toBe('OWN_RIGHTS');
    expect((await decide(proposal.id, 'yudu-lyj.approver', false)).refusal).toBeNull();
  });

  test('of an administrator by another one, never by who gains by it', async () => {
    const auditing = await propose(
      entering('administrator-deputy', { action: 'CHANGE', organ: null, roles: ['AUDITOR'] }),
    );
    expect(auditing.proposal.organ).toBeNull();
    expect((await decide(auditing.proposal.id, 'administrator-deputy')).refusal.code).toBe('OWN_RIGHTS');
    const newcomer = await propose(entering('third-administrator', { organ: null, roles: ['ADMINISTRATOR'] }));
    expect((await decide(newcomer.proposal.id, 'administrator')).refusal.code).toBe('SECOND_PERSON_NEEDED');
    expect((await decide(newcomer.proposal.id, 'administrator-deputy')).refusal).toBeNull();
  });

  test('of an organ that has nobody else to approve by a superior organ, not by administrators alone', async () => {
    const organ = 'yudu-sjj';
    await enact(leaving(`${organ}.supervisor`), `${organ}.approver`);
    const last = await propose(leaving(`${organ}.approver`));
    const superior = last.proposal.organ.id;
    expect(superior).toMatch(/^ganzhou-/);
    expect((await decide(last.proposal.id, 'administrator-deputy')).refusal.code).toBe('ROLE_NOT_ALLOWED');
    expect((await decide(last.proposal.id, `${organ}.approver`)).refusal.code).toBe('NOT_YOUR_RECORD');
    const reviewer = await propose(entering('sjj-reviewer', { organ }));
    expect(reviewer.proposal.organ.id).toBe(organ);
    expect((await decide(last.proposal.id, `${superior}.approver`)).refusal).toBeNull();
    expect(await resolve(`${organ}.approver`)).toBeNull();
    const first = await propose(entering('sjj-supervisor', { organ, roles: ['SUPERVISOR'] }));
    const second = await propose(entering('sjj-clerk', { organ, roles: ['WINDOW_CLERK'] }));
    expect((await decide(first.proposal.id, 'administrator-deputy')).refusal.code).toBe('ROLE_NOT_ALLOWED');
    expect((await decide(first.proposal.id, `${superior}.supervisor`)).refusal).toBeNull();
    // The organ has somebody again, so its people are its own matter.
    expect((await decide(second.proposal.id, `${superior}.supervisor`)).refusal.code).toBe('PROPOSAL_OUTDATED');
  });

  test('of an organ without a superior and without anybody else to approve by another administrator', async () => {
    const organ = 'ganzhou-swj';
    await enact(leaving(`${organ}.supervisor`), `${organ}.approver`);
    const last = await propose(leaving(`${organ}.approver`));
    expect(last.proposal.organ).toBeNull();
    expect((await decide(last.proposal.id, 'administrator')).refusal.code).toBe('SECOND_PERSON_NEEDED');
    expect((await decide(last.proposal.id, 'administrator-deputy')).refusal).toBeNull();
    const first = await propose(entering('swj-supervisor', { organ, roles: ['SUPERVISOR'] }));
    const second = await propose(entering('swj-clerk', { organ, roles: ['WINDOW_CLERK'] }));
    expect((await decide(first.proposal.id, 'administrator-deputy')).refusal).toBeNull();
    expect((await decide(second.proposal.id, 'administrator-deputy')).refusal.code).toBe('PROPOSAL_OUTDATED');
  });

  test('never takes somebody from an organ, or brings somebody to one, that has not approved', async () => {
    const code = async (...changes: object[]) => (await propose(changes)).refusal?.code;
    const change = { action: 'CHANGE', roles: ['REVIEWER'] };
    expect(await code(entering('yudu-slj.clerk', { ...change, organ: 'yudu-sjj' }))).toBe('PEOPLE_OF_SEVERAL_ORGANS');
    expect(await code(entering('yudu-slj.clerk', { ...change, organ: null, roles: ['AUDITOR'] }))).toBe(
      'PEOPLE_OF_SEVERAL_ORGANS',
    );
    expect(await code(entering('administrator-deputy', { ...change, organ: 'yudu-sjj' }))).toBe(
      'PEOPLE_OF_SEVERAL_ORGANS',
    );
    await enact(entering('leaving-later', { to: '2026-04-01' }));
    await enact(entering('leaving-later', { organ: 'yudu-slj', from: '2026-04-02' }), 'yudu-slj.approver');
    expect(await code(leaving('leaving-later'))).toBe('PEOPLE_OF_SEVERAL_ORGANS');
  });

  test('of all who could approve for an organ is for the organ alone, not for administrators', async () => {
    const organ = 'yudu-slj';
    const { proposal } = await propose([leaving(`${organ}.approver`), leaving(`${organ}.supervisor`)]);
    expect(proposal.organ.id).toBe(organ);
    expect((await decide(proposal.id, 'administrator-deputy')).refusal.code).toBe('ROLE_NOT_ALLOWED');
    expect((await decide(proposal.id, `${organ}.supervisor`)).refusal.code).toBe('OWN_RIGHTS');
  });

  test('is refused for two places at once, an unknown organ, a window without a clerk, and several organs', async () => {
    await enact(entering('settled'));
    const elsewhere = entering('settled', { organ: 'yudu-slj' });
    expect((await propose(elsewhere)).refusal).toMatchObject({ code: 'PERSON_TWO_PLACES' });
    expect((await propose(entering('x', { organ: 'nowhere' }))).refusal.code).toBe('ORGAN_UNKNOWN');
    expect((await propose(entering('x', { window: '360731' }))).refusal.code).toBe('WINDOW_UNFIT');
    expect((await propose(entering('x', { roles: ['ADMINISTRATOR'] }))).refusal.code).toBe('ROLES_UNFIT');
    const both = [entering('one'), entering('two', { organ: 'yudu-slj' })];
    expect((await propose(both)).refusal.code).toBe('PEOPLE_OF_SEVERAL_ORGANS');
    expect((await propose(entering('settled'))).refusal.code).toBe('LINE_WITHOUT_CHANGE');
  });
});

describe('a list', () => {
  const importList = (list: string, dryRun = false, person = 'administrator') => {
    const fields = 'proposals { id: uuid organ { id: code } } changes unchanged problems { line column code message }';
    return runMutation(hub, person, 'importPeople', 'ImportPeopleInput', { format: 'CSV', list, dryRun }, fields);
  };
  const HEADER = 'action,subject,name,organ,roles';

  test('becomes one proposal for each organ, and nothing in a rehearsal', async () => {
    const list = `${HEADER}\nENTER,l1,甲,yudu-lyj,REVIEWER\nENTER,l2,乙,yudu-slj,APPROVER\nENTER,l3,丙,yudu-lyj,APPROVER`;
    expect(await importList(list, true)).toMatchObject({ refusal: null, proposals: [], changes: 3, problems: [] });
    const { proposals } = await importList(list);
    expect(proposals.map(({ organ }: { organ: { id: string } }) => organ.id)).toEqual(['yudu-lyj', 'yudu-slj']);
    expect(await resolve('l1')).toBeNull();
    await decide(proposals[0].id, 'yudu-lyj.approver');
    expect(await resolve('l1')).toMatchObject({ roles: ['REVIEWER'] });
    expect(await resolve('l2')).toBeNull();
    expect(await importList(`${HEADER}\nENTER,l1,甲,yudu-lyj,REVIEWER`)).toMatchObject({ unchanged: 1, proposals: [] });
  });

  test('with a bad line proposes nothing and names every one', async () => {
    const list = `${HEADER}\nENTER,m1,甲,yudu-lyj,REVIEWER\nENTER,m1,甲,yudu-slj,APPROVER\nENTER,m2,乙,nowhere,APPROVER`;
    const { refusal, proposals, problems } = await importList(list);
    expect(refusal.code).toBe('IMPORT_NOT_DONE');
    expect(proposals).toEqual([]);
    expect(problems.map(({ line, code }: { line: number; code: string }) => `${line} ${code}`)).toEqual([
      '3 PERSON_TWO_PLACES',
      '4 ORGAN_UNKNOWN',
    ]);
    expect(problems[0].message).toContain('本清单第 2 行');
    expect((await importList(list, false, 'yudu-lyj.approver')).refusal.code).toBe('ROLE_NOT_ALLOWED');
  });

  test('of the administrator who proposes it is refused', async () => {
    const list = `${HEADER}\nENTER,n1,甲,yudu-lyj,REVIEWER\nCHANGE,administrator,甲,,AUDITOR`;
    expect((await importList(list)).refusal.code).toBe('OWN_RIGHTS');
  });
});

describe('sign-ins', () => {
  const end = (person: string, input: object) =>
    runMutation(hub, person, 'endSessions', 'EndSessionsInput', input, 'endedAt');
  const isEnded = async (subject: string, overrides: Partial<Identity>) => {
    const error = await resolve(subject, overrides).catch((caught) => caught);
    return error instanceof TokenError && error.code === 'SESSION_ENDED';
  };

  test.each([
    ['by the person', 'yudu-lyj.keeper', {}],
    ['by an administrator', 'administrator', { person: 'yudu-lyj.keeper', reason: '设备遗失' }],
    ['by a supervisor of the organ', 'yudu-lyj.supervisor', { person: 'yudu-lyj.keeper', reason: '设备遗失' }],
  ])('end %s, up to that moment', async (_, person, input) => {
    const before = clock();
    expect(await isEnded('yudu-lyj.keeper', { issuedAt: before, authTime: before })).toBe(false);
    clock.advance(60_000);
    expect(await end(person, { ...input, dryRun: true })).toMatchObject({ refusal: null });
    expect(await isEnded('yudu-lyj.keeper', { issuedAt: before, authTime: before })).toBe(false);
    expect(await end(person, input)).toMatchObject({ refusal: null, endedAt: clock().toISOString() });
    expect(await isEnded('yudu-lyj.keeper', { issuedAt: before })).toBe(true);
    clock.advance(1_000);
    expect(await isEnded('yudu-lyj.keeper', { issuedAt: clock(), authTime: clock() })).toBe(false);
    // A token that was renewed in the same session, also where the issuer does not say when the person signed in.
    for (const authTime of [before, null])
      expect(await isEnded('yudu-lyj.keeper', { issuedAt: clock(), authTime })).toBe(true);
    expect(await isEnded('yudu-lyj.clerk', { issuedAt: before })).toBe(false);
  });

  test('of others end neither by somebody of another organ nor without a reason', async () => {
    const other = { person: 'yudu-lyj.keeper', reason: '设备遗失' };
    expect((await end('yudu-slj.supervisor', other)).refusal.code).toBe('NOT_YOUR_RECORD');
    expect((await end('yudu-lyj.approver', other)).refusal.code).toBe('NOT_YOUR_RECORD');
    expect((await end('applicant-company', other)).refusal.code).toBe('NOT_YOUR_RECORD');
    expect((await end('administrator', { person: 'yudu-lyj.keeper' })).refusal.code).toBe('REASON_MISSING');
  });

  test('of a holder end too', async () => {
    const holder = { holderCode: '11010519491231002X', issuedAt: clock() };
    const { id } = (await resolve('citizen', holder)) as Person;
    expect(await end('administrator', { person: id, reason: '账号被盗' })).toMatchObject({ refusal: null });
    expect(await isEnded('citizen', holder)).toBe(true);
  });
});

describe('who reads it', () => {
  const VIEWER = '{ viewer { id: personId name roles organ { id: code name } window holderCode validUntil } }';

  test('everybody reads who they are, with a masked code, and the public is nobody', async () => {
    expect((await hub.ask(null, VIEWER)).data).toEqual({ viewer: null });
    const clerk = (await hub.ask('window-yudu', VIEWER)).data.viewer;
    expect(clerk).toMatchObject({ id: 'window-yudu', roles: ['WINDOW_CLERK'], window: '360731', validUntil: null });
    expect(clerk.organ).toEqual({ id: 'yudu-xzspj', name: expect.any(String) });
    const citizen = (await hub.ask('applicant-citizen', VIEWER)).data.viewer;
    expect(citizen.holderCode).toMatch(/\*/);
    expect(citizen.holderCode).not.toContain('19491231');
    await enact(entering('short', { to: '2026-12-31' }));
    const person = (await resolve('short')) as Person;
    const response = await hub.hub.app.inject({
      ...{ method: 'POST', url: '/graphql', payload: { query: VIEWER } },
      headers: { authorization: `Bearer ${await tokenFor(person, clock())}` },
    });
    expect(response.json().data.viewer.validUntil).toBe('2026-12-31T16:00:00.000Z');
  });

  test('an organ reads its own people only', async () => {
    const query =
      'query($organ: ID) { people(first: 100, filter: { organ: $organ }) { edges { node { organ { id: code } } } } }';
    const organsOf = async (person: string, organ: string | null = null) => {
      const { data } = await hub.ask(person, query, { organ });
      return new Set(data.people.edges.map(({ node }: { node: { organ: { id: string } | null } }) => node.organ?.id));
    };
    expect(await organsOf('yudu-lyj.approver')).toEqual(new Set(['yudu-lyj']));
    expect(await organsOf('yudu-lyj.approver', 'yudu-slj')).toEqual(new Set());
    expect(await organsOf('auditor', 'yudu-slj')).toEqual(new Set(['yudu-slj']));
    expect((await organsOf('administrator')).size).toBeGreaterThan(3);
    expect((await hub.ask('yudu-lyj.clerk', query)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});
