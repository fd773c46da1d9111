import { type Day, dayOf } from '../../../subgraphs/kernel/day.ts';
import { sealAuthorisation } from '../../../subgraphs/kernel/sealing/authorisation.ts';
import type { Decider, SealStatement } from '../../../subgraphs/kernel/sealing/person-signature.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from '../finding.ts';
import { decodeStatement } from '../uses.ts';

/** A use of a seal, with what the case and the matter say of who decides. Columns of the case are null without one. */
interface DecidedUse {
  object: string;
  authorisation: string;
  /** The organ whose seal it is. */
  organ: string;
  caseId: string | null;
  /** The decision: who took it, for which organ, and by which exception of another organ's person. */
  actorId: string | null;
  stepOrgan: string | null;
  exception: string | null;
  /** The organ that decides, as the case holds it. */
  decides: string | null;
  /** The organs that decide by the list of delegations between acceptance and decision. Null: changed since. */
  delegated: string[] | null;
  /** The recorded exception that the authorisation names. */
  recorded: RecordedException | null;
}

interface RecordedException {
  organ: string;
  person: string | null;
  personOrgan: string | null;
  from: Day;
  to: Day;
}

/** SQL: the day of an instant. */
const day = (at: string) => `(${at} at time zone 'Asia/Shanghai')::date`;

/**
 * SQL: the case keeps the mode of its acceptance, and may follow new organs until it is decided. The list says who
 * decided then unless an import changed it later: a period may begin before its import.
 */
const DELEGATED = `case when exists (select 1 from matters.delegation_change n
    join matters.delegation_import i on i.id = n.import_id where n.matter_id = c.matter_id and i.imported_at >= a.at)
  then null else array(select distinct case m.mode when 'DIRECT' then d.county_organ else d.city_organ end
    from matters.delegation m join matters.delegation d on d.matter_id = m.matter_id
    where m.matter_id = c.matter_id and m.mode = c.delegation->>'mode'
    and daterange(m.valid_from, m.valid_to, '[]') @> ${day('a.at')}
    and daterange(d.valid_from, d.valid_to, '[]') && daterange(${day('a.at')}, ${day('s.at')}, '[]')) end`;

const USES = `select 'use:' || issuance_id as object, authorisation, organ, case_id from seals.seal_use
  where act <> 'NOTICE'
  union all select 'code:' || issuance_id, authorisation, organ, case_id from seals.seal_code`;

/**
 * Audits in whose place each person authorised a seal: the authorisation says the person's organ, the organ that
 * decides, and the exception. The decision of the case, the list of delegations and the exceptions must say the same.
 */
export async function* auditDeciders(input: AuditInput): AsyncGenerator<Finding> {
  const { sql } = input;
  const rows = sql<DecidedUse[]>`select u.object, u.authorisation, u.organ, u.case_id as "caseId",
      s.actor_id as "actorId", s.organ as "stepOrgan", c.delegation->'decides'->>'organ' as decides,
      (select x->>'id' from jsonb_array_elements(case when jsonb_typeof(s.data->'exceptions') = 'array'
        then s.data->'exceptions' else '[]' end) x where x->>'kind' = 'SECOND_PERSON' limit 1) as exception,
      case when s.at is null or a.at is null then null else ${sql.unsafe(DELEGATED)} end as delegated,
      (select jsonb_build_object('organ', e.organ, 'person', e.person_id, 'personOrgan', e.person_organ,
        'from', e.valid_from, 'to', e.valid_to) from cases.duty_exception e where e.kind = 'SECOND_PERSON'
        and s.data->'exceptions' @> jsonb_build_array(jsonb_build_object('id', e.id::text)) limit 1) as recorded
    from (${sql.unsafe(USES)}) u left join cases.case_file c on c.id = u.case_id
    left join lateral (select * from cases.case_step n where n.case_id = u.case_id and n.step = 'DECIDED'
      order by n.seq desc limit 1) s on true
    left join lateral (select min(n.at) as at from cases.case_step n
      where n.case_id = u.case_id and n.step = 'ACCEPTED') a on true`;
  for await (const use of streamRows(rows)) {
    const statement = sealAuthorisation.safeParse(decodeStatement(use.authorisation));
    // What cannot be read is a finding of `auditUses`. Releases up to 0.4 stated no decider.
    if (!statement.success || !statement.data.decider) continue;
    for (const detail of listDifferences(use, statement.data, statement.data.decider))
      yield buildFinding('DECIDER_DIFFERS', use.object, detail);
  }
  yield* auditNotices(input);
}

/** A use of an acceptance seal, with the steps of its case at the time of the notice. */
interface NoticeUse {
  object: string;
  authorisation: string;
  organ: string;
  /** Who did these steps. */
  actors: string[];
  /** The organ that issued the notice. Null if there is no such notice. */
  issuer: string | null;
}

/** Audits who authorised the seal on a notice: whoever did its step, for the organ that issued it. */
async function* auditNotices({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<NoticeUse[]>`select 'use:' || u.issuance_id as object, u.authorisation, u.organ, n.organ as issuer,
      array(select s.actor_id from cases.case_step s where s.case_id = u.case_id and s.at = n.issued_at
        and s.actor_id is not null) as actors
    from seals.seal_use u left join cases.notice n on n.id = u.issuance_id where u.act = 'NOTICE'`;
  for await (const { object, authorisation, organ, actors, issuer } of streamRows(rows)) {
    const statement = sealAuthorisation.safeParse(decodeStatement(authorisation));
    if (!statement.success) continue;
    const { actor, decider } = statement.data;
    if (!actors.includes(actor)) yield buildFinding('DECIDER_DIFFERS', object, '授权人没有办理此文书所载的环节');
    if (issuer !== organ || decider?.decides !== organ)
      yield buildFinding('DECIDER_DIFFERS', object, `文书由 ${issuer ?? '（无）'} 出具，用的是 ${organ} 的印章`);
  }
}

/** Lists what an authorisation says of the decider and other records do not. */
function listDifferences(use: DecidedUse, { actor, authorisedAt }: SealStatement, decider: Decider): string[] {
  const { organ, decides, exception } = decider;
  const differences = decides === use.organ ? [] : [`授权书称由 ${decides} 决定，用的是 ${use.organ} 的印章`];
  if (exception === null && organ !== decides) differences.push(`授权人属 ${organ}，不是 ${decides} 的人，也没有例外`);
  if (use.caseId === null) return exception === null ? differences : [...differences, '没有办件而称依例外决定'];
  if (use.actorId !== actor || use.stepOrgan !== organ) differences.push('办件的决定不是授权书所称的人和机关作出的');
  if (use.decides !== decides) differences.push(`办件由 ${use.decides ?? '（无）'} 决定，授权书称 ${decides}`);
  if (use.delegated !== null && !use.delegated.includes(decides))
    differences.push(`当时的承接清单由 ${use.delegated.join('、') || '（无）'} 决定，授权书称 ${decides}`);
  if (use.exception !== exception) differences.push('授权书和决定环节所依据的例外不同');
  if (exception !== null && !isFounded(use.recorded, { actor, decider, on: dayOf(new Date(authorisedAt)) }))
    differences.push(`例外 ${exception} 不是给授权人的，或当日不在期间内`);
  return differences;
}

function isFounded(
  recorded: RecordedException | null,
  { actor, decider, on }: { actor: string; decider: Decider; on: Day },
): boolean {
  if (recorded === null) return false;
  const { organ, person, personOrgan, from, to } = recorded;
  return organ === decider.decides && person === actor && personOrgan === decider.organ && from <= on && on <= to;
}
