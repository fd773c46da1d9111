import { type AuditInput, buildFinding, type Finding, streamRows } from '../finding.ts';

/**
 * Audits renewals (延续): each that licenses know is what they received of it last from cases, what cases told last is
 * what the case did, and the register's newest word of it is what licenses go by.
 */
export async function* auditRenewals({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<{ caseId: string; number: string; caseNumber: string | null; detail: string | null }[]>`
    with told as (
      select stream, max(revision) as newest, min(payload->>'caseId') as id from cases.outbox_event
      where type = 'RenewalChanged' group by stream
    ), known as (
      select coalesce(r.case_id::text, t.id) as id, r.*, t.newest, e.payload as told, received.payload as heard
      from licenses.renewal r full join told t on t.id = r.case_id::text
      left join cases.outbox_event e on e.stream = t.stream and e.revision = t.newest
      left join licenses.inbox i on i.producer = 'cases' and i.stream = t.stream
      left join cases.outbox_event received on received.stream = t.stream and received.revision = i.revision
    ), judged as (
      select k.*, c.number as of_case, c.license_number, s.accepted_on as case_accepted_on,
        -- By the steps of the case: it is settled by its version, a refusal, or any other end.
        not c.closed and c.step <> 'CERTIFIED' and not s.is_refused as runs,
        not c.closed and c.step = 'DECIDED' and not s.is_refused as granted
      from known k left join cases.case_file c on c.id::text = k.id
      left join lateral (select (min(at) filter (where step = 'ACCEPTED') at time zone 'Asia/Shanghai')::date::text as accepted_on,
          coalesce(bool_or(step = 'DECIDED' and finding = 'REJECTED'), false) as is_refused
        from cases.case_step where case_id = c.id) s on true
    )
    select j.id as "caseId", coalesce(j.number, j.told->>'number', '') as number, j.of_case as "caseNumber", case
      when (j.case_id is null) <> (j.heard is null) or j.number <> j.heard->>'number' or j.case_number <> j.heard->>'caseNumber'
        or j.accepted_on::text <> j.heard->>'acceptedOn' or j.is_running <> (j.heard->>'isRunning')::boolean
        or j.is_granted <> (j.heard->>'isGranted')::boolean
        or j.settled_at is distinct from case when j.is_running then null else (j.heard->>'changedAt')::timestamptz end
        then '延续登记与办件告知的不一致'
      when j.of_case is null or j.told is null or j.license_number is distinct from j.told->>'number'
        or j.of_case <> j.told->>'caseNumber' or j.case_accepted_on is distinct from j.told->>'acceptedOn'
        or j.runs <> (j.told->>'isRunning')::boolean or j.granted <> (j.told->>'isGranted')::boolean
        then '延续没有对应的办件，或与办件的环节不一致'
      when j.case_id is not null and not exists (select from licenses.license_version v where v.number = j.number
        and v.case_id is distinct from j.case_id and v.record->>'ZZYXQJZRQ' = coalesce(j.until::text, '长期'))
        then '延续所保留的截止日不是证照所载的'
      when j.is_held <> coalesce((select a.act = 'HOLD' from licenses.act a where a.number = j.number and a.state = 'DONE'
        and a.act in ('HOLD', 'RELEASE') and a.record->>'case' = j.case_number order by a.serial desc limit 1), false)
        then '延续是否保留截止日，与登记声明不一致'
      end as detail
    from judged j`;
  for await (const { caseId, number, caseNumber, detail } of streamRows(rows)) {
    if (detail === null) continue;
    yield buildFinding('RENEWAL_DIFFERS', `number:${number}`, detail);
    yield buildFinding('RENEWAL_DIFFERS', `case:${caseNumber ?? caseId}`, detail);
  }
}
