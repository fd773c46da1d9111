import type { Database, Transaction } from '../../../db/client.ts';
import { holdCalendar } from '../calendar/store.ts';
import type { Calendar } from '../calendar/working-day.ts';
import { findCases, lockCase, refreshFile } from '../store.ts';
import { listResting, listUnrested, restedOf, setRest } from './store.ts';

/** Cases reckoned in one go. */
const BATCH = 200;

/** Reckons again by when each resting case has to be taken on; the transaction holds the calendar. */
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

/** Brings in cases that are older than what is kept of their rest: whom they wait for, and by when. Gives how many. */
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
