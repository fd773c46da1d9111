import { and, asc, eq, gt, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Person, Role } from '../../kernel/actor.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { type ColumnOrder, type KeysetRequest, selectCountedPage } from '../../kernel/list/keyset-store.ts';
import { type CountedPage, idPart, microsecondPart } from '../../kernel/list/page.ts';
import { organsOf } from '../../kernel/organ/place.ts';
import { textArray } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { ENDING_SOON_DAYS } from '../agreement/agreement.ts';
import { restOf } from '../calendar/rest.ts';
import { loadCalendar } from '../calendar/store.ts';
import type { Calendar } from '../calendar/working-day.ts';
import { type Case, hasEnded } from '../case.ts';
import { PROPOSALS } from '../proposal/proposal.ts';
import { proposal, proposalOutcome } from '../proposal/tables.ts';
import { publicationOverdueBefore } from '../publication/publication.ts';
import {
  agreement,
  caseFile,
  caseRest,
  decisionSeal,
  duty,
  finding,
  matterFact,
  notice,
  peerProposal,
  push,
} from '../tables.ts';
import type { AttentionKind, AttentionRow } from './attention.ts';
import { deemedSource, delegationsInForce, endingSource, publicationSource, source, startOf } from './source-store.ts';

export interface AttentionFilter {
  organs: ReadScope;
  window: string | null;
  /** Whether items of any organ and window are shown. */
  all: boolean;
  kinds: readonly AttentionKind[] | null;
  /** The holder whose own items are shown, and no others. Null for people of the offices. */
  holderCode: string | null;
}

function caseSources(today: Day): SQL[] {
  const columns = {
    since: sql`${caseFile.restsSince}`,
    organs: sql`${caseFile.waitsOrgans}`,
    window: sql`${caseFile.waitsWindow}`,
    caseId: sql`${caseFile.id}`,
    matterId: sql`${caseFile.matterId}`,
    subject: sql`${caseFile.number}`,
  };
  const restingCases = sql`from ${caseRest} join ${caseFile} on ${caseFile.id} = ${caseRest.caseId}`;
  return [
    source(sql`${restingCases} where ${caseRest.touchBy} < ${today}`, {
      ...columns,
      id: sql`'step ' || ${caseFile.id}`,
      kind: sql`'STEP_OVERDUE'`,
      dueOn: sql`${caseRest.touchBy}`,
    }),
    source(sql`${restingCases} where ${caseRest.missingYear} is not null`, {
      ...columns,
      id: sql`'calendar ' || ${caseFile.id}`,
      kind: sql`'CALENDAR_MISSING'`,
      reason: sql`${caseRest.missingYear} || '年'`,
    }),
    source(
      sql`from ${decisionSeal} join ${notice} on ${notice.id} = ${decisionSeal.noticeId}
        where ${decisionSeal.state} = 'PREPARED' and ${decisionSeal.waitingFor} is not null`,
      {
        id: sql`'decision ' || ${decisionSeal.noticeId}`,
        kind: sql`'DECISION_UNSEALED'`,
        since: sql`${decisionSeal.preparedAt}`,
        organs: sql`array[${decisionSeal.organ}]`,
        caseId: sql`${notice.caseId}`,
        matterId: sql`${decisionSeal.matterId}`,
        subject: sql`${notice.number}`,
        reason: sql`${decisionSeal.waitingFor}`,
      },
    ),
  ];
}

