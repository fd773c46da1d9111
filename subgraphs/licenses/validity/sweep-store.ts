import { and, asc, count, inArray, lt, max, type SQL, sql } from 'drizzle-orm';
import type { Database, Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { IN_FORCE } from '../../kernel/license-acts.ts';
import { act, certificateTask, licenseEntry, licenseVersion, sweepClock } from '../tables.ts';

/** What the sweep of ended licenses reads and keeps. */

/** SQL condition: the stored state is in force, the last day is before `today`, and nothing on the license is open. */
function buildDueCondition(today: Day): SQL | undefined {
  return and(
    // Only current versions are in force.
    inArray(licenseVersion.state, [...IN_FORCE]),
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
