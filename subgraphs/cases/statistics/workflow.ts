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

/** A page of rows and the totals of all, as one moment knew them: totals are the sum of the rows even while cases move. */
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

/** Cases reckoned in one go. */
const BATCH = 200;

/**
 * Reckons again by `calendar` what is not settled: running cases, and those that lacked a calendar. Gives how many have
 * another last day now. The transaction holds the calendar.
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

/** Reckons the figures of cases that have none, as those have that are older than the statistics. */
export function catchUp(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    // Against a step that is being written: its figure comes after this one, and is newer.
    await lockCalendar(tx);
    return reckonFigures(tx, await loadCalendar(tx), true);
  });
}
