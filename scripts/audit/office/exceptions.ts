import { type AuditInput, buildFinding, type Finding } from '../finding.ts';

interface ExceptionRow {
  id: string;
  organ: string;
  kind: string;
  personId: string | null;
  validFrom: string;
  validTo: string;
  proposedBy: string;
  approvedBy: string | null;
  endedAt: Date | null;
  isByTwo: boolean;
  isAsProposed: boolean;
}

/**
 * Lists every exception to the segregation of duties with the decisions made under it, as notes. Yields a finding for
 * an exception that two persons did not make, and for a step that rests on one that was not in force.
 */
export async function* auditExceptions({ sql, onNote }: AuditInput): AsyncGenerator<Finding> {
  const exceptions = await sql<ExceptionRow[]>`select e.id, e.organ, e.kind, e.person_id as "personId",
      e.valid_from::text as "validFrom", e.valid_to::text as "validTo", p.proposed_by as "proposedBy",
      o.actor as "approvedBy", x.at as "endedAt",
      coalesce(o.outcome = 'APPROVED' and o.actor_id <> p.proposed_by_id, false) as "isByTwo",
      coalesce(p.kind = 'RECORD_EXCEPTION' and p.content::jsonb->>'organ' = e.organ
        and p.content::jsonb->>'kind' = e.kind and p.content::jsonb->>'person' is not distinct from e.person_id
        and p.content::jsonb->>'validFrom' = e.valid_from::text and p.content::jsonb->>'validTo' = e.valid_to::text
        and e.valid_to < e.valid_from + interval '1 year', false) as "isAsProposed"
    from cases.duty_exception e left join cases.proposal p on p.id = e.id
    left join cases.proposal_outcome o on o.proposal_id = e.id
    left join cases.duty_exception_end x on x.exception_id = e.id order by e.serial`;
  for (const { id, isByTwo, isAsProposed } of exceptions) {
    if (!isByTwo) yield buildFinding('SECOND_PERSON_MISSING', `exception:${id}`, '例外没有另一人的批准');
    if (!isAsProposed) yield buildFinding('EXCEPTION_DIFFERS', `exception:${id}`, '例外与获准的提议不一致，或长于一年');
  }
  const uses = await sql<{ id: string; number: string; step: string; actor: string; isInForce: boolean }[]>`
    select used->>'id' as id, c.number, s.step, s.actor,
      coalesce((s.at at time zone 'Asia/Shanghai')::date between e.valid_from and e.valid_to
        and (x.at is null or s.at <= x.at), false) as "isInForce"
    from cases.case_step s join cases.case_file c on c.id = s.case_id
    cross join lateral jsonb_array_elements(s.data->'exceptions') as used
    left join cases.duty_exception e on e.id::text = used->>'id'
    left join cases.duty_exception_end x on x.exception_id = e.id
    where s.data ? 'exceptions' order by s.at`;
  for (const { id, number, isInForce } of uses) {
    if (!isInForce) yield buildFinding('EXCEPTION_UNFOUNDED', `case:${number}`, `所依据的例外 ${id} 当时不在有效期内`);
  }
  const usesByException = Map.groupBy(uses, (use) => use.id);
  for (const { id, organ, kind, personId, validFrom, validTo, proposedBy, approvedBy, endedAt } of exceptions) {
    const steps = (usesByException.get(id) ?? []).map(({ number, step, actor }) => `${number} ${step} ${actor}`);
    const period = `${validFrom} 至 ${validTo}${endedAt === null ? '' : `，${endedAt.toISOString()} 提前终止`}`;
    const persons = `${personId ?? ''} 提议 ${proposedBy}，批准 ${approvedBy ?? '（无）'}`.trim();
    onNote?.(
      `例外 exception:${id} ${organ} ${kind} ${period}；${persons}；依此办理 ${steps.length} 项 ${steps.join('，')}`,
    );
  }
}
