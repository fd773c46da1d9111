import { and, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import { type Day, startOfDay } from '../../kernel/day.ts';
import { type ColumnOrder, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import { type Page, textPart } from '../../kernel/list/page.ts';
import { textArray } from '../../kernel/organ/place-store.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { dayAfter } from '../../kernel/period/validity.ts';
import type { OfficeScope } from '../../kernel/policy.ts';
import { LIBRARY_CONSUMERS } from '../act/event-store.ts';
import { buildOfficeCondition } from '../store.ts';
import {
  act,
  blank,
  license,
  licenseEntry,
  licenseType,
  licenseVersion,
  matterFact,
  organFact,
  outboxDelivery,
  outboxEvent,
  outboxReceipt,
  renewal,
  supervisionOrder,
} from '../tables.ts';
import { buildStateOn } from '../validity/store.ts';
import {
  CONDITION_DIMENSIONS,
  type CountedRow,
  type Dimension,
  type Measure,
  type Names,
  type Question,
} from './measure.ts';

/** The counts of licenses in SQL: one source per measure, one column of it per dimension. */

/** What a caller asks, whose records count for them, and the day of the question. */
export interface StatisticsQuery extends Question {
  scope: OfficeScope;
  today: Day;
}

/** SQL: the month of an instant in Asia/Shanghai. */
const monthOf = (at: SQL): SQL => sql`to_char(${at} at time zone 'Asia/Shanghai', 'YYYY-MM')`;
const ISSUER_OF_LICENSE = sql`${license.issuer} ->> 'id'`;

/** SQL condition for the licenses of a scope. */
const isCounted = (scope: OfficeScope): SQL => (scope.all ? sql`true` : sql`(${buildOfficeCondition(scope)})`);
const organsIn = (scope: OfficeScope): SQL => textArray(scope.all ? [] : scope.organs);

/**
 * SQL: identifier, state and seal of the current version of `license` on a day: by the acts that were entered until its
 * end, and the period of validity. The lowest version that nothing has superseded by then is the current one.
 */
function selectCurrent(day: Day): SQL {
  const { version, number, identifier } = licenseVersion;
  const end = startOfDay(dayAfter(day)).toISOString();
  // A renewal that was undecided on that day held the end off (视为准予延续).
  const isHeld = sql`exists (select 1 from ${renewal} where ${renewal.number} = ${number}
    and ${renewal.until} = ${licenseVersion.validUntil} and (${renewal.isRunning} or ${renewal.settledAt} >= ${end}))`;
  const columns = {
    state: sql`entered.state_after`,
    validFrom: licenseVersion.validFrom,
    validUntil: sql`(case when ${isHeld} then null else ${licenseVersion.validUntil} end)`,
    supersededFrom: licenseVersion.supersededFrom,
  };
  return sql`select stated.state, stated.seal_id from (
      select ${version} as version, ${licenseVersion.sealId} as seal_id, ${buildStateOn(columns, day)} as state
      from ${licenseVersion} join lateral (
        select ${licenseEntry.stateAfter} from ${licenseEntry}
        where ${licenseEntry.number} = ${number} and ${licenseEntry.identifier} = ${identifier}
          and ${licenseEntry.at} < ${end} order by ${licenseEntry.seq} desc limit 1
      ) as entered on true where ${number} = ${license.number}
    ) as stated
    order by stated.state = 'SUPERSEDED', case stated.state when 'SUPERSEDED' then -stated.version else stated.version end
    limit 1`;
}

/** SQL of the rows that a measure counts: a column for each of its dimensions, `at` and `lag` where it has them. */
const SOURCES: Record<Measure, (query: StatisticsQuery) => SQL> = {
  LICENSES: ({ scope, conditions, today }) => sql`
    select current.state as "STATE", ${license.typeCode} as "TYPE", ${ISSUER_OF_LICENSE} as "ISSUER",
      ${license.handledBy} as "DIVISION", ${license.matterId} as "MATTER",
      case when current.seal_id is null then 'REGISTERED' else 'ISSUED' end as "ORIGIN", null::float8 as lag
    from ${license} join lateral (${selectCurrent(conditions.on ?? today)}) as current on true
    where ${isCounted(scope)}`,
  ACTS: ({ scope }) => selectActs(sql`${isCounted(scope)}`),
  LAPSES: ({ scope }) => selectActs(sql`${act.act} = 'LAPSE' and ${isCounted(scope)}`),
  COLLECTIONS: ({ scope }) => sql`
    select case when ${outboxReceipt.deliveredAt} is not null then 'COLLECTED'
        when ${outboxDelivery.rejectedAt} is not null and ${outboxDelivery.delivered} + 1 = ${outboxEvent.revision}
        then 'FAILED' else 'PENDING' end as "STATE",
      ${monthOf(sql`${outboxEvent.occurredAt}`)} as "MONTH", ${ISSUER_OF_LICENSE} as "ISSUER",
      ${license.typeCode} as "TYPE", ${license.handledBy} as "DIVISION", ${license.matterId} as "MATTER",
      ${outboxEvent.occurredAt} as at,
      extract(epoch from ${outboxReceipt.deliveredAt} - ${outboxEvent.occurredAt})::float8 as lag
    from ${outboxEvent} join ${license} on ${license.number} = ${outboxEvent.payload} ->> 'number'
    left join ${outboxReceipt} on ${outboxReceipt.stream} = ${outboxEvent.stream}
      and ${outboxReceipt.revision} = ${outboxEvent.revision} and ${outboxReceipt.consumer} = ${CONSUMER_OF_EVENT}
    left join ${outboxDelivery} on ${outboxDelivery.stream} = ${outboxEvent.stream}
      and ${outboxDelivery.consumer} = ${CONSUMER_OF_EVENT}
    where ${outboxEvent.type} in ('LicenseChanged', 'RegisterStated') and ${isCounted(scope)}`,
  ORDERS: ({ scope }) => sql`
    select ${supervisionOrder.state} as "STATE", ${supervisionOrder.act} as "ACT",
      ${monthOf(sql`${supervisionOrder.orderedAt}`)} as "MONTH", ${supervisionOrder.issuer} as "ISSUER",
      ${supervisionOrder.supervisorId} as "SUPERVISOR", ${supervisionOrder.orderedAt} as at,
      extract(epoch from ${supervisionOrder.answeredAt} - ${supervisionOrder.orderedAt})::float8 as lag
    from ${supervisionOrder}
    where ${scope.all} or ${supervisionOrder.issuer} = any(${organsIn(scope)})
      or ${supervisionOrder.supervisorId} = any(${organsIn(scope)})`,
  BLANKS: ({ scope }) => sql`
    select ${blank.state} as "STATE", ${blank.organ} as "ISSUER", coalesce(${blank.licenseType}, '') as "TYPE",
      null::float8 as lag
    from ${blank} where ${scope.all} or ${blank.organ} = any(${organsIn(scope)})`,
};

/** SQL: the library's consumer of an event. */
const CONSUMER_OF_EVENT = sql`(case ${outboxEvent.type} when 'LicenseChanged' then ${LIBRARY_CONSUMERS.changes}
  else ${LIBRARY_CONSUMERS.statements} end)`;

/** SQL: the acts that were entered, once each. */
function selectActs(condition: SQL): SQL {
  return sql`
    select ${act.act} as "ACT", ${monthOf(sql`${act.doneAt}`)} as "MONTH", ${act.organ} ->> 'id' as "ISSUER",
      ${license.typeCode} as "TYPE", ${license.handledBy} as "DIVISION", ${act.matterId} as "MATTER",
      ${act.doneAt} as at, null::float8 as lag
    from ${act} join ${license} on ${license.number} = ${act.number}
    where ${act.state} = 'DONE' and ${condition}`;
}

const columnOf = (dimension: Dimension): SQL => sql`counted.${sql.identifier(dimension)} collate "C"`;

/** The key of a row: an id, a code, a state or a month. */
const keyPart = textPart(/^.{0,64}$/u);

/** Returns the order of the rows of a question: by their keys. */
export function statisticsOrder({ measure, by }: Pick<Question, 'measure' | 'by'>): ColumnOrder<CountedRow> {
  return {
    name: `licenseStatistics ${measure} ${by.join(' ')}`,
    direction: 'ASC',
    keys: by.map((dimension, i) => ({
      column: columnOf(dimension),
      part: keyPart,
      readValue: ({ keys }: CountedRow) => keys[i] ?? '',
    })),
  };
}

/** Returns a page of the counts per key, ordered by the keys. */
export function countBy(db: Reader, query: StatisticsQuery, page: KeysetRequest): Promise<Page<CountedRow>> {
  const columns = query.by.map(columnOf);
  return selectPage(page, (keyset) =>
    selectCounts(db, query, sql`jsonb_build_array(${sql.join(columns, sql`, `)})`)
      .where(and(...buildConditions(query), keyset.condition))
      .groupBy(...columns)
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Returns the counts over all keys together. */
export async function countAll(db: Reader, query: StatisticsQuery): Promise<CountedRow> {
  const [row] = await selectCounts(db, query, sql`jsonb_build_array()`).where(and(...buildConditions(query)));
  if (!row) throw new Error('an aggregate without a row');
  return row;
}

function selectCounts(db: Reader, query: StatisticsQuery, keys: SQL) {
  const seconds = (figure: SQL) =>
    sql<number | null>`round(${figure})::float8`.mapWith((value: number | null) =>
      value === null ? null : Number(value),
    );
  return db
    .select({
      keys: sql<string[]>`${keys}`,
      count: sql<number>`count(*)`.mapWith(Number),
      averageSeconds: seconds(sql`avg(counted.lag)`),
      longestSeconds: seconds(sql`max(counted.lag)`),
    })
    .from(sql`(${SOURCES[query.measure](query)}) as counted`)
    .$dynamic();
}

function buildConditions({ conditions }: StatisticsQuery): (SQL | undefined)[] {
  const { from, to } = conditions;
  const isEqual = (name: keyof typeof CONDITION_DIMENSIONS) =>
    conditions[name] === null ? undefined : sql`${columnOf(CONDITION_DIMENSIONS[name])} = ${conditions[name]}`;
  return [
    from === null ? undefined : sql`counted.at >= ${startOfDay(from).toISOString()}`,
    to === null ? undefined : sql`counted.at < ${startOfDay(dayAfter(to)).toISOString()}`,
    ...(['organ', 'licenseType', 'matter'] as const).map(isEqual),
  ];
}

/** Returns the names of organs, matters and types, as licenses know them. */
export async function findNames(tx: Transaction): Promise<Names> {
  const [facts, types, reforms] = await inOrder(tx, [
    (tx) => tx.select({ fact: matterFact.fact }).from(matterFact),
    (tx) =>
      tx
        .select({ code: licenseType.code, name: sql<string>`${licenseType.fact} #>> '{versions,-1,name}'` })
        .from(licenseType),
    (tx) => tx.select({ fact: organFact.fact }).from(organFact),
  ]);
  const organs = [...facts.flatMap(({ fact }) => fact.organs), ...reforms.map(({ fact }) => fact.organ)];
  // The name of a sub-item often means nothing without that of the main item.
  const nameMatter = ({ mainItem, subItem }: MatterFact) => (subItem === null ? mainItem : `${mainItem}：${subItem}`);
  return {
    organs: new Map(organs.map(({ id, name }) => [id, name])),
    matters: new Map(facts.map(({ fact }) => [fact.matterId, nameMatter(fact)])),
    types: new Map(types.map(({ code, name }) => [code, name])),
  };
}
