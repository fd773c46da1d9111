import { type SQL, sql } from 'drizzle-orm';
import type { Day } from '../../kernel/day.ts';
import { DEFAULT_WARNING_DAYS, MAX_WARNING_DAYS } from '../../kernel/license-type/type.ts';
import { isPublishable } from '../publication/store.ts';
import { runningRenewals } from '../renewal/store.ts';
import { caseFile, decisionSeal, licenseFact, licenseTypeFact, matterFact, notice } from '../tables.ts';
import type { AttentionRow } from './attention.ts';

/** What the sources of items that wait for a person have in common, and the sources of licenses that end. */

type Row = Omit<AttentionRow, 'since'> & { since: string };

/** Returns the SELECT of one source. All sources have the same columns in the same order. A missing column is null. */
export function source(from: SQL, columns: Partial<Record<keyof Row, SQL>>): SQL {
  const column = (name: keyof Row, type: string) =>
    sql`(${columns[name] ?? sql`null`})::${sql.raw(type)} as ${sql.raw(name.toLowerCase())}`;
  return sql`select ${column('id', 'text')}, ${column('kind', 'text')}, ${column('since', 'timestamptz')}, ${column('dueOn', 'date')},
    ${columns.organs ?? sql`'{}'`}::text[] as organs, ${column('window', 'text')}, ${column('caseId', 'text')}, ${column('matterId', 'text')},
    ${column('license', 'text')}, ${column('agreement', 'text')}, ${column('pushId', 'text')}, ${column('findingId', 'text')}, ${column('proposalId', 'text')}, ${column('subject', 'text')},
    ${column('reason', 'text')} ${from}`;
}

/** The start of a day: midnight in Asia/Shanghai. */
export const startOf = (day: SQL) => sql`(${day})::timestamp at time zone 'Asia/Shanghai'`;

/** The FROM clause for each matter with its delegation period (`piece`) in force on `today`. */
export const delegationsInForce = (today: Day) => sql`from ${matterFact}
  cross join lateral jsonb_array_elements(${matterFact.fact}->'delegations') as piece
  where coalesce(piece->>'validFrom', '') <= ${today} and coalesce(piece->>'validTo', '9999') >= ${today}`;

/**
 * SQL: the days before the end on which holder and organ of a license are warned, as its type says today. A type that
 * cases do not know has those of any type.
 */
const warningDaysOf = (typeCode: SQL, today: Day) => sql`coalesce((select version->'warningDays' from ${licenseTypeFact}
    cross join lateral jsonb_array_elements(${licenseTypeFact.fact}->'versions') as version
    where ${licenseTypeFact.code} = ${typeCode} and version->>'validFrom' <= ${today}
      and coalesce(version->>'validTo', '9999') >= ${today} limit 1), ${JSON.stringify(DEFAULT_WARNING_DAYS)}::jsonb)`;

/**
 * Licenses whose last day comes soon, for the organ whose seal their matter bears today, or those of a holder alone.
 * Each later warning is an item of its own, so that it stands out again. A renewal has a later last day, so it ends the
 * warning.
 */
export function endingSource(today: Day, holderCode: string | null = null): SQL {
  const [content, identifier] = [sql`(${licenseFact.fact}->'license')`, sql`(${licenseFact.fact}->>'identifier')`];
  const until = sql`(${licenseFact.fact}->'license'->>'validUntil')`;
  const dayAfter = (days: SQL) => sql`(${today}::date + ${days})::text`;
  const issuer = sql`(select array[piece->'seals'->>'organ'] ${delegationsInForce(today)}
    and ${matterFact.matterId} = ${content}->>'matterId' limit 1)`;
  const ending = sql`from ${licenseFact} cross join lateral (select min(one::int) as days
      from jsonb_array_elements_text(${warningDaysOf(sql`${content}->>'licenseType'`, today)}) as one
      where ${until} <= ${dayAfter(sql`one::int`)}) as warning
    where ${licenseFact.fact}->>'state' in ('VALID', 'SUSPENDED') and warning.days is not null
      and ${until} >= ${today} and ${until} <= ${dayAfter(sql`${MAX_WARNING_DAYS}::int`)}
      ${
        holderCode === null
          ? sql``
          : sql`and (${content}->'holder'->>'code' = ${holderCode}
        or ${content}->'coOwnership'->'coHolders' @> ${JSON.stringify([{ code: holderCode }])}::jsonb)`
      }`;
  return source(ending, {
    id: sql`'ending ' || warning.days || ' ' || ${identifier}`,
    kind: sql`'LICENSE_ENDING'`,
    since: startOf(sql`${until}::date - warning.days`),
    dueOn: sql`${until}`,
    organs: sql`coalesce(${issuer}, '{}')`,
    license: sql`${identifier}`,
    matterId: sql`${content}->>'matterId'`,
    subject: sql`(${content}->>'licenseName') || ' ' || ${licenseFact.printed}`,
    reason: sql`'有效期至' || ${until}`,
  });
}

/**
 * Licenses that count as renewed (视为准予延续, 行政许可法第五十条), because their last day has passed: for the organ that has
 * not decided the renewal that was asked for in time, and, once it is granted, for whoever makes the new version.
 */
export function deemedSource(today: Day): SQL {
  const until = sql`(${licenseFact.fact}->'license'->>'validUntil')`;
  const isGranted = sql`${caseFile.step} = 'DECIDED'`;
  const deemed = sql`from ${runningRenewals} join ${licenseFact} on ${licenseFact.number} = ${caseFile.licenseNumber}
    where ${licenseFact.fact}->>'state' in ('VALID', 'SUSPENDED') and ${until} < ${today}`;
  const decides = sql`${caseFile.delegation}->'decides'->>'organ'`;
  return source(deemed, {
    id: sql`'renewal ' || ${caseFile.id}`,
    kind: sql`case when ${isGranted} then 'RENEWAL_UNPRINTED' else 'RENEWAL_UNDECIDED' end`,
    since: startOf(sql`${until}::date + 1`),
    dueOn: until,
    organs: sql`case when ${isGranted} then ${caseFile.waitsOrgans} else array[${decides}] end`,
    window: sql`case when ${isGranted} then ${caseFile.waitsWindow} end`,
    caseId: sql`${caseFile.id}`,
    matterId: sql`${caseFile.matterId}`,
    license: sql`(${licenseFact.fact}->>'identifier')`,
    subject: sql`(${licenseFact.fact}->'license'->>'licenseName') || ' ' || ${licenseFact.printed}`,
    reason: sql`'有效期至' || ${until} || '，办件' || ${caseFile.number}`,
  });
}

/**
 * Decisions of days before `overdueBefore` that are not published, because their document is not sealed: for the organ
 * that decided.
 */
export function publicationSource(overdueBefore: Day): SQL {
  const unpublished = sql`from ${decisionSeal} join ${notice} on ${notice.id} = ${decisionSeal.noticeId}
    where ${decisionSeal.state} = 'PREPARED' and ${notice.issuedAt} < ${startOf(sql`${overdueBefore}::date`)} and ${isPublishable}`;
  return source(unpublished, {
    id: sql`'publication ' || ${decisionSeal.noticeId}`,
    kind: sql`'PUBLICATION_OVERDUE'`,
    since: sql`${notice.issuedAt}`,
    organs: sql`array[${decisionSeal.organ}]`,
    caseId: sql`${notice.caseId}`,
    matterId: sql`${decisionSeal.matterId}`,
    subject: sql`${notice.number}`,
  });
}
