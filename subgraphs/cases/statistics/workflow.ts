import type { Database, Transaction } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
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

export interface Counted {
  page: Page<Row>;
  totals: Row;
}

/**
 * Returns a page of rows and the totals of all rows. Both come from one snapshot, so that totals are the sum of the
 * rows.
 */
export function count(
  { db }: StatisticsDependencies,
  asked: store.Asked,
  by: Dimension,
  page: PageRequest<string>,
): Promise<Counted> {
  return db.transaction(
    async (tx) => {
      const found = await store.countBy(tx, asked, by, page);
      const names = await store.nameMattersAndOrgans(tx);
      const rows = found.rows.map((row) => ({ ...figuresOf(row), key: row.key, label: labelOf(by, row.key, names) }));
      const totals = { ...figuresOf(await store.countAll(tx, asked)), key: '', label: '合计' };
      return { page: { rows, hasNextPage: found.hasNextPage }, totals };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** Cases per batch. */
const BATCH = 200;

/**
 * Calculates again, with `calendar`, all figures that are not final: running cases, and cases that lacked a calendar.
 * Returns the number of cases whose last day changed. Must be called in a transaction that holds the calendar.
 */
export async function reckonFigures(tx: Transaction, calendar: Calendar, missingOnly = false): Promise<number> {
  let moved = 0;
  for (let after: string | null = null; ; ) {
    const rows = await store.listUnreckoned(tx, { after, most: BATCH, missingOnly });
    const cases = await findCases(
      tx,
      rows.map((row) => row.caseId),
    );
    const figures = cases.flatMap((one) =>
      one ? [{ caseId: one.subject.id, ...figureOf(one.subject, calendar) }] : [],
    );
    const before = new Map(rows.map((row) => [row.caseId, row.dueOn]));
    moved += figures.filter((figure) => figure.dueOn !== before.get(figure.caseId)).length;
    await store.setFigures(tx, figures);
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return moved;
    after = last.caseId;
  }
}

/** Calculates the figures of cases that have none, because they are older than the statistics. */
export function catchUp(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    // The lock excludes steps that are being written. Their figures must come after these, because they are newer.
    await lockCalendar(tx);
    return reckonFigures(tx, await loadCalendar(tx), true);
  });
}
