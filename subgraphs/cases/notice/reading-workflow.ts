import { type Database, transact } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import type { StatedPurpose } from '../../kernel/privacy/purpose.ts';
import { findVisibleCase, recordReading } from '../reading/workflow.ts';
import * as store from './store.ts';

export interface NoticeReaders {
  db: Database;
  now: Clock;
}

/**
 * Returns a notice to be sent to `actor`, or null if there is none that the person may see or its file does not exist
 * yet. The reading is committed before. Refuses what `requirePurpose` refuses.
 */
export function openNotice(
  { db, now }: NoticeReaders,
  actor: Person,
  { id, form, stated, dryRun }: { id: string; form: string; stated: StatedPurpose; dryRun: boolean },
): Promise<store.StoredNotice | null> {
  return transact(db, dryRun, async (tx) => {
    const stored = await store.findNotice(tx, id);
    const at = now();
    const storedCase = stored && (await findVisibleCase(tx, actor, stored.notice.caseId, at));
    const isSealed = stored?.seal?.state === 'DONE';
    const hasFile = form === 'pdf' ? !stored?.seal || isSealed : isSealed;
    if (!storedCase || !hasFile) return null;
    await recordReading(tx, actor, storedCase, stated, { object: 'NOTICE', objectId: id, at });
    return stored;
  });
}
