import { ACTS, voidsLostSheets } from '../../../subgraphs/kernel/license-acts.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from '../finding.ts';
import { isOfTakeover } from '../office/takeovers.ts';

/** Acts that declare earlier sheets lost and void. */
const VOIDING_ACTS = ACTS.filter(voidsLostSheets);

/**
 * Checks each blank and the total of each organ: received in boxes + received from others - sent to others
 * = in stock + in transit + assigned + printed + delivered + recalled + lost + spoiled + voided.
 */
export async function* auditBlanks({ sql, onNote }: Pick<AuditInput, 'sql' | 'onNote'>): AsyncGenerator<Finding> {
  const differingBlanks = sql<{ blank: string }[]>`select coalesce(b.number, e.number) as blank from licenses.blank b
    full join (select number, count(*)::int as entries, max(seq) as newest, min(seq) as oldest,
        (array_agg(state order by seq))[1] as first, (array_agg(state order by seq desc))[1] as last,
        (array_agg(identifier order by seq desc))[1] as identifier from licenses.blank_entry group by number) e on e.number = b.number
    where b.number is null or e.number is null or e.entries <> e.newest or e.oldest <> 1 or e.first <> 'IN_STOCK' or e.last <> b.state
      or e.identifier is distinct from b.identifier`;
  for await (const { blank } of streamRows(differingBlanks))
    yield buildFinding('BLANK_NOT_AS_ENTERED', `blank:${blank}`, '空白证照与它的台账不一致');
  const wrongSteps = sql<
    { blank: string }[]
  >`select distinct number as blank from (select number, state, at, act_id, proposal_id, organ, identifier, reason, seq,
      lag(state) over w as before, lag(at) over w as earlier from licenses.blank_entry window w as (partition by number order by seq)) e
    where (before is null or before = 'IN_TRANSIT') <> (state = 'IN_STOCK') or at < earlier
      or (state = 'IN_TRANSIT' and before <> 'IN_STOCK') or (organ is not null and proposal_id is null)
      or (state = 'VOIDED' and (before <> 'IN_STOCK' or act_id is not null or (reason is null) = (proposal_id is null)))
      or (reason is not null and (state <> 'VOIDED' or not (${sql.unsafe(isOfTakeover('e.at'))})))
      or (state <> 'VOIDED' and (proposal_id is not null) <> (state = 'IN_TRANSIT' or (state = 'IN_STOCK' and before is not null)))
      or (state = 'ASSIGNED' and before <> 'IN_STOCK') or (state = 'PRINTED' and before <> 'ASSIGNED')
      or (state = 'LOST' and (before <> 'DELIVERED' or not exists (select 1 from licenses.act a join licenses.license_version v on v.identifier = e.identifier
        where a.id = e.act_id and a.number = v.number and a.version > v.version and a.act = any(${VOIDING_ACTS}))))
      or (state in ('ASSIGNED', 'PRINTED') and not exists (select 1 from licenses.act a where a.id = e.act_id and a.identifier = e.identifier))`;
  for await (const { blank } of streamRows(wrongSteps))
    yield buildFinding('BLANK_STEP_WRONG', `blank:${blank}`, '空白证照的流转顺序不对，或没有对应的办理');
  const unmatchedBlanks = sql<
    { blank: string }[]
  >`select b.number as blank from licenses.blank b left join licenses.sheet s on s.blank_number = b.number
    where (b.state in ('IN_STOCK', 'IN_TRANSIT', 'ASSIGNED', 'VOIDED')) <> (s.blank_number is null)
      or (b.state = 'ASSIGNED' and not exists (select 1 from licenses.act a where a.state = 'PREPARED'
        and (a.blank_number = b.number or b.number = any(a.duplicate_blanks))))`;
  for await (const { blank } of streamRows(unmatchedBlanks))
    yield buildFinding('BLANK_DOES_NOT_ADD_UP', `blank:${blank}`, '已领出的空白证照上没有纸质证照，或反之');
  yield* auditLosses(sql);
  yield* auditBoxes(sql);
  yield* auditWriteOffs(sql);
  yield* auditTransfers(sql);
  const voided = await sql<{ organ: string; actor: string; reason: string; count: number }[]>`
    select b.organ, e.actor, e.reason, count(*)::int as count from licenses.blank b
    join licenses.blank_entry e on e.number = b.number and e.state = 'VOIDED'
    where b.state = 'VOIDED' and e.reason is not null group by b.organ, e.actor, e.reason order by 1, 2, 3`;
  for (const { organ, actor, reason, count } of voided)
    onNote?.(`未使用而作废的空白证照 organ:${organ} ${count} 张，${actor}，${reason}`);
  yield* auditTotals(sql);
}

/**
 * Holds each reissue against its grant: of the sheets that the holder had of the versions that it replaced, those are
 * declared lost that the grant names as lost, and no others. A grant that names no sheets: all. Releases up to 0.4.1,
 * whose grants name no version (`onVersion`), declared none.
 */
async function* auditLosses(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = sql<{ blank: string; isDeclared: boolean }[]>`
    select s.blank_number as blank, l.number is not null as "isDeclared"
    from licenses.act a
    join licenses.certificate_task t on t.case_id = a.case_id
    join licenses.paper_entry p on p.act_id = a.id and p.identifier <> a.identifier
    join licenses.sheet s on s.identifier = p.identifier and s.delivered_at is not null
    left join licenses.blank_entry l on l.number = s.blank_number and l.state = 'LOST' and l.act_id = a.id
    where a.state = 'DONE' and a.act = any(${VOIDING_ACTS})
      and (l.number is not null or t.content ? 'onVersion')
      and (l.number is not null or s.lost_at is not null) <> (t.content->'reissuedSheets' is null or exists (
        select 1 from jsonb_array_elements(t.content->'reissuedSheets') named
        where named->>'reason' = 'LOST' and named->>'kind' = s.kind and (named->>'place')::int = s.place))`;
  for await (const { blank, isDeclared } of streamRows(rows)) {
    const words = isDeclared
      ? '声明遗失作废的纸质证照不是准予补发时所列遗失的'
      : '准予补发时所列遗失的纸质证照没有声明遗失作废';
    for (const object of [`blank:${blank}`, `sheet:${blank}`]) yield buildFinding('LOSS_NOT_AS_GRANTED', object, words);
  }
}

