import { and, asc, count, eq, inArray, lte, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Mode } from '../../kernel/events/events.ts';
import { bySerial, type KeysetRequest, selectPages } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { caseFile } from '../tables.ts';

/** A case that is not closed, without the data of its applicant. */
export interface RunningCase {
  serial: number;
  number: string;
  step: typeof caseFile.$inferSelect.step;
  mode: Mode;
}

export type RunningPage = Page<RunningCase> & { totalCount: number };

/** The order of `runningCases`. */
export const RUNNING_ORDER = bySerial<RunningCase>('runningCases', caseFile.serial, 'ASC');

/** Returns a page of running cases for each matter in `matterIds`, in that order, oldest case first. */
export async function listRunning(
  db: Reader,
  matterIds: readonly string[],
  page: KeysetRequest,
): Promise<RunningPage[]> {
  const running = and(inArray(caseFile.matterId, [...matterIds]), eq(caseFile.closed, false));
  const parents = { ids: matterIds, idOf: ({ matterId }: { matterId: string }) => matterId };
  const pages = await selectPages(page, parents, ({ condition, orderBy, limit }) => {
    const place = sql<number>`row_number() over (partition by ${caseFile.matterId} order by ${sql.join(orderBy, sql`, `)})`;
    const ranked = db
      .select({
        matterId: caseFile.matterId,
        serial: caseFile.serial,
        number: caseFile.number,
        step: caseFile.step,
        mode: sql<Mode>`${caseFile.delegation} ->> 'mode'`.as('mode'),
        place: place.as('place'),
      })
      .from(caseFile)
      .where(and(running, condition))
      .as('ranked');
    return db.select().from(ranked).where(lte(ranked.place, limit)).orderBy(asc(ranked.place));
  });
  const totals = await db
    .select({ matterId: caseFile.matterId, total: count() })
    .from(caseFile)
    .where(running)
    .groupBy(caseFile.matterId);
  const totalOf = new Map(totals.map((row) => [row.matterId, row.total]));
  return pages.map((cut, i) => ({ ...cut, totalCount: totalOf.get(matterIds[i] ?? '') ?? 0 }));
}
