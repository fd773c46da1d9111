import type { Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';

/**
 * Working days (工作日) of the Chinese calendar: weekends, holidays, make-up working days (调休).
 * Time limits count in working days (行政许可法 art. 82). The day from which a limit runs does not count (民法典 art. 201).
 */

/**
 * One year's notice of the State Council (国务院办公厅关于…年部分节假日安排的通知). It is named after `year`.
 * New Year's holiday, or a make-up day for it, may fall in December of the year before.
 * For example, the notice for 2023 makes 2022-12-31 a holiday.
 * Such a day belongs to the notice that names it, but it is looked up in its own year's calendar, here 2022.
 * It stays there only as long as the notice for 2023 names it.
 */
export interface Notice {
  year: number;
  /** Number of the notice (文号), or another source of the days. */
  source: string;
  holidays: readonly Day[];
  /** Weekend days on which the offices work. */
  makeUpDays: readonly Day[];
}

/** The working days of all years for which a notice is known. */
export interface Calendar {
  /** Years that have a notice. Days of other years cannot be classified. */
  years: ReadonlySet<number>;
  holidays: ReadonlySet<Day>;
  makeUpDays: ReadonlySet<Day>;
}

/** Joins notices, one for each year, into a calendar. If two name the same day, the later year's notice applies. */
export function calendarOf(notices: readonly Notice[]): Calendar {
  const holidays = new Set<Day>();
  const makeUpDays = new Set<Day>();
  for (const notice of [...notices].sort((a, b) => a.year - b.year)) {
    for (const day of notice.holidays) {
      holidays.add(day);
      makeUpDays.delete(day);
    }
    for (const day of notice.makeUpDays) {
      makeUpDays.add(day);
      holidays.delete(day);
    }
  }
  return { years: new Set(notices.map((notice) => notice.year)), holidays, makeUpDays };
}

/** The refusal CALENDAR_MISSING, with the year that has no notice. */
class CalendarMissing extends Refusal {
  readonly year: number;

  constructor(year: number) {
    super('CALENDAR_MISSING', null, `${year}年`);
    this.year = year;
  }
}

/** Whether the offices work on `day`. Refuses CALENDAR_MISSING. */
export function isWorkingDay(calendar: Calendar, day: Day): boolean {
  const year = Number(day.slice(0, 4));
  if (!calendar.years.has(year)) throw new CalendarMissing(year);
  if (calendar.holidays.has(day)) return false;
  return calendar.makeUpDays.has(day) || !isWeekend(day);
}

/**
 * Returns the `count`-th working day after `from`. `from` itself does not count; a count of 0 returns it.
 * Refuses CALENDAR_MISSING.
 */
export function addWorkingDays(calendar: Calendar, from: Day, count: number): Day {
  if (!Number.isInteger(count) || count < 0) throw new RangeError(`not a number of days: ${count}`);
  let day = from;
  for (let left = count; left > 0; ) {
    day = addDays(day, 1);
    if (isWorkingDay(calendar, day)) left--;
  }
  return day;
}

/**
 * Returns the working days after `from`, up to and including `to`, or 0 if `to` is not later. Refuses CALENDAR_MISSING.
 */
export function workingDaysBetween(calendar: Calendar, from: Day, to: Day): number {
  let count = 0;
  for (let day = addDays(from, 1); day <= to; day = addDays(day, 1)) if (isWorkingDay(calendar, day)) count++;
  return count;
}

/**
 * Returns the result of `calculate`, or the missing year if it refuses CALENDAR_MISSING.
 * For callers that must show something and not fail.
 */
export function tryWithCalendar<Value>(calculate: () => Value): { value: Value; missingYear: null } | MissingCalendar {
  try {
    return { value: calculate(), missingYear: null };
  } catch (error) {
    if (error instanceof CalendarMissing) return { value: null, missingYear: error.year };
    throw error;
  }
}
interface MissingCalendar {
  value: null;
  missingYear: number;
}

/** Returns the day that is `count` calendar days after `day`, or before it if `count` is negative. */
export function addDays(day: Day, count: number): Day {
  const DAY_MS = 86_400_000;
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

export function isWeekend(day: Day): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return weekday === 0 || weekday === 6;
}
