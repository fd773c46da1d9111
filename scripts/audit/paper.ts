import { VERSION_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from './finding.ts';
import { auditBlanks } from './stock/blanks.ts';

/** The sheets of an act `a`: blank, kind and place, the original first. None if it makes no sheet. */
const SHEETS_OF_ACT = `(select a.blank_number as blank, 'ORIGINAL' as kind, 1 as place where a.blank_number is not null
  union all select blank, 'DUPLICATE', place from unnest(a.duplicate_blanks) with ordinality d (blank, place))`;

/** Audits paper: each sealed version has a sheet, one from paper none of ours, and every blank is accounted for. */
export async function* auditPaper({ sql, onNote }: AuditInput): AsyncGenerator<Finding> {
  // Each version has the sheets that its act made: an original and its duplicates.
  const sheets = sql<{ identifier: string; blank: string | null }[]>`
    with expected as (select v.*, p.kind, p.place from licenses.license_version v
      left join licenses.act a on a.identifier = v.identifier and a.state = 'DONE' and a.act = any(${[...VERSION_ACTS]})
      cross join lateral (select 'ORIGINAL' as kind, 1 as place
        union all select 'DUPLICATE', n from generate_series(1, coalesce(cardinality(a.duplicate_blanks), 0)) n) p
      where v.record->>'KZ_CZ' <> 'REGISTER')
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