/** Compares what each organ has with what it received in boxes and from others, less what it sent to others. */
async function* auditTotals(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const totals = sql<{ organ: string; received: number; gained: number; given: number; counted: number }[]>`
    with confirmed as (select t.* from licenses.blank_transfer t
      join licenses.proposal_outcome o on o.proposal_id = t.proposal_id and o.outcome = 'APPROVED'),
    moves as (select organ, last - first + 1 as received, 0 as gained, 0 as given, 0 as counted from licenses.blank_box
      union all select receiver, 0, last - first + 1, 0, 0 from confirmed
      union all select organ, 0, 0, last - first + 1, 0 from confirmed
      union all select organ, 0, 0, 0, 1 from licenses.blank)
    select organ, sum(received)::int as received, sum(gained)::int as gained, sum(given)::int as given,
      sum(counted)::int as counted from moves group by organ
    having sum(received) + sum(gained) - sum(given) <> sum(counted)`;
  for await (const { organ, received, gained, given, counted } of streamRows(totals)) {
    const words = `领入 ${received}，调入 ${gained}，调出 ${given}，实有 ${counted}`;
    yield buildFinding('BLANKS_DO_NOT_ADD_UP', `organ:${organ}`, words);
  }
}

/** What is wrong with a blank that differs from its box. */
const BOX_FAULTS = {
  BLANK_MISSING: '号段中缺这一号',
  BLANK_WITHOUT_BOX: '这一号不在任何领入的号段中',
  BLANK_NOT_OF_ITS_BOX: '机关或适用的证照类型与领入的号段不一致',
} as const;

/** Compares the blanks with the boxes (号段) in which they were delivered. A transfer gives one to another organ. */
async function* auditBoxes(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = sql<{ blank: string; fault: keyof typeof BOX_FAULTS }[]>`
    select coalesce(x.number, b.number) as blank,
      case when b.number is null then 'BLANK_MISSING' when x.number is null then 'BLANK_WITHOUT_BOX' else 'BLANK_NOT_OF_ITS_BOX' end as fault
    from (select prefix || lpad(n::text, digits, '0') as number, organ, license_type
      from licenses.blank_box cross join generate_series(first, last) n) x
    full join licenses.blank b on b.number = x.number
    left join (select distinct on (number) number, organ from licenses.blank_entry where organ is not null
      order by number, seq desc) moved on moved.number = b.number
    where x.number is null or b.number is null
      or (b.organ, b.license_type) is distinct from (coalesce(moved.organ, x.organ), x.license_type)`;
  for await (const { blank, fault } of streamRows(rows)) yield buildFinding(fault, `blank:${blank}`, BOX_FAULTS[fault]);
}

/**
 * Compares what two persons wrote off (核销) with the ledgers of the blanks: each blank of a write-off was voided by it,
 * and no other. `auditProposals` holds the write-offs against their two persons.
 */
async function* auditWriteOffs(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = sql<{ blank: string }[]>`
    select coalesce(x.number, e.number) as blank
    from (select prefix || lpad(n::text, digits, '0') as number, proposal_id, organ, actor, at
      from licenses.blank_write_off cross join generate_series(first, last) n) x
    full join (select * from licenses.blank_entry where proposal_id is not null and state = 'VOIDED') e
      on (e.number, e.proposal_id, e.actor, e.at) = (x.number, x.proposal_id, x.actor, x.at)
    left join licenses.blank b on b.number = x.number
    where x.number is null or e.number is null or b.organ is distinct from x.organ`;
  for await (const { blank } of streamRows(rows))
    yield buildFinding('BLANK_NOT_AS_WRITTEN_OFF', `blank:${blank}`, '核销登记与空白证照的台账不一致');
}

/**
 * Compares the transfers (调拨) with the ledgers of the blanks: each blank of one left with its proposal, and came back
 * or arrived with its outcome; no other did.
 */
async function* auditTransfers(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = sql<{ blank: string }[]>`
    with transfer as (select t.*, p.proposed_by, p.at, o.outcome, o.actor, o.at as ended from licenses.blank_transfer t
      join licenses.proposal p on p.id = t.proposal_id left join licenses.proposal_outcome o on o.proposal_id = p.id),
    move as (select proposal_id, prefix, digits, first, last, 'IN_TRANSIT' as state, null as organ, proposed_by as actor, at
        from transfer
      union all select proposal_id, prefix, digits, first, last, 'IN_STOCK', case outcome when 'APPROVED' then receiver end,
        actor, ended from transfer where outcome is not null)
    select coalesce(x.number, e.number) as blank
    from (select prefix || lpad(n::text, digits, '0') as number, move.* from move cross join generate_series(first, last) n) x
    full join (select * from licenses.blank_entry where proposal_id is not null and state <> 'VOIDED') e
      on (e.number, e.proposal_id, e.state, e.actor, e.at) = (x.number, x.proposal_id, x.state, x.actor, x.at)
        and coalesce(e.organ, '') = coalesce(x.organ, '')
    where x.number is null or e.number is null`;
  for await (const { blank } of streamRows(rows))
    yield buildFinding('BLANK_NOT_AS_TRANSFERRED', `blank:${blank}`, '调拨登记与空白证照的台账不一致');
}
