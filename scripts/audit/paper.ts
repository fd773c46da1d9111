import { ACTS, VERSION_ACTS, voidsLostSheets } from '../../subgraphs/kernel/license-acts.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from './finding.ts';
import { isOfTakeover } from './office/takeovers.ts';

/** Acts that declare earlier sheets lost and void. */
const VOIDING_ACTS = ACTS.filter(voidsLostSheets);

/** The sheets of an act `a`: blank, kind and place, the original first. None if it makes no sheet. */
const SHEETS_OF_ACT = `(select a.blank_number as blank, 'ORIGINAL' as kind, 1 as place where a.blank_number is not null
  union all select blank, 'DUPLICATE', place from unnest(a.duplicate_blanks) with ordinality d (blank, place))`;

/** Audits paper: each version has a sheet, and every blank is accounted for. */
export async function* auditPaper({ sql, onNote }: AuditInput): AsyncGenerator<Finding> {
  // Each version has the sheets that its act made: an original and its duplicates.
  const sheets = sql<{ identifier: string; blank: string | null }[]>`
    with expected as (select v.*, p.kind, p.place from licenses.license_version v
      left join licenses.act a on a.identifier = v.identifier and a.state = 'DONE' and a.act = any(${[...VERSION_ACTS]})
      cross join lateral (select 'ORIGINAL' as kind, 1 as place
        union all select 'DUPLICATE', n from generate_series(1, coalesce(cardinality(a.duplicate_blanks), 0)) n) p)
    select coalesce(v.identifier, s.identifier) as identifier, s.blank_number as blank from expected v
    full join (select * from licenses.sheet where state <> 'SPOILED') s using (identifier, kind, place)
    where v.identifier is null or s.blank_number is null
      or s.validity <> v.state or s.content_digest <> v.record_digest or s.number <> v.number or s.version <> v.version`;
  for await (const { identifier, blank } of streamRows(sheets)) {
    yield buildFinding('LICENSE_WITHOUT_PAPER', `license:${identifier}`, '没有与之相符的纸质证照');
    if (blank !== null) yield buildFinding('PAPER_NOT_AS_LICENSE', `sheet:${blank}`, '纸质证照与电子证照不一致');
  }
  const orphans = sql<{ blank: string }[]>`select s.blank_number as blank from licenses.sheet s
    left join licenses.blank b on b.number = s.blank_number left join licenses.license_version v on v.identifier = s.identifier
    where b.number is null or v.identifier is null or b.state <> s.state or b.identifier is distinct from s.identifier`;
  for await (const { blank } of streamRows(orphans)) {
    yield buildFinding('PAPER_NOT_ON_ITS_BLANK', `sheet:${blank}`, '纸质证照与空白证照的登记不一致');
    yield buildFinding('PAPER_NOT_ON_ITS_BLANK', `blank:${blank}`, '纸质证照与空白证照的登记不一致');
  }
  const misprintedActs = sql<{ identifier: string; blank: string | null; act: string }[]>`
    select a.identifier, p.blank, a.id as act from licenses.act a
    cross join lateral ${sql.unsafe(SHEETS_OF_ACT)} p left join licenses.sheet s on s.blank_number = p.blank
    left join licenses.sheet o on o.blank_number = a.spoiled_blank
    where a.state = 'DONE' and (s.identifier is distinct from a.identifier
      or (s.kind, s.place) is distinct from (coalesce(o.kind, p.kind), coalesce(o.place, p.place)))`;
  for await (const { identifier, blank } of streamRows(misprintedActs)) {
    yield buildFinding('PAPER_NOT_OF_ITS_ACT', `license:${identifier}`, '制证所用的空白证照上不是这一证照');
    yield buildFinding('PAPER_NOT_OF_ITS_ACT', `blank:${blank}`, '与制证时的登记不一致');
    yield buildFinding('PAPER_NOT_OF_ITS_ACT', `sheet:${blank}`, '与制证时的登记不一致');
  }
  const unfoundedSheets = sql<
    { blank: string; identifier: string }[]
  >`select s.blank_number as blank, s.identifier from licenses.sheet s
    where not exists (select 1 from licenses.act a where a.state = 'DONE' and a.identifier = s.identifier
        and (a.blank_number = s.blank_number or s.blank_number = any(a.duplicate_blanks)))
      or (s.state = 'SPOILED') <> exists (select 1 from licenses.act a where a.state = 'DONE' and a.act = 'SPOIL' and a.spoiled_blank = s.blank_number)`;
  for await (const { blank, identifier } of streamRows(unfoundedSheets)) {
    for (const object of [`sheet:${blank}`, `blank:${blank}`, `license:${identifier}`])
      yield buildFinding('PAPER_WITHOUT_ACT', object, '纸质证照没有对应的制证或作废');
  }
  const differentBlanks = sql<{ identifier: string; blank: string; was: string }[]>`
    select a.identifier, p.blank, p.was from licenses.act a join seals.seal_use u on u.issuance_id = a.id
    cross join lateral unnest(a.blank_number || a.duplicate_blanks, u.blank_number || coalesce(u.duplicate_blanks, '{}')) p (blank, was)
    where u.blank_number is not null and p.blank is distinct from p.was`;
  for await (const { identifier, blank, was } of streamRows(differentBlanks)) {
    for (const object of [`license:${identifier}`, `sheet:${blank}`, `blank:${blank}`, `blank:${was}`])
      yield buildFinding('PAPER_NOT_AS_SEALED', object, `用印时的空白证照是 ${was}`);
  }
  yield* auditTimes(sql);
  yield* auditBlanks({ sql, onNote });
}

