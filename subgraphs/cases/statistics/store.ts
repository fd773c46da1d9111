import { and, asc, eq, gt, inArray, isNotNull, isNull, ne, or, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { type ColumnOrder, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import { type Page, textPart } from '../../kernel/list/page.ts';
import { textArray } from '../../kernel/organ/place-store.ts';
import type { OfficeScope } from '../../kernel/policy.ts';
import type { Calendar } from '../calendar/working-day.ts';
import type { Case } from '../case.ts';
import { caseFigure, caseFile, matterFact, NO_LAST_DAY } from '../tables.ts';
import { type Figure, figureOf } from './figure.ts';
import type { Dimension, StatisticsFilter, Tally } from './statistics.ts';

/**
 * Writes the figures of a case, calculated with the calendar that the transaction holds.
 * Final figures do not change: those of a closed case that lack no calendar.
 */
export async function putFigure(tx: Transaction, subject: Case, calendar: Calendar): Promise<void> {
  const figure = figureOf(subject, calendar);
  await tx
    .insert(caseFigure)
    .values({ caseId: subject.id, ...figure })
    .onConflictDoUpdate({
      target: caseFigure.caseId,
      set: figure,
      setWhere: or(isNull(caseFigure.closedOn), isNotNull(caseFigure.missingYear)),
    });
}

/** Writes the day by which lists order these cases, from their figures, where it changes. */
export async function putLastDays(tx: Transaction, caseIds: readonly string[]): Promise<void> {
  const lastDay = sql`case when ${caseFigure.closedOn} is null then coalesce(${caseFigure.dueOn}, ${NO_LAST_DAY}) else ${NO_LAST_DAY} end`;
  await tx
    .update(caseFile)
    .set({ lastDay })
    .from(caseFigure)
    .where(and(eq(caseFigure.caseId, caseFile.id), inArray(caseFile.id, [...caseIds]), ne(caseFile.lastDay, lastDay)));
}

/**
 * Returns cases whose figures a calendar may change, ordered by id.
 * These are running cases, cases that lacked a year, and cases without figures. `missingOnly` selects only the last.
 */
export function listStaleFigures(
  db: Reader,
  { after, limit, missingOnly }: { after: string | null; limit: number; missingOnly: boolean },
): Promise<{ caseId: string; dueOn: Day | null }[]> {
  const hasNoFigure = isNull(caseFigure.caseId);
  const isRunning = and(eq(caseFile.closed, false), isNull(caseFigure.closedOn));
  return db
    .select({ caseId: caseFile.id, dueOn: caseFigure.dueOn })
    .from(caseFile)
    .leftJoin(caseFigure, eq(caseFigure.caseId, caseFile.id))
    .where(
      and(
        after === null ? undefined : gt(caseFile.id, after),
        missingOnly ? hasNoFigure : or(hasNoFigure, isRunning, isNotNull(caseFigure.missingYear)),
      ),
    )
    .orderBy(asc(caseFile.id))
    .limit(limit);
}

export async function setFigures(tx: Transaction, rows: readonly (Figure & { caseId: string })[]): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'caseId') as (keyof Figure)[];
  const set = Object.fromEntries(
    names.map((name) => [name, sql.raw(`excluded.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`)]),
  );
  await tx
    .insert(caseFigure)
    .values([...rows])
    .onConflictDoUpdate({ target: caseFigure.caseId, set });
  await putLastDays(
    tx,
    rows.map(({ caseId }) => caseId),
  );
}

export interface StatisticsQuery {
  scope: OfficeScope;
  filter: StatisticsFilter;
  today: Day;
}

/** A case counts once on the day of its acceptance, and once on the day of its closing. */
const ACCEPTED = sql`counted.kind = 'ACCEPTED'`;
const CLOSED = sql`counted.kind = 'CLOSED'`;
const DECIDED = sql`${CLOSED} and ${caseFigure.outcome} in ('GRANTED', 'REJECTED')`;

const KEYS: Record<Dimension, SQL<string>> = {
  MATTER: sql`${caseFile.matterId} collate "C"`,
  ORGAN: sql`coalesce(${caseFigure.organ}, '') collate "C"`,
  MODE: sql`${caseFigure.mode} collate "C"`,
  MONTH: sql`to_char(counted.day, 'YYYY-MM') collate "C"`,
  DIVISION: sql`${caseFile.divisionCode} collate "C"`,
  ACCEPTED_BY: sql`coalesce(${caseFile.acceptedBy}, '') collate "C"`,
  POWER_TYPE: sql`(${caseFile.matter} ->> 'powerType') collate "C"`,
  // The rules of `endsInLicenseAct` and `actOf`.
  ACTION: sql`(case when ${caseFile.delegation} -> 'outcome' ->> 'kind' = 'DECISION' then ''
    else coalesce(${caseFile.act}, ${caseFile.delegation} ->> 'licenseAction', 'ISSUE') end) collate "C"`,
};

