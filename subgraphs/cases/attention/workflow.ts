import type { Database, Transaction } from '../../../db/client.ts';
import { holdCalendar } from '../calendar/store.ts';
import type { Calendar } from '../calendar/working-day.ts';
import { findCases, lockCase, refreshDerivedColumns } from '../store.ts';
import { caseRestOf, listCasesWithoutRest, listRestingCases, putCaseRest } from './store.ts';

/** Cases per batch. */
const MAX_BATCH_CASES = 200;

/**
 * Calculates again by when each waiting case must be handled. Must be called in a transaction that holds the calendar.
 */
export async function recalculateRests(tx: Transaction, calendar: Calendar): Promise<void> {
  for (let after: string | null = null; ; ) {
    const ids: string[] = await listRestingCases(tx, after, MAX_BATCH_CASES);
    for (const stored of await findCases(tx, ids)) {
      if (stored) await putCaseRest(tx, caseRestOf(stored.subject, calendar));
    }
    after = ids.at(-1) ?? null;
    if (ids.length < MAX_BATCH_CASES) return;
  }
}

/** Fills in `case_rest` and the derived columns for cases that are older than these. Returns the number of cases. */
export async function backfillRests(db: Database): Promise<number> {
  let count = 0;
  for (;;) {
    const ids = await listCasesWithoutRest(db, MAX_BATCH_CASES);
    for (const id of ids) {
      await db.transaction(async (tx) => {
        const stored = await lockCase(tx, id);
        if (!stored) return;
        const calendar = await holdCalendar(tx);
        await refreshDerivedColumns(tx, stored.subject);
        await putCaseRest(tx, caseRestOf(stored.subject, calendar));
      });
      count++;
    }
    if (ids.length < MAX_BATCH_CASES) return count;
  }
}
