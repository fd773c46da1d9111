import { and, asc, count, eq, gt, inArray, lte, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Mode } from '../../kernel/events/events.ts';
import { cutPage, type Page, type PageRequest } from '../../kernel/http/page.ts';
import { caseFile } from '../tables.ts';

/** A case that is not closed, without the data of its applicant. */
export interface RunningCase {
  serial: number;
  number: string;
  step: typeof caseFile.$inferSelect.step;
  mode: Mode;
}

export type RunningPage = Page<RunningCase> & { totalCount: number };

/** Returns a page of running cases for each matter in `matterIds`, in that order, oldest case first. */
export async function listRunning(
  db: Reader,
  matterIds: readonly string[],
  page: PageRequest<number>,
): Promise<RunningPage[]> {
  const running = and(inArray(caseFile.matterId, [...matterIds]), eq(caseFile.closed, false));
  const ranked = db
    .select({
      matterId: caseFile.matterId,
      serial: caseFile.serial,
      number: caseFile.number,
      step: caseFile.step,
      mode: sql<Mode>`${caseFile.delegation} ->> 'mode'`.as('mode'),
      place: sql<number>`row_number() over (partition by ${caseFile.matterId} order by ${caseFile.serial})`.as('place'),
    })
    .from(caseFile)
    .where(and(running, gt(caseFile.serial, page.after ?? 0)))
    .as('ranked');
  const [rows, totals] = await Promise.all([
    db
      .select()
      .from(ranked)
      .where(lte(ranked.place, page.first + 1))
      .orderBy(asc(ranked.serial)),
    db.select({ matterId: caseFile.matterId, total: count() }).from(caseFile).where(running).groupBy(caseFile.matterId),
  ]);
  const byMatter = Map.groupBy(rows, (row) => row.matterId);
  const totalOf = new Map(totals.map((row) => [row.matterId, row.total]));
  return matterIds.map((id) => ({
    ...cutPage(byMatter.get(id) ?? [], page.first),
    totalCount: totalOf.get(id) ?? 0,
  }));
}