/** The key of a row: an id, a code or a month. */
const keyPart = textPart(/^.{0,64}$/u);

/** Returns the order of `caseStatistics` by a dimension. */
export function statisticsOrder(dimension: Dimension): ColumnOrder<{ key: string }> {
  const name = `caseStatistics ${dimension}`;
  return { name, direction: 'ASC', keys: [{ column: KEYS[dimension], part: keyPart, readValue: ({ key }) => key }] };
}

/** Returns a page of counts per key, ordered by key. */
export function countBy(
  db: Reader,
  query: StatisticsQuery,
  dimension: Dimension,
  page: KeysetRequest,
): Promise<Page<Tally & { key: string }>> {
  const key = KEYS[dimension];
  return selectPage(page, (keyset) =>
    selectCounts(db, key.mapWith(String), query)
      .where(and(...conditions(query), keyset.condition))
      .groupBy(key)
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Returns the counts over all keys together. */
export async function countAll(db: Reader, query: StatisticsQuery): Promise<Tally> {
  const [row] = await selectCounts(db, sql<string>`''`.mapWith(String), query).where(and(...conditions(query)));
  if (!row) throw new Error('an aggregate without a row');
  const { key: _, ...tally } = row;
  return tally;
}

function selectCounts(db: Reader, key: SQL<string>, { today }: StatisticsQuery) {
  const count = (condition: SQL) => sql<number>`count(*) filter (where ${condition})`.mapWith(Number);
  const overdue = sql`${ACCEPTED} and ${caseFigure.closedOn} is null and ${caseFigure.dueOn} < ${today}`;
  return db
    .select({
      key,
      accepted: count(ACCEPTED),
      closed: count(CLOSED),
      granted: count(sql`${CLOSED} and ${caseFigure.outcome} = 'GRANTED'`),
      rejected: count(sql`${CLOSED} and ${caseFigure.outcome} = 'REJECTED'`),
      timed: count(sql`${DECIDED} and ${caseFigure.onTime} is not null`),
      onTime: count(sql`${DECIDED} and ${caseFigure.onTime}`),
      measured: count(sql`${DECIDED} and ${caseFigure.workingDays} is not null`),
      workingDays: sql<number>`coalesce(sum(${caseFigure.workingDays}) filter (where ${DECIDED}), 0)`.mapWith(Number),
      overdueRunning: count(overdue),
    })
    .from(caseFigure)
    .innerJoin(caseFile, eq(caseFile.id, caseFigure.caseId))
    .innerJoin(
      sql`lateral (values ('ACCEPTED', case when ${caseFigure.silentUntil} is null or ${caseFigure.silentUntil} < ${today}
        then ${caseFigure.acceptedOn} end), ('CLOSED', ${caseFigure.closedOn})) as counted(kind, day)`,
      sql`counted.day is not null`,
    )
    .$dynamic();
}

function conditions({ scope, filter }: StatisticsQuery): (SQL | undefined)[] {
  const { from, to, matter, organ, mode, division } = filter;
  return [
    visibleTo(scope),
    from === null ? undefined : sql`counted.day >= ${from}`,
    to === null ? undefined : sql`counted.day <= ${to}`,
    matter === null ? undefined : eq(caseFile.matterId, matter),
    organ === null ? undefined : eq(caseFigure.organ, organ),
    mode === null ? undefined : eq(caseFigure.mode, mode),
    division === null ? undefined : eq(caseFile.divisionCode, division),
  ];
}

/**
 * Returns the condition for the cases that a person's statistics count: those of its organ and window.
 * There is no condition for everybody's cases. A person's own applications never count.
 */
function visibleTo(scope: OfficeScope): SQL | undefined {
  if (scope.all) return undefined;
  const { organs, window } = scope;
  return or(
    organs.length === 0 ? undefined : sql`${caseFile.parties} && ${textArray(organs)}`,
    window === null ? undefined : eq(caseFile.window, window),
    sql`false`,
  );
}

/** Returns the names of matters and of the organs that they name, from the newest facts. */
export async function nameMattersAndOrgans(
  db: Reader,
): Promise<{ matters: Map<string, string>; organs: Map<string, string> }> {
  const rows = await db
    .select({
      id: matterFact.matterId,
      // The name of a sub-item often means nothing without that of the main item.
      name: sql<string>`concat_ws('：', ${matterFact.fact}->>'mainItem', ${matterFact.fact}->>'subItem')`,
      organs: sql<{ id: string; name: string }[]>`${matterFact.fact}->'organs'`,
    })
    .from(matterFact);
  return {
    matters: new Map(rows.map((row) => [row.id, row.name])),
    organs: new Map(rows.flatMap((row) => row.organs.map((organ) => [organ.id, organ.name]))),
  };
}
