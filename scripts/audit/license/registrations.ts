import { type AuditInput, buildFinding, type Finding, streamRows } from '../finding.ts';

/**
 * Audits ledgers of existing paper (存量证照台账): as many licenses are entered of each as its progress says, in order, and
 * cases were told of each once. What each license says, and that the register stated it, is audited with the others.
 */
export async function* auditRegistrations({ sql }: AuditInput): AsyncGenerator<Finding> {
  const ledgers = sql<{ id: string }[]>`
    select l.proposal_id as id from licenses.registration_line l
    left join licenses.registration_progress g on g.proposal_id = l.proposal_id
    left join licenses.license_version v on v.identifier = l.identifier and v.number = l.number
    group by l.proposal_id, g.total, g.entered
    having g.total is distinct from count(*) or max(l.place) <> count(*) or min(l.place) <> 1
      or g.entered is distinct from count(v.identifier) or coalesce(max(l.place) filter (where v.identifier is not null), 0) <> g.entered`;
  for await (const { id } of streamRows(ledgers))
    yield buildFinding('REGISTRATION_DIFFERS', `proposal:${id}`, '存量证照台账的登记与其进度不一致');
  const untold = sql<{ identifier: string; number: string }[]>`
    with told as (
      select c->>'identifier' as identifier, c->>'number' as number, c->>'documentDigest' as digest, c->'license' as license,
        e.payload->>'registrationId' as registration
      from licenses.outbox_event e cross join lateral jsonb_array_elements(e.payload->'licenses') c
      where e.type = 'LicensesRegistered'
    ), entered as (
      select v.identifier, v.number, v.document_digest as digest, v.record, l.proposal_id::text as registration
      from licenses.license_version v left join licenses.registration_line l on l.identifier = v.identifier
      where v.record->>'KZ_CZ' = 'REGISTER'
    )
    select coalesce(v.identifier, t.identifier) as identifier, coalesce(v.number, t.number) as number
    from entered v full join told t using (identifier)
    group by 1, 2 having count(*) <> 1 or not bool_and(coalesce(t.number = v.number and t.digest = v.digest
      and t.registration = v.registration and t.license->'fields' = v.record->'KZ_NR'
      and jsonb_path_query_array(v.record, '$.KZ_GY.GYR[*].CZZTDM') = jsonb_path_query_array(t.license, '$.coOwnership.coHolders[*].code')
      and t.license->'holder'->>'code' = v.record->>'CZZTDM' and t.license->'holder'->>'name' = v.record->>'CZZT'
      and coalesce(t.license->>'validUntil', '长期') = v.record->>'ZZYXQJZRQ', false))`;
  for await (const { identifier, number } of streamRows(untold))
    for (const object of [`number:${number}`, `license:${identifier}`])
      yield buildFinding('EVENT_DIFFERS', object, '存量登记没有告知办件，或者告知的与所登记的不一致');
}
