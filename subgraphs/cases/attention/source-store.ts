import { type SQL, sql } from 'drizzle-orm';
import type { Day } from '../../kernel/day.ts';
import { licenseFact, matterFact } from '../tables.ts';
import { type AttentionRow, LICENSE_WARNING_DAYS } from './attention.ts';

/** What the sources of items that wait for a person have in common, and the source of licenses that end. */

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
 * Licenses whose last day comes soon, for the organ whose seal their matter bears today. The second warning is an item
 * of its own, so that it stands out again.
 */
export function licenseSource(today: Day): SQL {
  const { first, second } = LICENSE_WARNING_DAYS;
  const [content, identifier] = [sql`(${licenseFact.fact}->'license')`, sql`(${licenseFact.fact}->>'identifier')`];
  const until = sql`(${licenseFact.fact}->'license'->>'validUntil')`;
  const dayAfter = (days: number) => sql`(${today}::date + ${days}::int)::text`;
  const days = sql`case when ${until} <= ${dayAfter(second)} then ${second}::int else ${first}::int end`;
  const issuer = sql`(select array[piece->'seals'->>'organ'] ${delegationsInForce(today)}
    and ${matterFact.matterId} = ${content}->>'matterId' limit 1)`;
  const ending = sql`from ${licenseFact} where ${licenseFact.fact}->>'state' in ('VALID', 'SUSPENDED')
    and ${until} >= ${today} and ${until} <= ${dayAfter(first)}`;
  return source(ending, {
    id: sql`'ending ' || (${days}) || ' ' || ${identifier}`,
    kind: sql`'LICENSE_ENDING'`,
    since: startOf(sql`${until}::date - (${days})`),
    dueOn: sql`${until}`,
    organs: sql`coalesce(${issuer}, '{}')`,
    license: sql`${identifier}`,
    matterId: sql`${content}->>'matterId'`,
    subject: sql`(${content}->>'licenseName') || ' ' || ${licenseFact.number}`,
    reason: sql`'有效期至' || ${until}`,
  });
}
