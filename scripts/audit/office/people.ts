import type postgres from 'postgres';
import type { Step } from '../../../subgraphs/cases/case.ts';
import { CASE_ACTIONS, type CaseActionName } from '../../../subgraphs/cases/policy.ts';
import { PROPOSALS, type ProposalKind } from '../../../subgraphs/cases/proposal/proposal.ts';
import type { Role } from '../../../subgraphs/kernel/actor.ts';
import {
  COUNTERSIGNED_KINDS,
  type CountersignedKind,
  countersignRule,
} from '../../../subgraphs/licenses/countersign/countersign.ts';
import { LICENSES_POLICY } from '../../../subgraphs/licenses/policy.ts';
import { STOCK_POLICY } from '../../../subgraphs/licenses/stock/policy.ts';
import { STOCK_KEEPERS } from '../../../subgraphs/licenses/stock/stock.ts';
import { TRANSFER_KIND } from '../../../subgraphs/licenses/stock/transfer.ts';
import { type AuditInput, buildFinding, type Finding, judgeEach, streamRows } from '../finding.ts';
import { decodeStatement } from '../uses.ts';
import { type EnteredLine, findOperatorStart, findRegisterStart, indexPosts, readRegister } from './posts.ts';

/**
 * Audits who acted: each act of a person must be by somebody who at that moment had the role and the organ for it, by
 * the register of people. What is older than the register, and what invented people did, is counted.
 */

/** An act of a person. */
interface PersonAct {
  object: string;
  /** What it is, in the words of its source: a step, a kind of proposal. */
  kind: string;
  actorId: string;
  at: Date;
  /** Organs for any of which it may be done. Empty: by somebody without an organ. */
  organs: string[];
  /** Division code of the integrated window whose people may do it as well, or null. */
  window: string | null;
  /** Whether an approval platform sent exactly this act. Its people are not in the register. */
  isOfPlatform?: boolean;
  /** The statement by which a seal was authorised. Its time counts. */
  authorisation?: string;
}

interface ActSource {
  name: string;
  query: (sql: AuditInput['sql']) => postgres.PendingQuery<PersonAct[]>;
  roles: (act: PersonAct) => readonly Role[];
}

/** A step that another subgraph may cause: its name as actor. */
type StepRule = { actions: readonly CaseActionName[]; roles?: readonly Role[]; system?: string };

/** Who takes each step of a case: by the rows of the policy. */
const STEP_RULES: Readonly<Record<Step, StepRule>> = {
  RECEIVED: { actions: [], roles: ['APPLICANT', 'WINDOW_CLERK'] },
  SUPPLEMENT_ASKED: { actions: ['askSupplement'] },
  SUPPLEMENTED: { actions: ['supplementCase'] },
  SUPPLEMENT_MISSED: { actions: ['closeUnsupplemented'] },
  NOT_ACCEPTED: { actions: ['refuseAcceptance'] },
  ACCEPTED: { actions: ['acceptApplication'] },
  EXAMINED: { actions: ['examineCase'] },
  FORWARDED: { actions: ['forwardCase'] },
  SENT_BACK: { actions: ['sendBackCase'] },
  AMENDED: { actions: ['amendCase'] },
  PAUSED: { actions: ['pauseCase'] },
  RESUMED: { actions: ['resumeCase'] },
  MOVED: { actions: [], system: 'matters' },
  DECIDED: { actions: ['decideCase'] },
  CERTIFIED: { actions: [], system: 'licenses' },
  DELIVERED: { actions: ['deliverDecision'], system: 'licenses' },
  UNDELIVERED: { actions: [], system: 'licenses' },
  WITHDRAWN: { actions: ['withdrawCase'] },
  VOIDED: { actions: [], system: 'licenses' },
};

function rolesOfStep({ kind }: PersonAct): readonly Role[] {
  const { actions, roles = [] } = STEP_RULES[kind as Step];
  return [...roles, ...actions.flatMap((name) => CASE_ACTIONS[name].grants.flatMap((grant) => grant.roles))];
}

