import { and, asc, count, eq, inArray, isNull, lt, lte, max, type SQL, sql } from 'drizzle-orm';
import type { Database, Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { IN_FORCE } from '../../kernel/license-acts.ts';
import { dutyIds } from '../paper/duty-store.ts';
import { act, certificateTask, duty, licenseEntry, licenseVersion, sheet, sweepClock } from '../tables.ts';

/** What the sweep of ended licenses reads and keeps. */

/** SQL condition: the stored state is in force, the last day is before `today`, and nothing on the license is open. */
function buildDueCondition(today: Day): SQL | undefined {
  return and(
    inArray(licenseVersion.state, [...IN_FORCE]),
    // What a renewal takes the place of does not lapse.
    isNull(licenseVersion.supersededFrom),
    lt(licenseVersion.validUntil, today),
    sql`not exists (select 1 from ${act} where ${act.number} = ${licenseVersion.number} and ${act.state} = 'PREPARED')`,
    sql`not exists (select 1 from ${certificateTask} where ${certificateTask.content}->>'licenseNumber' = ${licenseVersion.number}
      and ${certificateTask.doneAt} is null and ${certificateTask.voidedAt} is null)`,
  );
}

/** The place of a license in the sweep. */
export interface EndedLicense {
  number: string;
  validUntil: Day;
}

/** Lists licenses to be ended, the longest ended first, after a place. */
export async function listEnded(
  db: Reader,
  today: Day,
  after: EndedLicense | null,
  limit: number,
): Promise<EndedLicense[]> {
  const { number, validUntil } = licenseVersion;
  const rows = await db
    .select({ number, validUntil })
    .from(licenseVersion)
    .where(
      and(
        buildDueCondition(today),
        after === null ? undefined : sql`(${validUntil}, ${number}) > (${after.validUntil}::date, ${after.number})`,
      ),
    )
    .orderBy(asc(validUntil), asc(number))
    .limit(limit);
  return rows.map((row) => ({ number: row.number, validUntil: row.validUntil ?? today }));
}

/** Counts the licenses to be ended, up to `limit`. */
export async function countEnded(db: Reader, today: Day, limit: number): Promise<number> {
  const due = db
    .select({ number: licenseVersion.number })
    .from(licenseVersion)
    .where(buildDueCondition(today))
    .limit(limit)
    .as('due');
  const [row] = await db.select({ due: count() }).from(due);
  return row?.due ?? 0;
}

/** A delivered sheet of a version whose place a renewal has taken. */
export interface ReplacedSheet {
  number: string;
  identifier: string;
  blankNumber: string;
}

/** Lists delivered sheets of versions whose place a renewal has taken, for whose return nobody was asked yet. */
export function listReplacedSheets(db: Reader, today: Day, limit: number): Promise<ReplacedSheet[]> {
  return db
    .select({ number: sheet.number, identifier: sheet.identifier, blankNumber: sheet.blankNumber })
    .from(sheet)
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, sheet.identifier))
    .leftJoin(duty, eq(duty.id, sql`${dutyIds.recall('')} || ${sheet.blankNumber}`))
    .where(and(lte(licenseVersion.supersededFrom, today), eq(sheet.state, 'DELIVERED'), isNull(duty.id)))
    .limit(limit);
}

/** Returns the newest time that an act or a sweep recorded, or null. */
export async function findNewestTime(db: Reader): Promise<Date | null> {
  const [entry] = await db.select({ at: max(licenseEntry.at) }).from(licenseEntry);
  const [mark] = await db.select({ at: sweepClock.at }).from(sweepClock);
  const times = [entry?.at ?? null, mark?.at ?? null].filter((at) => at !== null);
  return times.length === 0 ? null : new Date(Math.max(...times.map((at) => at.getTime())));
}

/** Records that the clock was taken for right at `at`, or confirmed by a person. An older time changes nothing. */
export async function putSweepClock(db: Database, at: Date, confirmedBy: string | null = null): Promise<void> {
  const set = confirmedBy === null ? { at } : { at, confirmedBy };
  await db
    .insert(sweepClock)
    .values({ id: 1, ...set })
    .onConflictDoUpdate({ target: sweepClock.id, set, setWhere: sql`${sweepClock.at} < excluded.at` });
}
