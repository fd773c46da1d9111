import type { Transaction } from '../../../db/client.ts';
import { restOf } from '../calendar/rest.ts';
import type { Calendar } from '../calendar/working-day.ts';
import { findCases } from '../store.ts';
import { listResting, setRest } from './store.ts';

/** Cases reckoned in one go. */
const BATCH = 200;

/** Reckons again by when each resting case has to be taken on; the transaction holds the calendar. */
export async function reckonRests(tx: Transaction, calendar: Calendar): Promise<void> {
  for (let after: string | null = null; ; ) {
    const ids: string[] = await listResting(tx, after, BATCH);
    for (const found of await findCases(tx, ids)) {
      if (!found) continue;
      const { dueOn: touchBy, missingYear } = restOf(found.subject, calendar);
      await setRest(tx, { caseId: found.subject.id, touchBy, missingYear });
    }
    after = ids.at(-1) ?? null;
    if (ids.length < BATCH) return;
  }
}