function matterSources(today: Day): SQL[] {
  const organs = sql`array[piece->>'cityOrgan', piece->>'countyOrgan']`;
  const matterColumns = {
    since: startOf(sql`coalesce(piece->>'validFrom', '2022-04-13')::date`),
    matterId: sql`${matterFact.matterId}`,
    organs,
    subject: sql`${matterFact.fact}->>'name'`,
  };
  const hasAgreement = sql`exists (select 1 from ${agreement} where ${agreement.cityOrgan} = piece->>'cityOrgan'
    and ${agreement.countyOrgan} = piece->>'countyOrgan' and ${agreement.matters} @> array[${matterFact.matterId}]
    and ${agreement.validFrom} <= ${today} and (${agreement.validTo} is null or ${agreement.validTo} >= ${today}))`;
  const missingIndustryOrgan = (level: 'city' | 'county') =>
    source(
      sql`${delegationsInForce(today)} and piece->'industry'->>${sql.raw(`'${level}'`)} is null
        ${level === 'city' ? sql`and piece->>'mode' <> 'DIRECT'` : sql``}`,
      {
        ...matterColumns,
        id: sql`${`industry ${level} `} || ${matterFact.matterId}`,
        kind: sql`'INDUSTRY_ORGAN_MISSING'`,
        reason: level === 'city' ? sql`'市级'` : sql`'县级'`,
      },
    );
  return [
    source(sql`${delegationsInForce(today)} and piece->>'mode' = 'SUBSTANTIVE_REVIEW' and not ${hasAgreement}`, {
      ...matterColumns,
      id: sql`'agreement of ' || ${matterFact.matterId}`,
      kind: sql`'AGREEMENT_MISSING'`,
    }),
    missingIndustryOrgan('city'),
    missingIndustryOrgan('county'),
    source(
      sql`from ${agreement} where ${agreement.validTo} >= ${today} and ${agreement.validTo} <= ${today}::date + ${ENDING_SOON_DAYS}::int`,
      {
        id: sql`'agreement ' || ${agreement.number}`,
        kind: sql`'AGREEMENT_ENDING'`,
        since: startOf(sql`${agreement.validTo} - ${ENDING_SOON_DAYS}::int`),
        dueOn: sql`${agreement.validTo}`,
        organs: sql`array[${agreement.cityOrgan}, ${agreement.countyOrgan}]`,
        agreement: sql`${agreement.number}`,
        subject: sql`${agreement.number}`,
      },
    ),
  ];
}

function supervisionSources(today: Day): SQL[] {
  const pushColumns = {
    since: sql`${push.decidedAt}`,
    dueOn: sql`${push.dueOn}`,
    caseId: sql`${push.caseId}`,
    matterId: sql`${push.matterId}`,
    pushId: sql`${push.id}`,
    subject: sql`${caseFile.number}`,
  };
  const pushWithCase = sql`from ${push} join ${caseFile} on ${caseFile.id} = ${push.caseId} where ${push.reachedAt} is null`;
  const findingColumns = {
    since: sql`${finding.recordedAt}`,
    caseId: sql`${finding.caseId}`,
    pushId: sql`${finding.pushId}`,
    findingId: sql`${finding.id}`,
    subject: sql`${caseFile.number}`,
    reason: sql`left(${finding.text}, 100)`,
  };
  const findingWithCase = sql`from ${finding} join ${caseFile} on ${caseFile.id} = ${finding.caseId}`;
  return [
    // The deciding organ sent it and the supervisor's organ must take it. Both see what did not arrive.
    source(sql`${pushWithCase} and ${push.organ} is not null and ${push.dueOn} < ${today}`, {
      ...pushColumns,
      id: sql`'push ' || ${push.id}`,
      kind: sql`'PUSH_OVERDUE'`,
      organs: sql`array[${push.organ}, ${push.decidedBy}]`,
    }),
    source(sql`${pushWithCase} and ${push.organ} is null`, {
      ...pushColumns,
      id: sql`'push ' || ${push.id}`,
      kind: sql`'PUSH_WITHOUT_ORGAN'`,
      organs: sql`array[${push.decidedBy}]`,
    }),
    source(sql`${findingWithCase} where ${finding.acknowledgedAt} is null and ${finding.endedAt} is null`, {
      ...findingColumns,
      id: sql`'finding ' || ${finding.id}`,
      kind: sql`'FINDING_OPEN'`,
      organs: sql`array[${finding.decidedBy}]`,
    }),
    source(sql`${findingWithCase} where ${finding.endedAt} is null and ${finding.dueOn} < ${today}`, {
      ...findingColumns,
      id: sql`'rectification ' || ${finding.id}`,
      kind: sql`'RECTIFICATION_OVERDUE'`,
      dueOn: sql`${finding.dueOn}`,
      organs: sql`array[${finding.organ}, ${finding.decidedBy}]`,
    }),
    source(sql`from ${duty} where ${duty.closedAt} is null`, {
      id: sql`'duty ' || ${duty.dutyId}`,
      kind: sql`${duty.kind}`,
      since: sql`${duty.openedAt}`,
      organs: sql`${duty.organs}`,
      window: sql`${duty.divisionCode}`,
      license: sql`${duty.identifier}`,
      subject: sql`${duty.name}`,
      reason: sql`${duty.reason}`,
    }),
  ];
}

