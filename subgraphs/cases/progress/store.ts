import { eq, inArray } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Case } from '../case.ts';
import { notice } from '../notice/tables.ts';
import { toStoredCases } from '../store.ts';
import { caseFile } from '../tables.ts';

/** Returns the codes on the receipts of the case with this number. One statement, case or not. */
export async function findCodes(db: Reader, number: string): Promise<string[]> {
  const ids = db.select({ id: caseFile.id }).from(caseFile).where(eq(caseFile.number, number));
  const rows = await db.select({ content: notice.content }).from(notice).where(inArray(notice.caseId, ids));
  return rows.flatMap(({ content }) => content.progress?.code ?? []);
}

/** Returns the case with this number, or null. */
export async function findCase(db: Reader, number: string): Promise<Case | null> {
  const rows = await db.select().from(caseFile).where(eq(caseFile.number, number));
  const [stored] = await toStoredCases(db, rows);
  return stored?.subject ?? null;
}
