import { type AuditInput, buildFinding, type Finding, streamRows } from '../finding.ts';

/**
 * Finds ends (失效) that were entered under a clock that was ahead: an act that was done later carries a day on which the
 * license had not ended.
 */
export async function* auditLapses({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<{ id: string; number: string; identifier: string; until: string }[]>`
    with done as (
      select id, act, number, identifier, record->>'until' as until,
        min(done_at) over (order by serial desc rows between unbounded preceding and 1 preceding) as later_at
      from licenses.act where state = 'DONE'
    )
    select id, number, identifier, until from done
    where act = 'LAPSE' and (later_at at time zone 'Asia/Shanghai')::date::text <= until`;
  for await (const { id, number, identifier, until } of streamRows(rows))
    for (const object of [`act:${id}`, `number:${number}`, `license:${identifier}`])
      yield buildFinding('LAPSED_EARLY', object, `有效期至 ${until}，登记失效时系统时钟超前`);
}