/** Who does a step that a notice documents. */
const NOTICE_CLERKS = (['ACCEPTED', 'SUPPLEMENT_ASKED', 'NOT_ACCEPTED', 'DELIVERED'] as const).flatMap((kind) =>
  STEP_RULES[kind].actions.flatMap((name) => CASE_ACTIONS[name].grants.flatMap((grant) => grant.roles)),
);

/** Who may ask first, by the rows of the policy, for what two persons ask for by the same mutation (双人复核). */
const FIRST_PERSONS: Readonly<Record<CountersignedKind, { grants: readonly { roles: readonly Role[] }[] }>> = {
  VOID_TASK: LICENSES_POLICY.voidTask,
  DECLINE_ORDER: LICENSES_POLICY.declineOrder,
  RECEIVE_BLANKS: STOCK_POLICY.receiveBlanks,
  WRITE_OFF_BLANKS: STOCK_POLICY.writeOffBlanks,
};

/** Who asks first for what two persons ask for, and who is the second. Null for what is proposed otherwise. */
function rolesOfCountersign({ kind }: PersonAct, person: 'FIRST' | 'SECOND'): readonly Role[] | null {
  // Keepers of the organ that sends them, and of the one that receives them.
  if (kind === TRANSFER_KIND) return STOCK_KEEPERS;
  const known = COUNTERSIGNED_KINDS.find((name) => name === kind);
  if (known === undefined) return null;
  const { grants } = person === 'FIRST' ? FIRST_PERSONS[known] : countersignRule(known);
  return grants.flatMap(({ roles }) => roles);
}

function rolesOfApprover({ kind, organs }: PersonAct): readonly Role[] {
  const { approvers }: { approvers: readonly Role[] } = PROPOSALS[kind as ProposalKind];
  return organs.length === 0 ? ['ADMINISTRATOR'] : approvers.filter((role) => role !== 'ADMINISTRATOR');
}

const ANY_ORGAN = (organ: string) => `case when ${organ} is null then '{}' else array[${organ}] end`;
/** The organs of those who handle the cases of another organ by an exception (SECOND_PERSON). */
const SECONDED = (organ: string, person: string) => `array(select e.person_organ from cases.duty_exception e
  where e.organ = ${organ} and e.person_id = ${person} and e.kind = 'SECOND_PERSON')`;
/** The content of a proposal, or an empty object if it cannot be read. */
const CONTENT = `(case when content is json object then content::jsonb else '{}'::jsonb end)`;
const PLATFORM_MESSAGES = `select 1 from cases.platform_message m where m.verdict = 'DONE'`;

