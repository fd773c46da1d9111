import { and, asc, count, eq, inArray, isNull, lt, lte, max, not, type SQL, sql } from 'drizzle-orm';
import type { Database, Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { IN_FORCE } from '../../kernel/license-acts.ts';
import { dutyIds } from '../paper/duty-store.ts';
import {
  act,
  certificateTask,
  duty,
  licenseEntry,
  licenseVersion,
  sheet,
  sweepClock,
  sweepConfirmation,
} from '../tables.ts';
import { isStatedAsHeld } from './hold-store.ts';

/** What the sweep of ended licenses reads and keeps. */

/** SQL condition: the stored state is in force, the last day is before `today`, and nothing on the license is open. */
function buildDueCondition(db: Reader, today: Day): SQL | undefined {
  return and(
    inArray(licenseVersion.state, [...IN_FORCE]),
    // What a renewal takes the place of does not lapse.
    isNull(licenseVersion.supersededFrom),
    lt(licenseVersion.validUntil, today),
    sql`not exists (select 1 from ${act} where ${act.number} = ${licenseVersion.number} and ${act.state} = 'PREPARED')`,
    sql`not exists (select 1 from ${certificateTask} where ${certificateTask.content}->>'licenseNumber' = ${licenseVersion.number}
      and ${certificateTask.doneAt} is null and ${certificateTask.voidedAt} is null)`,
    // The library takes no end of a license while the register's word is that a renewal holds it off.
    not(isStatedAsHeld(db, licenseVersion.number)),
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
        buildDueCondition(db, today),
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
    .where(buildDueCondition(db, today))
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

/** What is recorded of the clock: the newest time of an act or a sweep, and when a sweep last trusted the clock. */
export interface RecordedTimes {
  newestAt: Date | null;
  sweptAt: Date | null;
}

/** Returns the recorded times. Acts up to the newest time that a person has confirmed against do not count. */
export async function findRecordedTimes(db: Reader): Promise<RecordedTimes> {
  const { newestAt } = sweepConfirmation;
  const confirmed = db.select({ at: sql`coalesce(max(${newestAt}), '-infinity')` }).from(sweepConfirmation);
  const [entry] = await db
    .select({ at: max(licenseEntry.at) })
    .from(licenseEntry)
    .where(sql`${licenseEntry.at} > (${confirmed})`);
  const [mark] = await db.select({ at: sweepClock.at }).from(sweepClock);
  const sweptAt = mark?.at ?? null;
  const times = [entry?.at ?? null, sweptAt].filter((at) => at !== null);
  return { newestAt: times.length === 0 ? null : new Date(Math.max(...times.map((at) => at.getTime()))), sweptAt };
}

/** Records that a sweep took the clock for right at `at`. An older time changes nothing. */
export async function putSweepClock(db: Database, at: Date): Promise<void> {
  await db
    .insert(sweepClock)
    .values({ id: 1, at })
    .onConflictDoUpdate({ target: sweepClock.id, set: { at }, setWhere: sql`${sweepClock.at} < excluded.at` });
}

/** Records that a person says that the clock is right at `at`. It sets an earlier sweep's time forward or back. */
export async function confirmClock(db: Database, at: Date, confirmedBy: string): Promise<void> {
  await db.transaction(async (tx) => {
    const { newestAt } = await findRecordedTimes(tx);
    await tx.insert(sweepConfirmation).values({ at, newestAt, confirmedBy });
    const set = { at, confirmedBy };
    await tx
      .insert(sweepClock)
      .values({ id: 1, ...set })
      .onConflictDoUpdate({ target: sweepClock.id, set });
  });
}
