import { eq } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Case } from '../case.ts';
import { findByCases } from '../notice/store.ts';
import { toStoredCases } from '../store.ts';
import { caseFile } from '../tables.ts';

/** Returns the case with this number and the codes on its receipts, or null if there is none. */
export async function findProgress(db: Reader, number: string): Promise<{ subject: Case; codes: string[] } | null> {
  const rows = await db.select().from(caseFile).where(eq(caseFile.number, number));
  const [stored] = await toStoredCases(db, rows);
  if (!stored) return null;
  const notices = (await findByCases(db, [stored.subject.id])).get(stored.subject.id) ?? [];
  const codes = notices.flatMap(({ notice }) => notice.content.progress?.code ?? []);
  return { subject: stored.subject, codes };
}
