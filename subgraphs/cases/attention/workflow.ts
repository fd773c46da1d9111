import type { Database, Transaction } from '../../../db/client.ts';
import { holdCalendar } from '../calendar/store.ts';
import type { Calendar } from '../calendar/working-day.ts';
import { findCases, lockCase, refreshFile } from '../store.ts';
import { listResting, listUnrested, restedOf, setRest } from './store.ts';

/** Cases per batch. */
const BATCH = 200;

/**
 * Calculates again by when each waiting case must be handled. Must be called in a transaction that holds the calendar.
 */
export async function reckonRests(tx: Transaction, calendar: Calendar): Promise<void> {
  for (let after: string | null = null; ; ) {
    const ids: string[] = await listResting(tx, after, BATCH);
    for (const found of await findCases(tx, ids)) {
      if (found) await setRest(tx, restedOf(found.subject, calendar));
    }
    after = ids.at(-1) ?? null;
    if (ids.length < BATCH) return;
  }
}

/** Fills in `case_rest` and the derived columns for cases that are older than these. Returns the number of cases. */
export async function catchUpRests(db: Database): Promise<number> {
  let caught = 0;
  for (;;) {
    const ids = await listUnrested(db, BATCH);
    for (const id of ids) {
      await db.transaction(async (tx) => {
        const stored = await lockCase(tx, id);
        if (!stored) return;
        const calendar = await holdCalendar(tx);
        await refreshFile(tx, stored.subject);
        await setRest(tx, restedOf(stored.subject, calendar));
      });
      caught++;
    }
    if (ids.length < BATCH) return caught;
  }
}