/** The waiting proposals that a person may decide: the same rule as `PROPOSAL_POLICY.decideProposal`. */
function proposalSources({ id, roles, ...place }: Person): SQL[] {
  const organs = textArray(organsOf(place));
  const kinds = Object.entries<{ approvers: readonly Role[]; title: string }>(PROPOSALS);
  const conditions = kinds.flatMap(([kind, { approvers }]) => {
    const held = approvers.filter((role) => roles.includes(role));
    const isOfOrgan = sql`(${proposal.kind} = ${kind} and ${proposal.organ} = any(${organs}))`;
    const isOfNone = sql`(${proposal.kind} = ${kind} and ${proposal.organ} is null)`;
    return [
      ...(held.some((role) => role !== 'ADMINISTRATOR') ? [isOfOrgan] : []),
      ...(held.includes('ADMINISTRATOR') ? [isOfNone] : []),
    ];
  });
  if (conditions.length === 0) return [];
  const titles = kinds.map(([kind, { title }]) => sql`when ${proposal.kind} = ${kind} then ${title}`);
  const waiting = sql`from ${proposal} left join ${proposalOutcome} on ${proposalOutcome.proposalId} = ${proposal.id}
    where ${proposalOutcome.proposalId} is null and ${proposal.proposedById} <> ${id}
      and (${sql.join(conditions, sql` or `)})`;
  return [
    source(waiting, {
      id: sql`'proposal ' || ${proposal.id}`,
      kind: sql`'PROPOSAL_WAITING'`,
      since: sql`${proposal.at}`,
      organs: sql`case when ${proposal.organ} is null then '{}' else array[${proposal.organ}] end`,
      proposalId: sql`${proposal.id}`,
      subject: sql`case ${sql.join(titles, sql` `)} end`,
    }),
  ];
}

/** The waiting proposals of other subgraphs that a person may decide: the rule that the subgraph announced. */
function peerProposalSource({ id, roles, ...place }: Person, now: Date): SQL {
  const held = textArray(roles);
  const instant = sql`${now.toISOString()}::timestamptz`;
  const waiting = sql`from ${peerProposal} where ${peerProposal.endedAt} is null
    and (${peerProposal.lapsesAt} is null or ${peerProposal.lapsesAt} > ${instant})
    and ${peerProposal.proposedById} <> ${id} and ${peerProposal.roles} && ${held}
    and (${peerProposal.organ} is null or ${peerProposal.organ} = any(${textArray(organsOf(place))}))`;
  return source(waiting, {
    id: sql`'proposal ' || ${peerProposal.proposalId}`,
    kind: sql`${peerProposal.kind}`,
    since: sql`${peerProposal.proposedAt}`,
    dueOn: sql`(${peerProposal.lapsesAt} at time zone 'Asia/Shanghai')::date`,
    organs: sql`case when ${peerProposal.organ} is null then '{}' else array[${peerProposal.organ}] end`,
    caseId: sql`${peerProposal.caseId}`,
    license: sql`${peerProposal.license}`,
    proposalId: sql`case when ${peerProposal.kind} in ('IMPORT_PROPOSED', 'REGISTRATION_PROPOSED', 'SEAL_APPLICATION_WAITING',
      'BLANK_TRANSFER_PROPOSED')
      then ${peerProposal.proposalId} end`,
    subject: sql`${peerProposal.subject}`,
  });
}

/** Stores the newest ProposalChanged of a proposal, in place of the previous one. */
export async function putPeerProposal(tx: Transaction, event: EventPayload<'ProposalChanged'>): Promise<void> {
  const { proposedAt, lapsesAt, endedAt } = event;
  const toDate = (instant: string | null) => (instant === null ? null : new Date(instant));
  const times = { proposedAt: new Date(proposedAt), lapsesAt: toDate(lapsesAt), endedAt: toDate(endedAt) };
  const row = { ...event, ...times };
  await tx.insert(peerProposal).values(row).onConflictDoUpdate({ target: peerProposal.proposalId, set: row });
}

/** The order of `attention`. */
export const ATTENTION_ORDER: ColumnOrder<AttentionRow & { at: string }> = {
  name: 'attention',
  direction: 'ASC',
  keys: [
    { column: sql`item.since`, part: microsecondPart, readValue: ({ at }) => at },
    { column: sql`item.id`, part: idPart, readValue: ({ id }) => id },
  ],
};

