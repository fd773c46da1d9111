import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditInput, Finding } from '../../scripts/audit/finding.ts';
import { auditExceptions } from '../../scripts/audit/office/exceptions.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** The audit of the exceptions to the segregation of duties: it lists each, and finds what nobody approved. */

const ORGAN = 'yudu-jtysj';
const SUPERIOR = 'ganzhou-jtysj';
/** 公路建设项目: the county examines and decides, and a decision document is the outcome. */
const MATTER = 'yd2022-1-02';
/** One person examines and decides, because the other examiner is on leave. */
const ALONE: Person = { ...requireDemoPerson(`${ORGAN}.reviewer`), roles: ['REVIEWER', 'APPROVER'] };
const CONTENT = {
  ...{ organ: ORGAN, kind: 'EXAMINER_DECIDES', validFrom: '2026-03-02', validTo: '2026-06-01' },
  ...{ reason: '另一名审查人员休假', approvingOrgan: SUPERIOR },
};

const clock = testClock('2026-03-02');
let hub: TestHub;
let sql: postgres.Sql;
let exceptionId: string;
let caseNumber: string;

/** Runs a mutation as a person who is no demo person. */
async function runAs(person: Person, name: string, type: string, input: object) {
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { case { id: uuid number } refusal { code } } }`;
  const headers = { authorization: `Bearer ${await tokenFor(person, clock())}` };
  const payload = { query, variables: { input } };
  const response = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload });
  const { refusal, ...answer } = response.json().data[name];
  if (refusal) throw new Error(`${name}: ${refusal.code}`);
  return answer;
}

async function approveException(): Promise<string> {
  const fields = 'proposal { id: uuid } exception { id: uuid }';
  const type = 'RecordExceptionInput';
  const { proposal } = await runMutation(hub, `${ORGAN}.approver`, 'recordException', type, CONTENT, fields);
  const decision = { proposal: proposal.id, approve: true };
  const approver = `${SUPERIOR}.approver`;
  const decided = await runMutation(hub, approver, 'decideProposal', 'DecideProposalInput', decision, fields);
  return decided.exception.id;
}

beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  sql = postgres(hub.adminUrl, { max: 1, connection: { session_replication_role: 'replica' } });
  exceptionId = await approveException();
  const application = { matter: MATTER, applicant: COMPANY, fields: linesFor(MATTER) };
  const accepted = await runMutation(
    ...([hub, `${ORGAN}.clerk`, 'acceptCase', 'ApplicationInput', application, 'case { id: uuid number }'] as const),
  );
  const { id, number } = accepted.case;
  caseNumber = number;
  await runAs(ALONE, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
  await runAs(ALONE, 'decideCase', 'DecideCaseInput', { case: id, decision: 'GRANTED', authoriseSeal: true });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

/** Audits the database as it is on the connection, within an open transaction or not. */
async function audit(): Promise<{ findings: Finding[]; notes: string[] }> {
  const [findings, notes]: [Finding[], string[]] = [[], []];
  const input = { sql, onNote: (note: string) => notes.push(note) } as Partial<AuditInput> as AuditInput;
  for await (const finding of auditExceptions(input)) findings.push(finding);
  return { findings, notes };
}

/** Audits after a change in the database, and undoes the change. */
async function auditAfter(change: postgres.PendingQuery<postgres.Row[]>): Promise<Finding[]> {
  await sql`begin`;
  try {
    expect((await change).count).toBeGreaterThan(0);
    return (await audit()).findings;
  } finally {
    await sql`rollback`;
  }
}

test('lists each exception with its persons, and the decisions made under it', async () => {
  const { findings, notes } = await audit();
  expect(findings).toEqual([]);
  expect(notes).toHaveLength(1);
  const [proposer, approver] = [requireDemoPerson(`${ORGAN}.approver`), requireDemoPerson(`${SUPERIOR}.approver`)];
  for (const part of [exceptionId, ORGAN, '2026-03-02 至 2026-06-01', `提议 ${proposer.name}，批准 ${approver.name}`])
    expect(notes[0]).toContain(part);
  expect(notes[0]).toContain(`依此办理 1 项 ${caseNumber} DECIDED ${ALONE.name}`);
});

describe('finds', () => {
  const exception = () => `exception:${exceptionId}`;
  test.each<[string, () => postgres.PendingQuery<postgres.Row[]>, string]>([
    [
      'an exception that its proposer approved',
      () => sql`update cases.proposal_outcome set actor_id = ${`${ORGAN}.approver`} where proposal_id = ${exceptionId}`,
      'SECOND_PERSON_MISSING',
    ],
    [
      'an exception that was rejected',
      () => sql`update cases.proposal_outcome set outcome = 'REJECTED' where proposal_id = ${exceptionId}`,
      'SECOND_PERSON_MISSING',
    ],
    [
      'an exception without a proposal',
      () => sql`delete from cases.proposal where id = ${exceptionId}`,
      'EXCEPTION_DIFFERS',
    ],
    [
      'an exception of another kind',
      () => sql`update cases.duty_exception set kind = 'SECOND_PERSON' where id = ${exceptionId}`,
      'EXCEPTION_DIFFERS',
    ],
    [
      'an exception of another organ',
      () => sql`update cases.duty_exception set organ = 'yudu-lyj' where id = ${exceptionId}`,
      'EXCEPTION_DIFFERS',
    ],
    [
      'an exception for somebody whom nobody named',
      () => sql`update cases.duty_exception set person_id = 'x' where id = ${exceptionId}`,
      'EXCEPTION_DIFFERS',
    ],
    [
      'an exception that lasts longer',
      () => sql`update cases.duty_exception set valid_to = '2026-06-02' where id = ${exceptionId}`,
      'EXCEPTION_DIFFERS',
    ],
    [
      'an exception that began earlier',
      () => sql`update cases.duty_exception set valid_from = '2026-03-01' where id = ${exceptionId}`,
      'EXCEPTION_DIFFERS',
    ],
  ])('%s', async (_, change, code) => {
    expect((await auditAfter(change())).map((finding) => [finding.code, finding.object])).toContainEqual([
      code,
      exception(),
    ]);
  });

  test('an exception of a year or more, also if its proposal says so', async () => {
    await sql`begin`;
    try {
      await sql`update cases.proposal set content = (content::jsonb || '{"validTo": "2027-03-02"}')::text
        where id = ${exceptionId}`;
      await sql`update cases.duty_exception set valid_to = '2027-03-02' where id = ${exceptionId}`;
      expect((await audit()).findings).toMatchObject([{ code: 'EXCEPTION_DIFFERS', object: exception() }]);
      await sql`update cases.proposal set content = (content::jsonb || '{"validTo": "2027-03-01"}')::text
        where id = ${exceptionId}`;
      await sql`update cases.duty_exception set valid_to = '2027-03-01' where id = ${exceptionId}`;
      expect((await audit()).findings).toEqual([]);
    } finally {
      await sql`rollback`;
    }
  });

  test.each<[string, () => postgres.PendingQuery<postgres.Row[]>]>([
    [
      'before the exception was in force',
      () => sql`update cases.case_step set at = '2026-03-01T15:59:59Z' where data ? 'exceptions'`,
    ],
    ['after its last day', () => sql`update cases.case_step set at = '2026-06-01T16:00:00Z' where data ? 'exceptions'`],
    [
      'after its early end',
      () => sql`insert into cases.duty_exception_end (exception_id, actor_id, actor, reason, at)
        values (${exceptionId}, 'x', 'x', 'x', '2026-03-01T16:00:01Z')`,
    ],
    ['under an exception that is gone', () => sql`delete from cases.duty_exception where id = ${exceptionId}`],
  ])('a decision %s', async (_, change) => {
    const object = `case:${caseNumber}`;
    expect(await auditAfter(change())).toContainEqual(expect.objectContaining({ code: 'EXCEPTION_UNFOUNDED', object }));
  });

  test('nothing in a decision on the last day of the exception', async () => {
    const lastMoment = sql`update cases.case_step set at = '2026-06-01T15:59:59Z' where data ? 'exceptions'`;
    expect(await auditAfter(lastMoment)).toEqual([]);
  });
});
