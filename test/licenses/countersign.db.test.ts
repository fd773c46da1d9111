import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditInput } from '../../scripts/audit/finding.ts';
import { auditProposals } from '../../scripts/audit/office/proposals.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { findRefusalCode, grantCase, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** What two persons of an organ ask for by the same mutation (folder countersign/). */

const ORGAN = 'yudu-lyj';
const [KEEPER, SEAL_APPROVER] = [`${ORGAN}.keeper`, `${ORGAN}.sealapprover`];
const [REVIEWER, APPROVER] = [`${ORGAN}.reviewer`, `${ORGAN}.approver`];
const REASON = '申请人放弃';

const clock = testClock('2026-03-02T01:00:00Z');
let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
});
afterAll(() => hub?.stop());

const receive = (person: string, input: object) =>
  runMutation(hub, person, 'receiveBlanks', 'ReceiveBlanksInput', input, 'received waitsForSecondPerson');
const voidTask = (person: string, id: string) =>
  runMutation(hub, person, 'voidTask', 'VoidTaskInput', { case: id, reason: REASON }, 'waitsForSecondPerson');
const codeOf = async (answer: Promise<{ refusal: { code: string } | null }>) => (await answer).refusal?.code ?? null;
const isVoided = async (id: string) => {
  const query = '{ certificateTasks(first: 100) { edges { node { case { id: uuid } } } } }';
  const { data } = await hub.ask(APPROVER, query);
  return !data.certificateTasks.edges.some((edge: { node: { case: { id: string } } }) => edge.node.case.id === id);
};

describe('blanks are taken into stock', () => {
  const listStock = async (prefix: string) => {
    const { data } = await hub.ask(KEEPER, '{ blanks(first: 100) { edges { node { number } } } }');
    const numbers = data.blanks.edges.map((edge: { node: { number: string } }) => edge.node.number);
    return numbers.filter((number: string) => number.startsWith(prefix));
  };

  test('when a second person of the organ states the same numbers', async () => {
    const batch = { prefix: 'AA1', from: 1, to: 3 };
    expect(await receive(KEEPER, batch)).toMatchObject({ received: null, waitsForSecondPerson: true, refusal: null });
    expect(await codeOf(receive(KEEPER, batch))).toBe('SECOND_PERSON_NEEDED');
    expect(await listStock('AA1')).toEqual([]);
    const done = { received: 3, waitsForSecondPerson: false, refusal: null };
    expect(await receive(SEAL_APPROVER, { ...batch, dryRun: true })).toMatchObject(done);
    expect(await listStock('AA1')).toEqual([]);
    expect(await receive(SEAL_APPROVER, batch)).toMatchObject(done);
    expect(await listStock('AA1')).toHaveLength(3);
    for (const person of [KEEPER, SEAL_APPROVER])
      expect(await codeOf(receive(person, batch))).toBe('BLANK_RANGE_TAKEN');
  });

  test('not when the second person states others, or is of another organ', async () => {
    const batch = { prefix: 'AA2', from: 1, to: 3 };
    await receive(KEEPER, batch);
    expect(await receive(SEAL_APPROVER, { ...batch, to: 4 })).toMatchObject({ received: null });
    expect(await receive('yudu-sfj.keeper', batch)).toMatchObject({ received: null });
    expect(await listStock('AA2')).toEqual([]);
  });

  test('not with a number that another organ has', async () => {
    const batch = { prefix: 'AA3', from: 1, to: 1 };
    for (const person of ['yudu-sfj.keeper', 'yudu-sfj.sealapprover']) await receive(person, batch);
    const wider = { ...batch, to: 2 };
    for (const person of [KEEPER, SEAL_APPROVER])
      expect(await codeOf(receive(person, wider))).toBe('BLANK_RANGE_TAKEN');
    expect(await listStock('AA3')).toEqual([]);
  });

  test('once, by concurrent calls', async () => {
    const batch = { prefix: 'AA4', from: 1, to: 2 };
    const answers = await Promise.all([KEEPER, SEAL_APPROVER, KEEPER].map((person) => receive(person, batch)));
    expect(answers.filter(({ received }) => received === 2)).toHaveLength(1);
    expect(await listStock('AA4')).toHaveLength(2);
  });
});

describe('a granted act is given up', () => {
  test('when an approver asks for it after another person', async () => {
    const id = await grantCase(hub, ROUTES.DIRECT);
    expect(await voidTask(APPROVER, id)).toMatchObject({ waitsForSecondPerson: true, refusal: null });
    expect(await codeOf(voidTask(APPROVER, id))).toBe('SECOND_PERSON_NEEDED');
    expect(await codeOf(voidTask(REVIEWER, id))).toBe('SECOND_PERSON_NEEDED');
    expect(await isVoided(id)).toBe(false);
    const anotherApprover: Person = { ...requireDemoPerson(REVIEWER), id: 'another-approver', roles: ['APPROVER'] };
    const query = `mutation { voidTask(input: { case: "${id}", reason: "${REASON}" }) { refusal { code } } }`;
    const headers = { authorization: `Bearer ${await tokenFor(anotherApprover, clock())}` };
    const answer = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
    expect(answer.json().data.voidTask.refusal).toBeNull();
    expect(await isVoided(id)).toBe(true);
  });

  test('not by a wish of eight days ago', async () => {
    const id = await grantCase(hub, ROUTES.DIRECT);
    expect(await voidTask(REVIEWER, id)).toMatchObject({ waitsForSecondPerson: true });
    clock.advance(8 * 86_400_000);
    expect(await voidTask(APPROVER, id)).toMatchObject({ waitsForSecondPerson: true });
    expect(await isVoided(id)).toBe(false);
  });

  test('and what was asked for is no proposal of an act on a license', async () => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    const [row] = await sql`select id from licenses.proposal where kind = 'VOID_TASK' limit 1`;
    await sql.end();
    for (const [name, type] of [
      ['decideLicenseProposal', 'DecideLicenseProposalInput'],
      ['withdrawLicenseProposal', 'WithdrawProposalInput'],
    ] as const) {
      const input = { proposal: row?.id, ...(name === 'decideLicenseProposal' ? { approve: true } : {}) };
      expect(await findRefusalCode(hub, APPROVER, name, type, input)).toBe('PROPOSAL_UNKNOWN');
    }
    const { data } = await hub.ask(APPROVER, '{ licenseProposals(first: 100) { edges { node { id: uuid } } } }');
    expect(data.licenseProposals.edges).toEqual([]);
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });
});

test('the audit finds an effect of each approved wish, and no other fault', async () => {
  const sql = postgres(hub.adminUrl, { max: 1 });
  const findings: unknown[] = [];
  for await (const finding of auditProposals({ sql } as Partial<AuditInput> as AuditInput)) findings.push(finding);
  const kinds =
    await sql`select distinct kind from licenses.proposal join licenses.proposal_outcome on proposal_id = id`;
  await sql.end();
  expect(kinds.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['RECEIVE_BLANKS', 'VOID_TASK']));
  expect(findings).toEqual([]);
});
