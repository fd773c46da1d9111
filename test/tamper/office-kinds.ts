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

/** Uses of seals that a decision of a case authorised. */
const decidedUses = (sql: Sql) => sql`select 'use:' || u.issuance_id as object, u.case_id, c.matter_id
  from seals.seal_use u join cases.case_file c on c.id = u.case_id where u.act <> 'NOTICE' order by u.serial`;

/** Makes the effect of two persons' wish that nobody asked for. */
const withoutWish =
  (description: string, object: string, insert: (sql: Sql) => postgres.PendingQuery<postgres.Row[]>): Tamper =>
  async (insider) => {
    await insider.change(insert(insider.sql));
    return { description, objects: [object] };
  };

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
  'approval-by-the-proposer': alterRow(
    'who proposed it approved it',
    (sql) => sql`select 'proposal:' || id as object, id, proposed_by_id from cases.proposal
      join cases.proposal_outcome on proposal_id = id where outcome = 'APPROVED' order by serial`,
    (sql, { id, proposed_by_id }) =>
      sql`update cases.proposal_outcome set actor_id = ${proposed_by_id} where proposal_id = ${id}`,
  ),
  'act-without-its-proposal': alterRow(
    'the proposal of an act is gone',
    (sql) =>
      sql`select 'act:' || id as object, proposal_id from licenses.act where proposal_id is not null order by serial`,
    (sql, { proposal_id }) => sql`delete from licenses.proposal where id = ${proposal_id}`,
  ),
  'act-of-another-proposal': alterRow(
    'the proposal of an act had another reason',
    (sql) =>
      sql`select 'act:' || id as object, proposal_id from licenses.act where proposal_id is not null order by serial`,
    (sql, { proposal_id }) => sql`update licenses.proposal
      set content = (content::jsonb || '{"reason": "别的理由"}')::text where id = ${proposal_id}`,
  ),
  'act-decision-number-altered': alterRow(
    'the proposal of an act had another decision number',
    (sql) =>
      sql`select 'act:' || id as object, proposal_id from licenses.act where proposal_id is not null order by serial`,
    (sql, { proposal_id }) => sql`update licenses.proposal
      set content = (content::jsonb || '{"decisionNumber": "示范罚决〔2022〕9号"}')::text where id = ${proposal_id}`,
  ),
  'approved-act-missing': alterRow(
    'an approved proposal was never carried out',
    (sql) =>
      sql`select 'proposal:' || proposal_id as object, id from licenses.act where proposal_id is not null order by serial`,
    (sql, { id }) => sql`delete from licenses.act where id = ${id}`,
  ),
  'proposal-unreadable': alterRow(
    'the content of a proposal is no JSON',
    (sql) => sql`select 'proposal:' || id as object, id from cases.proposal
      join cases.proposal_outcome on proposal_id = id where outcome = 'APPROVED' order by serial`,
    (sql, { id }) => sql`update cases.proposal set content = 'x' where id = ${id}`,
  ),
  'platform-key-slipped-in': async (insider) => {
    await insider.change(insider.sql`insert into cases.platform_key (kid, platform_id, x, valid_from)
      select 'slipped-in', id, 'AAAA', now() from cases.platform limit 1`);
    return { description: 'a platform has a key that nobody proposed', objects: ['key:slipped-in'] };
  },
  'platform-key-altered': alterRow(
    'a platform has another key than was approved',
    (sql) => sql`select 'key:' || kid as object, kid from cases.platform_key order by kid`,
    (sql, { kid }) => sql`update cases.platform_key set x = 'AAAA' where kid = ${kid}`,
  ),
  'platform-key-back-in-force': alterRow(
    'an ended key of a platform is in force',
    (sql) => sql`select 'key:' || kid as object, kid from cases.platform_key where valid_to is not null order by kid`,
    (sql, { kid }) => sql`update cases.platform_key set valid_to = null where kid = ${kid}`,
  ),
  'platform-url-altered': alterRow(
    'a platform has another URL than was approved',
    (sql) => sql`select 'platform:' || id as object, id from cases.platform order by serial`,
    (sql, { id }) => sql`update cases.platform set url = 'https://elsewhere.example/' where id = ${id}`,
  ),
  'platform-renamed': alterRow(
    'a platform has another name than was approved',
    (sql) => sql`select 'platform:' || id as object, id from cases.platform order by serial`,
    (sql, { id }) => sql`update cases.platform set name = '别名' where id = ${id}`,
  ),
  'platform-back-in-use': alterRow(
    'a removed platform is in use',
    (sql) => sql`select 'proposal:' || p.id as object, e.id from cases.platform e join cases.proposal p
      on p.kind = 'REMOVE_PLATFORM' and p.content::jsonb->>'id' = e.id::text where removed_at is not null order by e.serial`,
    (sql, { id }) => sql`update cases.platform set removed_at = null where id = ${id}`,
  ),
  'webhook-url-altered': alterRow(
    'a webhook has another URL than was approved',
    (sql) => sql`select 'webhook:' || id as object, id from cases.webhook order by serial`,
    (sql, { id }) => sql`update cases.webhook set url = 'https://elsewhere.example/' where id = ${id}`,
  ),
  'webhook-back-in-use': alterRow(
    'a removed webhook is in use',
    (sql) => sql`select 'proposal:' || p.id as object, e.id from cases.webhook e join cases.proposal p
      on p.kind = 'REMOVE_WEBHOOK' and p.content::jsonb->>'organ' = e.organ order by e.serial desc limit 1`,
    (sql, { id }) => sql`update cases.webhook set ended_at = null where id = ${id}`,
  ),
  'calendar-altered': alterRow(
    'a calendar has another holiday',
    (sql) =>
      sql`select 'calendar:' || year || ' ' || version as object, id from cases.calendar_notice order by year, version`,
    (sql, { id }) => sql`update cases.calendar_notice set holidays = holidays || '["2027-12-31"]' where id = ${id}`,
  ),
  'agreement-altered': alterRow(
    'an agreement covers another matter',
    (sql) => sql`select 'agreement:' || number as object, number from cases.agreement where ended_by is not null`,
    (sql, { number }) =>
      sql`update cases.agreement set matters = matters || array['yd2022-1-07'] where number = ${number}`,
  ),
  'agreement-runs-on': alterRow(
    'the end of an agreement is undone',
    (sql) => sql`select 'proposal:' || p.id as object, e.number from cases.agreement e join cases.proposal p
      on p.kind = 'END_AGREEMENT' and p.content::jsonb->>'number' = e.number`,
    (sql, { number }) =>
      sql`update cases.agreement set ended_by = null, end_reason = null, valid_to = null where number = ${number}`,
  ),
  'import-slipped-in': async (insider) => {
    const { sql } = insider;
    await insider.change(sql`insert into matters.delegation_import (id, imported_at, actor_id, actor, digest, changed, unchanged)
      values ('00000000-0000-4000-8000-000000000001', now(), 'administrator', 'x', 'ab', 0, 0)`);
    return { description: 'an import that nobody proposed', objects: ['import:00000000-0000-4000-8000-000000000001'] };
  },
  'import-line-gone': alterRow(
    'what an import changed is no longer recorded',
    (sql) =>
      sql`select 'import:' || import_id as object, import_id from matters.delegation_change order by import_id, seq`,
    (sql, { import_id }) => sql`delete from matters.delegation_change where import_id = ${import_id}`,
  ),
  'import-file-altered': alterRow(
    'the file of an import is another one',
    (sql) =>
      sql`select 'proposal:' || proposal_id as object, proposal_id from matters.import_file order by proposal_id`,
    (sql, { proposal_id }) => sql`update matters.import_file set file = file || ' ' where proposal_id = ${proposal_id}`,
  ),
  'import-differences-altered': alterRow(
    'the decider read other differences',
    (sql) =>
      sql`select 'proposal:' || proposal_id as object, proposal_id from matters.import_file order by proposal_id`,
    (sql, { proposal_id }) =>
      sql`update matters.import_file set differences = array['无'] where proposal_id = ${proposal_id}`,
  ),
  'guide-altered': alterRow(
    'a published guide differs from its file',
    (sql) => sql`select 'guide:' || matter_id || ' ' || version as object, * from matters.guide_version
      where published_by <> 'seed' order by matter_id, version`,
    (sql, { matter_id, version }) => sql`update matters.guide_version
      set guide = guide || '{"conditions": []}' where matter_id = ${matter_id} and version = ${version}`,
  ),
  'license-type-altered': alterRow(
    'a published license type differs from its file',
    (sql) => sql`select 'type:' || code || ' ' || version as object, * from matters.license_type_version
      where published_by <> 'seed' order by code, version`,
    (sql, { code, version }) => sql`update matters.license_type_version
      set type = type || '{"lines": []}' where code = ${code} and version = ${version}`,
  ),
  'picture-altered': alterRow(
    'a seal has another picture than was approved',
    (sql) => sql`select 'event:' || e.serial as object, p.serial from seals.seal_picture p join seals.seal_event e
      on e.application_id = p.application_id and e.event = 'PICTURE_CHANGED' order by p.serial`,
    (sql, { serial }) => sql`update seals.seal_picture set digest = 'ab' where serial = ${serial}`,
  ),
  'application-without-effect': alterRow(
    'an application was rejected, and is approved now',
    (sql) => sql`select 'application:' || application_id as object, serial from seals.seal_event
      where application_id is not null and event in ('GRANT_WITHDRAWN', 'ENDED', 'RESUMED', 'PICTURE_CHANGED') order by serial`,
    (sql, { serial }) => sql`delete from seals.seal_event where serial = ${serial}`,
  ),
  'blanks-never-received': alterRow(
    'blanks that two persons received are gone',
    (sql) => sql`select 'proposal:' || id as object, id from licenses.proposal where kind = 'RECEIVE_BLANKS'`,
    (sql) => sql`delete from licenses.blank_box where prefix = 'AA1'`,
  ),
  'decision-case-of-another-organ': alterRow(
    'the case says that another organ decided it',
    decidedUses,
    (sql, { case_id }) => sql`update cases.case_file
      set delegation = jsonb_set(delegation, '{decides,organ}', '"ganzhou-swj"') where id = ${case_id}`,
  ),
  'decision-delegated-to-another-organ': alterRow(
    'the list of delegations named another organ on that day',
    decidedUses,
    (sql, { matter_id }) => sql`update matters.delegation
      set city_organ = 'ganzhou-swj', county_organ = 'yudu-swj' where matter_id = ${matter_id}`,
  ),
  'decision-in-another-mode': alterRow(
    'the list of delegations had another mode on that day',
    decidedUses,
    (sql, { matter_id }) => sql`update matters.delegation
      set mode = case mode when 'DIRECT' then 'WINDOW_FORWARD' else 'DIRECT' end where matter_id = ${matter_id}`,
  ),
  'decision-by-an-exception': alterRow(
    'the decision says that it rests on an exception',
    decidedUses,
    (sql, { case_id }) => sql`update cases.case_step
      set data = '{"exceptions": [{"id": "x", "kind": "SECOND_PERSON"}]}'::jsonb
      where case_id = ${case_id} and step = 'DECIDED'`,
  ),
  'decision-gone': alterRow(
    'the decision of a case is gone',
    decidedUses,
    (sql, { case_id }) => sql`delete from cases.case_step where case_id = ${case_id} and step = 'DECIDED'`,
  ),
  'blanks-slipped-in': withoutWish(
    'a blank is in stock that nobody received',
    'blank:AA100000019',
    (sql) => sql`with x as (insert into licenses.blank_box (prefix, first, last, organ, actor, at)
        values ('AA1', 19, 19, 'yudu-slj', '某人', now())), b as (insert into licenses.blank (number, organ, state)
        values ('AA100000019', 'yudu-slj', 'IN_STOCK') returning number)
      insert into licenses.blank_entry (number, seq, state, actor, at)
      select number, 1, 'IN_STOCK', '某人', now() from b`,
  ),
  'blanks-of-another-batch': alterRow(
    'two persons received another batch',
    (sql) => sql`select 'blank:AA100000001' as object, id from licenses.proposal where kind = 'RECEIVE_BLANKS'`,
    (sql, { id }) => sql`update licenses.proposal
      set content = (content::jsonb || '{"subject": "yudu-slj AA1 1 2"}')::text where id = ${id}`,
  ),
  'order-declined-alone': withoutWish(
    'an order is declined, and nobody asked for it',
    'order:00000000-0000-4000-8000-000000000002',
    (sql) => sql`insert into licenses.supervision_order (id, number, issuer, act, reason, supervisor, supervisor_id,
        ordered_at, state, answer, answered_by, answered_at)
      select '00000000-0000-4000-8000-000000000002', number, issuer->>'id', 'SUSPEND', '检查', issuer, issuer->>'id',
        now(), 'DECLINED', '不予办理', '某人', now() from licenses.license order by serial limit 1`,
  ),
  'task-voided-alone': alterRow(
    'a certificate task is voided, and nobody asked for it',
    (sql) => sql`select 'case:' || case_number as object, case_id from licenses.certificate_task order by serial`,
    (sql, { case_id }) => sql`update licenses.certificate_task
      set voided_at = now(), voided_by = '某人', void_reason = '不办了' where case_id = ${case_id}`,
  ),
  'exception-longer': alterRow(
    'an exception lasts longer than it was approved',
    (sql) => sql`select 'exception:' || id as object, id from cases.duty_exception order by serial`,
    (sql, { id }) => sql`update cases.duty_exception set valid_to = valid_to + 30 where id = ${id}`,
  ),
};