/** Checks that the times of a sheet match the entries of its blank, and that each delivery was announced. */
async function* auditTimes(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = sql<
    { blank: string; identifier: string }[]
  >`select s.blank_number as blank, s.identifier from licenses.sheet s
    left join lateral (select max(at) filter (where state = 'PRINTED') as printed, max(at) filter (where state = 'DELIVERED') as delivered,
      max(at) filter (where state = 'RECALLED') as recalled, max(at) filter (where state = 'LOST') as lost from licenses.blank_entry where number = s.blank_number) e on true
    where s.printed_at is distinct from e.printed or s.delivered_at is distinct from e.delivered or s.recalled_at is distinct from e.recalled or s.lost_at is distinct from e.lost
      or s.state <> 'SPOILED' and (s.delivered_at is not null) <> exists (select 1 from licenses.outbox_event o where o.type = 'CertificateDelivered'
        and o.stream = 'certificate:' || s.number and o.payload->>'identifier' = s.identifier)`;
  for await (const { blank, identifier } of streamRows(rows)) {
    for (const object of [`sheet:${blank}`, `blank:${blank}`, `license:${identifier}`])
      yield buildFinding('PAPER_TIMES_DIFFER', object, '印制、送达或收回的时间与台账不一致，或没有告知送达');
  }
}

/**
 * Checks each blank and the total of each organ:
 * received in boxes = in stock + assigned + printed + delivered + recalled + lost + spoiled + voided.
 */