const SOURCES: readonly ActSource[] = [
  {
    name: '办件环节',
    query: (sql) => sql<
      PersonAct[]
    >`select 'case:' || c.number as object, s.step as kind, s.actor_id as "actorId", s.at,
        ${sql.unsafe(ANY_ORGAN('s.organ'))} as organs, c.division_code as window,
        exists (${sql.unsafe(PLATFORM_MESSAGES)} and s.actor_id like 'platform:' || m.platform_id || '/%'
          and m.case_number = c.number and m.step_seq = s.seq) as "isOfPlatform"
      from cases.case_step s join cases.case_file c on c.id = s.case_id order by s.case_id, s.seq`,
    roles: rolesOfStep,
  },
  {
    name: '证照办理',
    query: (sql) => sql<PersonAct[]>`select 'act:' || a.id as object, a.act as kind, a.actor_id as "actorId",
        a.prepared_at as at, array[a.organ->>'id'] || case when a.case_id is null and a.act <> 'SPOIL' then '{}' else
          coalesce(t.counters, '{}') || coalesce(l.counters, '{}') end as organs,
        case when a.case_id is null and a.act <> 'SPOIL' then null else coalesce(t.handled_by, l.handled_by) end as window
      from licenses.act a left join licenses.certificate_task t on t.case_id = a.case_id
      left join licenses.license l on l.number = a.number where a.case_id is not null or a.act = 'SPOIL' order by a.serial`,
    roles: () => ['WINDOW_CLERK', 'SEAL_KEEPER'],
  },
  {
    name: '用印授权',
    query: (sql) => sql<
      PersonAct[]
    >`select u.object, u.act as kind, u.authorised_by_id as "actorId", u.at, u.authorisation,
        array[u.organ] || ${sql.unsafe(SECONDED('u.organ', 'u.authorised_by_id'))} as organs,
        case when u.act = 'NOTICE' then c.division_code end as window,
        exists (${sql.unsafe(PLATFORM_MESSAGES)} and u.authorised_by_id like 'platform:' || m.platform_id || '/%'
          and (m.type = 'DECIDED' or u.act = 'NOTICE') and m.case_number = c.number) as "isOfPlatform"
      from (select 'use:' || issuance_id as object, act, authorised_by_id, organ, at, authorisation, case_id from seals.seal_use
        union all select 'code:' || issuance_id, act, authorised_by_id, organ, at, authorisation, case_id from seals.seal_code) u
      left join cases.case_file c on c.id = u.case_id`,
    roles: ({ kind }) => (kind === 'NOTICE' ? NOTICE_CLERKS : ['APPROVER']),
  },
  {
    name: '印章办理',
    query: (sql) => sql<
      PersonAct[]
    >`select 'event:' || e.serial as object, e.event as kind, e.actor_id as "actorId", e.at,
        array[s.organ] as organs, null as window from seals.seal_event e join seals.seal s on s.id = e.seal_id
      where e.application_id is null and e.actor_id is not null order by e.serial`,
    roles: () => ['SEAL_KEEPER'],
  },
  {
    name: '印章申请',
    query: (sql) => sql<PersonAct[]>`select 'application:' || id as object, kind, applied_by_id as "actorId", at,
        array[organ] as organs, null as window from seals.seal_application order by serial`,
    roles: () => ['SEAL_KEEPER'],
  },
  {
    name: '印章申请的决定',
    query: (sql) => sql<PersonAct[]>`select 'application:' || a.id as object, a.kind, o.actor_id as "actorId", o.at,
        array[a.organ] as organs, null as window from seals.seal_application_outcome o
      join seals.seal_application a on a.id = o.application_id where o.outcome <> 'WITHDRAWN' order by a.serial`,
    roles: () => ['SEAL_APPROVER'],
  },
  {
    name: '提议',
    query: (sql) => sql<
      PersonAct[]
    >`select 'proposal:' || id as object, kind, proposed_by_id as "actorId", at, null as window,
        case when kind = 'RECORD_EXCEPTION' then array[${sql.unsafe(CONTENT)}->>'organ'] else '{}' end as organs
      from cases.proposal union all select 'proposal:' || id, kind, proposed_by_id, at, null, '{}' from matters.proposal`,
    roles: ({ organs }) => (organs.length === 0 ? ['ADMINISTRATOR'] : ['APPROVER']),
  },
  {
    name: '证照拟办',
    query: (sql) => sql<PersonAct[]>`select 'proposal:' || p.id as object, p.kind, p.proposed_by_id as "actorId", p.at,
        null as window, array[case when p.kind = ${TRANSFER_KIND} then ${sql.unsafe(CONTENT)}->>'organ' else p.organ end]
          || case when o.id is null then '{}' else array[o.supervisor->>'id'] end as organs
      from licenses.proposal p left join licenses.supervision_order o on o.id::text = ${sql.unsafe(CONTENT)}->>'order'`,
    roles: (act) =>
      rolesOfCountersign(act, 'FIRST') ?? (act.organs.length > 1 ? ['REVIEWER', 'SUPERVISOR'] : ['REVIEWER']),
  },
  {
    name: '提议的批准',
    query: (sql) => sql<PersonAct[]>`select 'proposal:' || p.id as object, p.kind, o.actor_id as "actorId", o.at,
        ${sql.unsafe(ANY_ORGAN('p.organ'))} as organs, null as window
      from cases.proposal p join cases.proposal_outcome o on o.proposal_id = p.id where o.outcome <> 'WITHDRAWN'`,
    roles: rolesOfApprover,
  },
  {
    name: '拟办和拟导入的批准',
    query: (sql) => sql<PersonAct[]>`select 'proposal:' || p.id as object, p.kind, o.actor_id as "actorId", o.at,
        ${sql.unsafe(ANY_ORGAN('p.organ'))} as organs, null as window
      from (select * from licenses.proposal union all select * from matters.proposal) p
      join (select * from licenses.proposal_outcome union all select * from matters.proposal_outcome) o
        on o.proposal_id = p.id where o.outcome <> 'WITHDRAWN'`,
    roles: (act) => rolesOfCountersign(act, 'SECOND') ?? (act.organs.length === 0 ? ['ADMINISTRATOR'] : ['APPROVER']),
  },
];

