import { decodeJwt } from 'jose';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitForNotices } from '../support/sealed-notices.ts';
import { waitUntil } from '../support/until.ts';
import { createUpload } from '../support/upload.ts';

/** Exceptions to the segregation of duties (职责分离的例外): two persons, an organ, a bounded period. */

/** 公路建设项目: the county examines and decides, and a decision document is the outcome. */
const MATTER = 'yd2022-1-02';
const ORGAN = 'yudu-jtysj';
const SUPERIOR = 'ganzhou-jtysj';
const APPROVER = `${ORGAN}.approver`;
const SUPERIOR_APPROVER = `${SUPERIOR}.approver`;
/** The only other examiner is on leave: one person examines and may decide. */
const ALONE: Person = { ...requireDemoPerson(`${ORGAN}.reviewer`), roles: ['REVIEWER', 'APPROVER'] };

let hub: TestHub;
let clock: TestClock;
let sql: postgres.Sql;
beforeAll(async () => {
  clock = testClock('2026-03-02');
  hub = await createTestHub({ now: clock });
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

/** Runs a mutation as a person who is no demo person. */
async function runAs(person: Person, name: string, type: string, input: object) {
  const response = await hub.hub.app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { authorization: `Bearer ${await tokenFor(person, clock())}` },
    payload: {
      query: `mutation($input: ${type}!) { ${name}(input: $input) {
        case { id: uuid steps { step exceptions organ { id: code } } } refusal { code } } }`,
      variables: { input },
    },
  });
  const { data, errors } = response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data[name];
}
/** Accepts a case, and examines it as the person who is alone. Returns its id. */
async function openCase(matter = MATTER, organ = ORGAN, examiner = ALONE): Promise<string> {
  const application = { matter, applicant: COMPANY, fields: linesFor(matter) };
  const acceptance = await runMutation(
    hub,
    `${organ}.clerk`,
    'acceptCase',
    'ApplicationInput',
    application,
    'case { id: uuid }',
  );
  const { id } = acceptance.case;
  const examination = await runAs(examiner, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
  expect(examination.refusal).toBeNull();
  return id;
}
const decide = (person: Person, id: string, more: object = {}) =>
  runAs(person, 'decideCase', 'DecideCaseInput', { case: id, decision: 'GRANTED', authoriseSeal: true, ...more });

const CONTENT = {
  ...{ organ: ORGAN, kind: 'EXAMINER_DECIDES', validFrom: '2026-03-02', validTo: '2026-06-01' },
  ...{ reason: '另一名审查人员休假', approvingOrgan: SUPERIOR },
};
const PAYLOAD =
  'proposal { id: uuid state } exception { id: uuid organ { id: code } kind validTo proposedBy approvedBy }';
const propose = (change: object = {}, person = APPROVER) =>
  runMutation(hub, person, 'recordException', 'RecordExceptionInput', { ...CONTENT, ...change }, PAYLOAD);
const approve = (proposal: string, person = SUPERIOR_APPROVER) =>
  runMutation(hub, person, 'decideProposal', 'DecideProposalInput', { proposal, approve: true }, PAYLOAD);
const end = (exception: string, person = APPROVER) => {
  const input = { exception, reason: '人员已到岗' };
  return runMutation(hub, person, 'endException', 'EndExceptionInput', input, 'exception { id: uuid endedBy }');
};
/** The kinds of attention that a person is shown, with the ids of proposals. */
const listWaiting = async (person: string): Promise<string[]> => {
  const query =
    '{ attention(filter: { kinds: [PROPOSAL_WAITING] }, first: 50) { edges { node { proposalId message } } } }';
  const { data } = await hub.ask(person, query);
  return data.attention.edges.map(({ node }: { node: { proposalId: string } }) => node.proposalId);
};

/** Returns in whose place a case was decided, when the seal is on the decision document. */
async function readSealedDecider(id: string) {
  const authorisation = await waitUntil('the decision is sealed', async () => {
    const [use] = await sql`select authorisation from seals.seal_use
      where case_id = ${id} and organ = ${ORGAN} and act <> 'NOTICE'`;
    return use?.authorisation;
  });
  return decodeJwt(authorisation).decider;
}

describe('an exception', () => {
  test.each([
    ['of more than a year', { validTo: '2027-03-02' }, 'EXCEPTION_PERIOD'],
    ['that began yesterday', { validFrom: '2026-03-01' }, 'EXCEPTION_PERIOD'],
    ['that ends before it begins', { validFrom: '2026-04-01', validTo: '2026-03-31' }, 'EXCEPTION_PERIOD'],
    ['approved by another organ', { approvingOrgan: 'ganzhou-jyj' }, 'EXCEPTION_ORGAN'],
    ['without a reason', { reason: ' ' }, 'REASON_MISSING'],
    ['for a person of its kind that has none', { person: 'x', personOrgan: SUPERIOR }, 'FIELD_MALFORMED'],
    ['for nobody', { kind: 'SECOND_PERSON' }, 'FIELD_MALFORMED'],
    [
      'for a person of no superior organ',
      { kind: 'SECOND_PERSON', person: 'x', personOrgan: 'yudu-lyj' },
      'EXCEPTION_ORGAN',
    ],
    ['of another organ', { organ: 'yudu-lyj' }, 'NOT_YOUR_RECORD'],
  ])('%s is refused', async (_, change, code) => {
    expect((await propose(change)).refusal.code).toBe(code);
    expect((await propose({ ...change, dryRun: true })).refusal.code).toBe(code);
  });

  test('is proposed by an approver only, and approved by another person of the organ that it names', async () => {
    expect((await propose({}, `${ORGAN}.reviewer`)).refusal.code).toBe('ROLE_NOT_ALLOWED');
    expect((await propose({}, 'administrator')).refusal.code).toBe('ROLE_NOT_ALLOWED');
    const own = (await propose({ approvingOrgan: ORGAN })).proposal.id;
    expect((await approve(own, APPROVER)).refusal.code).toBe('SECOND_PERSON_NEEDED');
    expect((await approve(own)).refusal.code).toBe('NOT_YOUR_RECORD');
    const { proposal } = await propose();
    for (const person of [`${SUPERIOR}.reviewer`, 'administrator', 'ganzhou-jyj.approver'])
      expect((await approve(proposal.id, person)).refusal.code).toMatch(/^(ROLE_NOT_ALLOWED|NOT_YOUR_RECORD)$/);
    expect(await listWaiting(SUPERIOR_APPROVER)).toEqual([proposal.id]);
    for (const person of [APPROVER, `${SUPERIOR}.reviewer`, 'auditor', 'administrator'])
      expect(await listWaiting(person), person).toEqual([]);
    const withdraw = (id: string) =>
      runMutation(hub, APPROVER, 'withdrawProposal', 'WithdrawProposalInput', { proposal: id }, PAYLOAD);
    for (const id of [own, proposal.id]) expect((await withdraw(id)).proposal.state).toBe('WITHDRAWN');
    expect(await listWaiting(SUPERIOR_APPROVER)).toEqual([]);
  });
});

test('the examiner decides only while an exception of the organ is in force, and the decision says so', async () => {
  const first = await openCase();
  expect((await decide(ALONE, first)).refusal.code).toBe('EXAMINER_DECIDES');
  const later = (await propose()).proposal.id;
  const { exception } = await approve((await propose()).proposal.id);
  expect(exception).toMatchObject({ organ: { id: ORGAN }, kind: 'EXAMINER_DECIDES', validTo: '2026-06-01' });
  expect(exception.proposedBy).not.toBe(exception.approvedBy);
  expect((await approve(later)).refusal.code).toBe('EXCEPTION_OVERLAPS');
  expect((await propose({ validFrom: '2026-06-01', validTo: '2026-07-01' })).refusal.code).toBe('EXCEPTION_OVERLAPS');

  const decided = await decide(ALONE, first);
  expect(decided.refusal).toBeNull();
  expect(decided.case.steps.at(-1)).toMatchObject({ step: 'DECIDED', exceptions: [exception.id] });
  const [notice] = await sql`select content from cases.notice where case_id = ${first} and kind = 'DECISION'`;
  expect(notice?.content.opening.at(-1)).toContain(`例外编号：${exception.id}`);
  // An examiner decides as one of the organ's own people, so that this exception lets nobody else use its seal.
  expect(await readSealedDecider(first)).toEqual({ organ: ORGAN, decides: ORGAN, exception: null });

  const forester: Person = { ...requireDemoPerson('yudu-lyj.reviewer'), roles: ['REVIEWER', 'APPROVER'] };
  const foreign = await openCase('yd2022-1-07', 'yudu-lyj', forester);
  expect((await decide(forester, foreign)).refusal.code).toBe('EXAMINER_DECIDES');

  // A decision that does not rest on the exception does not name it.
  const second = await openCase();
  const plain = await decide(requireDemoPerson(APPROVER), second);
  expect(plain.case.steps.at(-1)).toMatchObject({ step: 'DECIDED', exceptions: [] });

  expect((await end(exception.id, 'yudu-lyj.approver')).refusal.code).toBe('NOT_YOUR_RECORD');
  expect((await end(exception.id)).refusal).toBeNull();
  expect((await end(exception.id)).refusal.code).toBe('EXCEPTION_ENDED');
  expect((await end(crypto.randomUUID())).refusal.code).toBe('EXCEPTION_UNKNOWN');
  const third = await openCase();
  expect((await decide(ALONE, third)).refusal.code).toBe('EXAMINER_DECIDES');

  const { data } = await hub.ask(
    `${ORGAN}.clerk`,
    '{ dutyExceptions(first: 9) { edges { node { id: uuid endReason } } } }',
  );
  expect(data.dutyExceptions.edges).toEqual([{ node: { id: exception.id, endReason: '人员已到岗' } }]);
});

test('a second person opens what a case of the organ holds, for a purpose and recorded, in the period', async () => {
  // The superior organ of the second person is no party of the case.
  const [organ, approvingOrgan] = ['yudu-sfj', 'ganzhou-sfj'];
  const second: Person = { ...requireDemoPerson('ganzhou-xzspj.approver'), id: 'second-person' };
  const upload = await createUpload(hub, 'applicant-company');
  const paper = ['M01', 'M02', 'M03', 'M04'].map((code) => ({ code, paper: true }));
  const materials = [...paper, { code: 'M05', upload }];
  const application = { matter: 'yd2022-1-08', applicant: COMPANY, materials };
  const accept = (input: object) =>
    runMutation(hub, `${organ}.clerk`, 'acceptCase', 'ApplicationInput', input, 'case { id: uuid }');
  const accepted = await accept(application);
  expect(accepted.refusal).toBeNull();
  const { id } = accepted.case;
  const [notice] = await sql`select id from cases.notice where case_id = ${id}`;
  await waitForNotices(hub, id);
  const openFile = async (url: string, purpose: string | null = 'DECISION') => {
    const headers = { authorization: await signIn(), ...(purpose === null ? {} : { 'x-purpose': purpose }) };
    return (await hub.hub.app.inject({ url, headers })).statusCode;
  };
  const signIn = async () => `Bearer ${await tokenFor(second, clock())}`;
  const disclose = async () => {
    const query = `mutation { discloseApplicant(input: { case: "${id}", purpose: DECISION }) {
      applicant { code } refusal { code } } }`;
    const headers = { authorization: await signIn() };
    const answer = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
    return answer.json().data.discloseApplicant;
  };
  const urls = [`/cases/materials/${upload}`, `/cases/notices/${notice?.id}.pdf`];
  const openAll = () => Promise.all(urls.map((url) => openFile(url)));
  expect(await openAll()).toEqual([404, 404]);
  expect((await disclose()).refusal.code).toBe('CASE_UNKNOWN');
  const content = { kind: 'SECOND_PERSON', person: second.id, personOrgan: second.organ, organ, approvingOrgan };
  const { proposal } = await propose(content, `${organ}.approver`);
  const { exception } = await approve(proposal.id, `${approvingOrgan}.approver`);
  expect(await openAll()).toEqual([200, 200]);
  expect(await openFile(urls[0] ?? '', null)).toBe(422);
  expect((await disclose()).applicant.code).toBe(COMPANY.code);
  const readings = await sql`select object, purpose, organ from cases.reading where reader_id = ${second.id}`;
  const recorded = { purpose: 'DECISION', organ: second.organ };
  expect(readings.map(({ object }) => object).sort()).toEqual(['CODE', 'MATERIAL', 'NOTICE']);
  for (const row of readings) expect(row).toMatchObject(recorded);
  expect((await end(exception.id, `${organ}.approver`)).refusal).toBeNull();
  expect(await openAll()).toEqual([404, 404]);
  expect((await disclose()).refusal.code).toBe('CASE_UNKNOWN');
});

test('a second person of the superior organ handles the cases of the organ, in the period', async () => {
  const second = requireDemoPerson(SUPERIOR_APPROVER);
  const stranger = { ...second, id: 'somebody-else' };
  const id = await openCase();
  const isSeen = async () => {
    const query = `{ case(id: "${id}") { id: uuid } queue(first: 50) { edges { node { id: uuid } } } cases(first: 50) { edges { node { id: uuid } } } }`;
    const { data } = await hub.ask(second.id, query);
    const holds = ({ edges }: { edges: { node: { id: string } }[] }) => edges.some(({ node }) => node.id === id);
    return { queue: holds(data.queue), isOpen: data.case !== null, cases: holds(data.cases) };
  };
  expect((await decide(second, id)).refusal.code).toMatch(/^(CASE_UNKNOWN|ORGAN_WITHOUT_POWER)$/);
  expect((await isSeen()).queue).toBe(false);
  const content = { kind: 'SECOND_PERSON', person: second.id, personOrgan: SUPERIOR, validTo: '2026-03-31' };
  // The second person approves no exception for the own benefit alone: a colleague's proposal needs the other organ.
  const { proposal } = await propose(content);
  const { exception } = await approve(proposal.id);
  expect(await isSeen()).toEqual({ queue: true, isOpen: true, cases: true });
  expect((await decide(stranger, id)).refusal.code).toMatch(/^(CASE_UNKNOWN|ORGAN_WITHOUT_POWER)$/);
  clock.set('2026-04-01');
  expect((await decide(second, id)).refusal.code).toMatch(/^(CASE_UNKNOWN|ORGAN_WITHOUT_POWER)$/);
  expect((await end(exception.id)).refusal.code).toBe('EXCEPTION_ENDED');
  clock.set('2026-03-31');
  const decided = await decide(second, id);
  expect(decided.refusal).toBeNull();
  expect(decided.case.steps.at(-1)).toMatchObject({ exceptions: [exception.id], organ: { id: SUPERIOR } });
  // The organ's seal is granted to whoever decides.
  expect(await readSealedDecider(id)).toEqual({ organ: SUPERIOR, decides: ORGAN, exception: exception.id });
});
