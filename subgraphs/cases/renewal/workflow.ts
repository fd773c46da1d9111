import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { lockCase } from '../store.ts';
import { announceRenewal, isAnnounced, listUnannounced } from './store.ts';

/** Cases per batch. */
const MAX_BATCH_CASES = 200;

/**
 * Tells licenses of the renewals that releases up to 0.4.1 accepted and that still run: a license in renewal has no
 * last day (视为准予延续). Returns how many it told. Safe to repeat and in several processes: a case is told once, under its
 * lock.
 */
export async function announceRunningRenewals({ db, now }: { db: Database; now: Clock }): Promise<number> {
  let count = 0;
  for (let after: string | null = null; ; ) {
    const ids: string[] = await listUnannounced(db, after, MAX_BATCH_CASES);
    for (const id of ids) if (await announceOnce(db, id, now())) count++;
    after = ids.at(-1) ?? null;
    if (ids.length < MAX_BATCH_CASES) return count;
  }
}

function announceOnce(db: Database, id: string, at: Date): Promise<boolean> {
  return db.transaction(async (tx) => {
    const subject = (await lockCase(tx, id))?.subject;
    if (!subject || (await isAnnounced(tx, id))) return false;
    return announceRenewal(tx, subject, subject, at);
  });
}