/** How an act stands to the register. */
type Verdict = 'FOUND' | 'DEMONSTRATION' | 'OLDER' | 'OTHER' | 'WITHOUT_POST';

/** Audits every act of a person against the register of people. */
export async function* auditPeople(input: AuditInput): AsyncGenerator<Finding> {
  const register = await readRegister(input.sql);
  const listPosts = indexPosts(register);
  const [start, operatorStart] = [findRegisterStart(register), findOperatorStart(register)];
  const counts: Record<Verdict, number> = { FOUND: 0, DEMONSTRATION: 0, OLDER: 0, OTHER: 0, WITHOUT_POST: 0 };
  for (const { name, query, roles } of SOURCES) {
    const rows = streamRows(query(input.sql));
    yield* judgeEach(
      rows,
      ({ object }) => [object],
      function* judgeAct(act) {
        const at = readTime(act);
        const posts = listPosts(act.actorId, at).filter((line) => isFit(line, act, roles(act)));
        const verdict = isOfOthers(name, act) ? 'OTHER' : judge(posts, at, start, operatorStart);
        counts[verdict]++;
        if (verdict !== 'WITHOUT_POST') return;
        const detail = `${name} ${act.kind}：${act.actorId} 在 ${at.toISOString()} 没有所需的岗位`;
        yield buildFinding('ACT_WITHOUT_POST', act.object, detail);
      },
    );
  }
  const { FOUND, DEMONSTRATION, OLDER, OTHER } = counts;
  input.onNote?.(
    `人员岗位：相符 ${FOUND} 项，示范人员 ${DEMONSTRATION} 项，早于登记 ${OLDER} 项，申请人、平台和系统 ${OTHER} 项`,
  );
}

/** When somebody acted: for a seal, when its use was authorised. */
function readTime({ at, authorisation }: PersonAct): Date {
  const authorisedAt = authorisation === undefined ? null : decodeStatement(authorisation)?.authorisedAt;
  const time = typeof authorisedAt === 'string' ? Date.parse(authorisedAt) : Number.NaN;
  return Number.isNaN(time) ? at : new Date(time);
}

function isFit({ organ, roles, window }: EnteredLine, act: PersonAct, allowed: readonly Role[]): boolean {
  if (!roles.some((role) => allowed.includes(role))) return false;
  if (organ === null || act.organs.length === 0) return organ === null && act.organs.length === 0;
  return act.organs.includes(organ) || (window !== null && window === act.window);
}

/** Whether nobody of the register acted: an applicant, a person of an approval platform, another subgraph. */
function isOfOthers(source: string, { kind, actorId, organs, isOfPlatform = false }: PersonAct): boolean {
  if (isOfPlatform) return true;
  if (source !== '办件环节') return false;
  const isApplicant = organs.length === 0 && rolesOfStep({ kind } as PersonAct).includes('APPLICANT');
  return isApplicant || STEP_RULES[kind as Step].system === actorId;
}

function judge(posts: readonly EnteredLine[], at: Date, start: Date | null, operatorStart: Date | null): Verdict {
  if (start === null || at < start) return 'OLDER';
  if (posts.some(({ source }) => source !== 'DEMONSTRATION')) return 'FOUND';
  const isDemonstration = operatorStart === null || at < operatorStart;
  return posts.length > 0 && isDemonstration ? 'DEMONSTRATION' : 'WITHOUT_POST';
}
