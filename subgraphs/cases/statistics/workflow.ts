import type { Database, Transaction } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { loadCalendar, lockCalendar } from '../calendar/store.ts';
import type { Calendar } from '../calendar/working-day.ts';
import { findCases } from '../store.ts';
import { figureOf } from './figure.ts';
import { type Dimension, figuresOf, labelOf, type Row } from './statistics.ts';
import * as store from './store.ts';

export interface StatisticsDependencies {
  db: Database;
  now: Clock;
}

export interface StatisticsResult {
  page: Page<Row>;
  totals: Row;
}

/**
 * Returns a page of rows and the totals of all rows. Both come from one snapshot, so that totals are the sum of the
 * rows.
 */
export function countCases(
  { db }: StatisticsDependencies,
  query: store.StatisticsQuery,
  by: Dimension,
  page: KeysetRequest,
): Promise<StatisticsResult> {
  return db.transaction(
    async (tx) => {
      const countPage = await store.countBy(tx, query, by, page);
      const names = await store.nameMattersAndOrgans(tx);
      const rows = countPage.rows.map((row) => ({
        ...figuresOf(row),
        key: row.key,
        label: labelOf(by, row.key, names),
      }));
      const totals = { ...figuresOf(await store.countAll(tx, query)), key: '', label: '合计' };
      return { page: { ...countPage, rows }, totals };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** Cases per batch. */
const MAX_BATCH_CASES = 200;

/**
 * Calculates again, with `calendar`, all figures that are not final: running cases, and cases that lacked a calendar.
 * Returns the number of cases whose last day changed. Must be called in a transaction that holds the calendar.
 */
export async function recalculateFigures(tx: Transaction, calendar: Calendar, missingOnly = false): Promise<number> {
  let movedCount = 0;
  for (let after: string | null = null; ; ) {
    const rows = await store.listStaleFigures(tx, { after, limit: MAX_BATCH_CASES, missingOnly });
    const cases = await findCases(
      tx,
      rows.map((row) => row.caseId),
    );
    const figures = cases.flatMap((stored) =>
      stored ? [{ caseId: stored.subject.id, ...figureOf(stored.subject, calendar) }] : [],
    );
    const previousDueDays = new Map(rows.map((row) => [row.caseId, row.dueOn]));
    movedCount += figures.filter((figure) => figure.dueOn !== previousDueDays.get(figure.caseId)).length;
    await store.setFigures(tx, figures);
    const lastRow = rows.at(-1);
    if (!lastRow || rows.length < MAX_BATCH_CASES) return movedCount;
    after = lastRow.caseId;
  }
}

/** Calculates the figures of cases that have none, because they are older than the statistics. */
export function backfillFigures(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    // The lock excludes steps that are being written. Their figures must come after these, because they are newer.
    await lockCalendar(tx);
    return recalculateFigures(tx, await loadCalendar(tx), true);
  });
}