/**
 * Returns a page of everything that waits at `now`, longest waiting first. It is one statement, so that the page is
 * consistent.
 */
export async function listAttention(
  db: Reader,
  { person, ...filter }: AttentionFilter & { person: Person },
  now: Date,
  page: KeysetRequest,
): Promise<CountedPage<AttentionRow & { at: string }>> {
  const { organs, window, all, kinds, holderCode } = filter;
  const today = dayOf(now);
  const overdueBefore = publicationOverdueBefore(await loadCalendar(db), today);
  const sources =
    holderCode === null
      ? [
          ...[...caseSources(today), ...matterSources(today), ...supervisionSources(today)],
          ...[endingSource(today), deemedSource(today), publicationSource(overdueBefore)],
          ...[...proposalSources(person), peerProposalSource(person, now)],
        ]
      : [endingSource(today, holderCode)];
  const scope = [
    organs === null ? null : sql`organs && ${textArray(organs)}`,
    window === null ? null : sql`${window} = "window"`,
  ].filter((condition) => condition !== null);
  const conditions = [
    all && scope.length === 0 ? sql`true` : sql`(${sql.join([...scope, sql`false`], sql` or `)})`,
    kinds === null
      ? null
      : sql`kind in (${sql.join(
          [...kinds, ''].map((kind) => sql`${kind}`),
          sql`, `,
        )})`,
  ].filter((condition) => condition !== null);
  const attentionPage = await selectCountedPage(db, page, (keyset) =>
    db
      .select({
        id: sql<string>`id`,
        kind: sql<AttentionKind>`kind`,
        // Text with microseconds, because a Date would lose digits that the cursor needs.
        since: sql<string>`to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
        dueOn: sql<string | null>`to_char(dueon, 'YYYY-MM-DD')`,
        organs: sql<string[]>`to_jsonb(organs)`,
        window: sql<string | null>`"window"`,
        caseId: sql<string | null>`caseid`,
        matterId: sql<string | null>`matterid`,
        license: sql<string | null>`license`,
        agreement: sql<string | null>`agreement`,
        pushId: sql<string | null>`pushid`,
        findingId: sql<string | null>`findingid`,
        proposalId: sql<string | null>`proposalid`,
        subject: sql<string>`subject`,
        reason: sql<string | null>`reason`,
      })
      .from(sql`(${sql.join(sources, sql` union all `)}) as item`)
      .where(and(...conditions, keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
  return {
    ...attentionPage,
    rows: attentionPage.rows.map((row) => ({ ...row, since: new Date(row.since), at: row.since })),
  };
}

/** The last day by which somebody must handle a case, as columns. */
export interface CaseRest {
  caseId: string;
  touchBy: Day | null;
  missingYear: number | null;
}

/** Returns the last day by which somebody must handle a case. All null once the case has ended. */
export function caseRestOf(subject: Case, calendar: Calendar): CaseRest {
  if (hasEnded(subject)) return { caseId: subject.id, touchBy: null, missingYear: null };
  const { dueOn: touchBy, missingYear } = restOf(subject, calendar);
  return { caseId: subject.id, touchBy, missingYear };
}

/**
 * Writes the last day by which somebody must handle a case.
 * Must be called in the transaction of the case's step, which holds the calendar.
 */
export async function putCaseRest(tx: Transaction, row: CaseRest): Promise<void> {
  await tx.insert(caseRest).values(row).onConflictDoUpdate({ target: caseRest.caseId, set: row });
}

/** Returns ids greater than `after` of cases that somebody must handle. */
export async function listRestingCases(db: Reader, after: string | null, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: caseRest.caseId })
    .from(caseRest)
    .where(
      and(
        or(isNotNull(caseRest.touchBy), isNotNull(caseRest.missingYear)),
        after === null ? undefined : gt(caseRest.caseId, after),
      ),
    )
    .orderBy(asc(caseRest.caseId))
    .limit(limit);
  return rows.map((row) => row.id);
}

/** Returns ids of cases without a row in `case_rest`. These are older than that table. */
export async function listCasesWithoutRest(db: Reader, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: caseFile.id })
    .from(caseFile)
    .leftJoin(caseRest, eq(caseRest.caseId, caseFile.id))
    .where(isNull(caseRest.caseId))
    .orderBy(asc(caseFile.serial))
    .limit(limit);
  return rows.map((row) => row.id);
}