async function* auditBlanks({ sql, onNote }: Pick<AuditInput, 'sql' | 'onNote'>): AsyncGenerator<Finding> {
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
  >`select distinct number as blank from (select number, state, at, act_id, proposal_id, identifier, reason, seq,
      lag(state) over w as before, lag(at) over w as earlier from licenses.blank_entry window w as (partition by number order by seq)) e
    where (before is null) <> (state = 'IN_STOCK') or at < earlier
      or (state = 'VOIDED' and (before <> 'IN_STOCK' or act_id is not null or (reason is null) = (proposal_id is null)))
      or (reason is not null and (state <> 'VOIDED' or not (${sql.unsafe(isOfTakeover('e.at'))})))
      or (proposal_id is not null and state <> 'VOIDED')
      or (state = 'ASSIGNED' and before <> 'IN_STOCK') or (state = 'PRINTED' and before <> 'ASSIGNED')
      or (state = 'LOST' and (before <> 'DELIVERED' or not exists (select 1 from licenses.act a join licenses.license_version v on v.identifier = e.identifier
        where a.id = e.act_id and a.number = v.number and a.version > v.version and a.act = any(${VOIDING_ACTS}))))
      or (state in ('ASSIGNED', 'PRINTED') and not exists (select 1 from licenses.act a where a.id = e.act_id and a.identifier = e.identifier))`;
  for await (const { blank } of streamRows(wrongSteps))
    yield buildFinding('BLANK_STEP_WRONG', `blank:${blank}`, '空白证照的流转顺序不对，或没有对应的办理');
  const unmatchedBlanks = sql<
    { blank: string }[]
  >`select b.number as blank from licenses.blank b left join licenses.sheet s on s.blank_number = b.number
    where (b.state in ('IN_STOCK', 'ASSIGNED', 'VOIDED')) <> (s.blank_number is null)
      or (b.state = 'ASSIGNED' and not exists (select 1 from licenses.act a where a.state = 'PREPARED'
        and (a.blank_number = b.number or b.number = any(a.duplicate_blanks))))`;
  for await (const { blank } of streamRows(unmatchedBlanks))
    yield buildFinding('BLANK_DOES_NOT_ADD_UP', `blank:${blank}`, '已领出的空白证照上没有纸质证照，或反之');
  yield* auditBoxes(sql);
  yield* auditWriteOffs(sql);
  const voided = await sql<{ organ: string; actor: string; reason: string; count: number }[]>`
    select b.organ, e.actor, e.reason, count(*)::int as count from licenses.blank b
    join licenses.blank_entry e on e.number = b.number and e.state = 'VOIDED'
    where b.state = 'VOIDED' and e.reason is not null group by b.organ, e.actor, e.reason order by 1, 2, 3`;
  for (const { organ, actor, reason, count } of voided)
    onNote?.(`未使用而作废的空白证照 organ:${organ} ${count} 张，${actor}，${reason}`);
  const totals = await sql<{ organ: string; received: number; counted: number }[]>`
    select organ, coalesce(counted, 0) as counted, coalesce(received, 0) as received
    from (select organ, count(*)::int as counted from licenses.blank group by organ) b
    full join (select organ, sum(last - first + 1)::int as received from licenses.blank_box group by organ) x using (organ)`;
  for (const { organ, received, counted } of totals) {
    if (received !== counted)
      yield buildFinding('BLANKS_DO_NOT_ADD_UP', `organ:${organ}`, `领入 ${received}，实有 ${counted}`);
  }
}

/** What is wrong with a blank that differs from its box. */
const BOX_FAULTS = {
  BLANK_MISSING: '号段中缺这一号',
  BLANK_WITHOUT_BOX: '这一号不在任何领入的号段中',
  BLANK_NOT_OF_ITS_BOX: '机关或适用的证照类型与领入的号段不一致',
} as const;

/** Compares the blanks with the boxes (号段) in which they were delivered. */
async function* auditBoxes(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = sql<{ blank: string; fault: keyof typeof BOX_FAULTS }[]>`
    select coalesce(x.number, b.number) as blank,
      case when b.number is null then 'BLANK_MISSING' when x.number is null then 'BLANK_WITHOUT_BOX' else 'BLANK_NOT_OF_ITS_BOX' end as fault
    from (select prefix || lpad(n::text, 8, '0') as number, organ, license_type
      from licenses.blank_box cross join generate_series(first, last) n) x
    full join licenses.blank b on b.number = x.number
    where x.number is null or b.number is null or (b.organ, b.license_type) is distinct from (x.organ, x.license_type)`;
  for await (const { blank, fault } of streamRows(rows)) yield buildFinding(fault, `blank:${blank}`, BOX_FAULTS[fault]);
}

/**
 * Compares what two persons wrote off (核销) with the ledgers of the blanks: each blank of a write-off was voided by it,
 * and no other. `auditProposals` holds the write-offs against their two persons.
 */
async function* auditWriteOffs(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = sql<{ blank: string }[]>`
    select coalesce(x.number, e.number) as blank
    from (select prefix || lpad(n::text, 8, '0') as number, proposal_id, organ, actor, at
      from licenses.blank_write_off cross join generate_series(first, last) n) x
    full join (select * from licenses.blank_entry where proposal_id is not null) e
      on (e.number, e.proposal_id, e.actor, e.at) = (x.number, x.proposal_id, x.actor, x.at)
    left join licenses.blank b on b.number = x.number
    where x.number is null or e.number is null or b.organ is distinct from x.organ`;
  for await (const { blank } of streamRows(rows))
    yield buildFinding('BLANK_NOT_AS_WRITTEN_OFF', `blank:${blank}`, '核销登记与空白证照的台账不一致');
}
