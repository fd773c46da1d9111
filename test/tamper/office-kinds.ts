import type postgres from 'postgres';
import type { Insider, Row, Tamper } from './insider.ts';

/** Tamperings with the register of people, with who acted, and with exceptions. */

type Sql = postgres.Sql;

/** Alters one row of a query, chosen at random. The query names the object of each row as `object`. */
const alterRow =
  (
    description: string,
    find: (sql: Sql) => PromiseLike<readonly Row[]>,
    alter: (sql: Sql, row: Row) => postgres.PendingQuery<postgres.Row[]>,
  ): Tamper =>
  async (insider: Insider, random) => {
    const row = await insider.pickRow(random, find(insider.sql));
    await insider.change(alter(insider.sql, row));
    return { description, objects: [row.object] };
  };

const proposedLines = (sql: Sql) =>
  sql`select 'person:' || subject as object, * from cases.appointment where source = 'PROPOSAL' order by serial`;
const ends = (sql: Sql) => sql`select 'person:' || a.subject as object, e.* from cases.appointment_end e
  join cases.appointment a on a.id = e.appointment_id order by e.serial`;
const insertLine = (sql: Sql, subject: string, source: string, issuer: string) =>
  sql`insert into cases.appointment (id, issuer, subject, name, organ, roles, valid_from, source, proposed_by_id,
      proposed_by, approved_by_id, approved_by, recorded_at)
    select gen_random_uuid(), ${issuer}, ${subject}, '内线', case when ${source} = 'OPERATOR' then null else organ end,
      case when ${source} = 'OPERATOR' then array['ADMINISTRATOR'] else array['APPROVER'] end, recorded_at, ${source},
      proposed_by_id, proposed_by, approved_by_id, approved_by, recorded_at
    from cases.appointment where source = 'PROPOSAL' order by serial limit 1`;
const insertPost =
  (source: string, issuer: string): Tamper =>
  async (insider) => {
    await insider.change(insertLine(insider.sql, 'insider', source, issuer));
    return { description: `somebody has a post of the source ${source}`, objects: ['person:insider'] };
  };

const steps = (sql: Sql) => sql`select 'case:' || c.number as object, s.* from cases.case_step s
  join cases.case_file c on c.id = s.case_id where s.step in ('ACCEPTED', 'EXAMINED', 'DECIDED') order by c.number, s.seq`;

export const OFFICE_KINDS: Record<string, Tamper> = {
  'post-roles-altered': alterRow(
    'a person has another role',
    proposedLines,
    (sql, { id }) => sql`update cases.appointment set roles = array['APPROVER'] where id = ${id}`,
  ),
  'post-longer': alterRow(
    'a person had the post from another day on',
    proposedLines,
    (sql, { id }) => sql`update cases.appointment set valid_from = valid_from + interval '1 second' where id = ${id}`,
  ),
  'post-gone': alterRow(
    'a line of the register is gone',
    proposedLines,
    (sql, { id }) => sql`delete from cases.appointment where id = ${id}`,
  ),
  'post-approver-altered': alterRow(
    'a line names another person who approved it',
    proposedLines,
    (sql, { id }) => sql`update cases.appointment set approved_by_id = 'yudu-lyj.supervisor' where id = ${id}`,
  ),
  'post-end-gone': alterRow(
    'an end of a line is gone',
    ends,
    (sql, { serial }) => sql`delete from cases.appointment_end where serial = ${serial}`,
  ),
  'post-ended': alterRow(
    'a line ended without a proposal',
    proposedLines,
    (sql, { id }) => sql`insert into cases.appointment_end (appointment_id, ended_at, proposed_by_id, proposed_by,
      approved_by_id, approved_by, recorded_at) values (${id}, now(), 'a', 'a', 'b', 'b', now())`,
  ),
  'post-inserted': insertPost('PROPOSAL', 'urn:tongquan:demonstration'),
  'post-inserted-by-operator': insertPost('OPERATOR', 'urn:tongquan:demonstration'),
  'post-inserted-as-demonstration': insertPost('DEMONSTRATION', 'https://id.example'),
  'post-of-actor-gone': async (insider, random) => {
    const { sql } = insider;
    const row = await insider.pickRow(random, steps(sql));
    await insider.change(sql`delete from cases.appointment where subject = ${row.actor_id}`);
    return { description: `${row.actor_id} is not in the register`, objects: [row.object] };
  },
  'step-by-another': alterRow(
    'another person took a step',
    steps,
    (sql, { case_id, seq }) =>
      sql`update cases.case_step set actor_id = 'yudu-slj.keeper' where case_id = ${case_id} and seq = ${seq}`,
  ),
  'step-by-a-platform': alterRow(
    'a platform took a step that it did not send',
    steps,
    (sql, { case_id, seq }) =>
      sql`update cases.case_step set actor_id = 'platform:' || (select id from cases.platform limit 1) || '/x'
        where case_id = ${case_id} and seq = ${seq}`,
  ),
  'step-by-a-system': alterRow(
    'a system took a step of a person',
    steps,
    (sql, { case_id, seq }) =>
      sql`update cases.case_step set actor_id = 'licenses' where case_id = ${case_id} and seq = ${seq}`,
  ),
  'act-by-another': alterRow(
    'another person made a certificate',
    (sql) => sql`select 'act:' || id as object, id from licenses.act where case_id is not null order by serial`,
    (sql, { id }) => sql`update licenses.act set actor_id = 'xingguo-lyj.clerk' where id = ${id}`,
  ),
  'approval-by-another': alterRow(
    'another person approved a proposal',
    (sql) => sql`select 'proposal:' || proposal_id as object, * from cases.proposal_outcome
      where outcome = 'APPROVED' order by proposal_id`,
    (sql, { proposal_id }) =>
      sql`update cases.proposal_outcome set actor_id = 'yudu-lyj.clerk' where proposal_id = ${proposal_id}`,
  ),
  'exception-longer': alterRow(
    'an exception lasts longer than it was approved',
    (sql) => sql`select 'exception:' || id as object, id from cases.duty_exception order by serial`,
    (sql, { id }) => sql`update cases.duty_exception set valid_to = valid_to + 30 where id = ${id}`,
  ),
};
