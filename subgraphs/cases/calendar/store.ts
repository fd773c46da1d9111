import { and, desc, eq, max, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Reader, Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import { PUBLISHED } from './published.ts';
import { calendarNotice } from './tables.ts';
import { type Calendar, calendarOf, type Notice } from './working-day.ts';

/** A notice with its version and the time of loading. Version 0 came with the package. */
export interface StoredNotice extends Notice {
  version: number;
  loadedAt: Date | null;
}

type Row = typeof calendarNotice.$inferSelect;

function toNotice({ year, source, holidays, makeUpDays, version, loadedAt }: Row): StoredNotice {
  return { year, source, holidays, makeUpDays, version, loadedAt };
}

const toPackageNotice = (notice: Notice): StoredNotice => ({ ...notice, version: 0, loadedAt: null });

/** Returns the newest loaded notice of each year that has one. */
function newestLoaded(db: Reader): Promise<Row[]> {
  const newer = alias(calendarNotice, 'newer');
  const newest = db
    .select({ version: max(newer.version) })
    .from(newer)
    .where(eq(newer.year, calendarNotice.year));
  return db.select().from(calendarNotice).where(eq(calendarNotice.version, newest)).orderBy(calendarNotice.year);
}

/** Returns the notice in force for each year, oldest year first. */
export async function listNotices(db: Reader): Promise<StoredNotice[]> {
  return joinNotices(await newestLoaded(db));
}

function joinNotices(loaded: readonly Row[]): StoredNotice[] {
  const noticesByYear = new Map(PUBLISHED.map((notice) => [notice.year, toPackageNotice(notice)]));
  for (const row of loaded) noticesByYear.set(row.year, toNotice(row));
  return [...noticesByYear.values()].sort((a, b) => a.year - b.year);
}

/** The calendar built last. Rows never change and ids are never reused, so the same ids mean the same calendar. */
let cachedCalendar: { ids: string; calendar: Calendar } | null = null;

/** Returns the calendar in force. Runs one small query, and builds the calendar again only after a load. */
export async function loadCalendar(db: Reader): Promise<Calendar> {
  const loaded = await newestLoaded(db);
  const ids = loaded.map((row) => row.id).join(' ');
  if (cachedCalendar?.ids !== ids) cachedCalendar = { ids, calendar: calendarOf(joinNotices(loaded)) };
  return cachedCalendar.calendar;
}

/** Returns a year's notice in force, or the given version of it. Null if there is none. */
export async function findNotice(db: Reader, year: number, version: number | null): Promise<StoredNotice | null> {
  const published = PUBLISHED.find((notice) => notice.year === year);
  if (version === 0) return published ? toPackageNotice(published) : null;
  const [row] = await db
    .select()
    .from(calendarNotice)
    .where(and(eq(calendarNotice.year, year), version === null ? undefined : eq(calendarNotice.version, version)))
    .orderBy(desc(calendarNotice.version))
    .limit(1);
  if (row) return toNotice(row);
  return version === null && published ? toPackageNotice(published) : null;
}

export async function insertNotice(
  tx: Transaction,
  notice: StoredNotice,
  origin: { actorId: string; actor: string; loadedAt: Date },
): Promise<void> {
  const { year, version, source, holidays, makeUpDays } = notice;
  await tx.insert(calendarNotice).values({
    ...origin,
    id: crypto.randomUUID(),
    year,
    version,
    source,
    holidays: [...holidays],
    makeUpDays: [...makeUpDays],
  });
}

const CALENDAR_LOCK_ID = 7_310_006;

/**
 * Locks the calendar in shared mode until the transaction ends, and returns it.
 * The next load waits, so that it sees and recalculates everything that was written with this calendar.
 */
export async function holdCalendar(tx: Transaction): Promise<Calendar> {
  const [, calendar] = await inOrder(tx, [lockShared, loadCalendar]);
  return calendar;
}

async function lockShared(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(${CALENDAR_LOCK_ID})`);
}

/** Locks the calendar exclusively: one load at a time, after all transactions that hold the calendar. */
export async function lockCalendar(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${CALENDAR_LOCK_ID})`);
}
