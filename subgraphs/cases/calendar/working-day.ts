import type { Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';

/**
 * Working days (工作日) of the Chinese calendar: weekends, holidays, make-up working days (调休). Time limits count in
 * them by 行政许可法 art. 82; a day from which a limit runs does not count itself (民法典 art. 201).
 */

/**
 * One year's notice of the State Council (国务院办公厅关于…年部分节假日安排的通知).
 *
 * It is named after `year`, but New Year's holiday may begin, or be made up for, in December of the year before: the notice for
 * 2023 makes 2022-12-31 a holiday. Such a day belongs to the notice that names it and to its own year's calendar:
 * it is looked up in 2022, and stays there only as long as the notice for 2023 says so.
 */
export interface Notice {
  year: number;
  /** Number of the paper (文号), or where else the days come from. */
  source: string;
  holidays: readonly Day[];
  /** Weekend days on which the offices work. */
  makeUpDays: readonly Day[];
}

/** The working days of all years for which a notice is known. */
export interface Calendar {
  /** Years with a notice of their own; no other year's days can be told. */
  years: ReadonlySet<number>;
  holidays: ReadonlySet<Day>;
  makeUpDays: ReadonlySet<Day>;
}

/** Joins notices, one for each year, into a calendar. Where two name the same day, the later year's notice is right. */
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

/** The refusal CALENDAR_MISSING, with the year that no notice is known for. */
export class CalendarMissing extends Refusal {
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

/** The `count`-th working day after `from`, which does not count itself; 0 gives `from`. Refuses CALENDAR_MISSING. */
export function addWorkingDays(calendar: Calendar, from: Day, count: number): Day {
  if (!Number.isInteger(count) || count < 0) throw new RangeError(`not a number of days: ${count}`);
  let day = from;
  for (let left = count; left > 0; ) {
    day = addDays(day, 1);
    if (isWorkingDay(calendar, day)) left--;
  }
  return day;
}

/** Working days after `from` up to and with `to`; 0 where `to` is not later. Refuses CALENDAR_MISSING. */
export function workingDaysBetween(calendar: Calendar, from: Day, to: Day): number {
  let count = 0;
  for (let day = addDays(from, 1); day <= to; day = addDays(day, 1)) if (isWorkingDay(calendar, day)) count++;
  return count;
}

/** What `reckon` answers, or the year that is missing: for callers that must show something rather than fail. */
export function flagged<Value>(reckon: () => Value): { value: Value; missingYear: null } | Missing {
  try {
    return { value: reckon(), missingYear: null };
  } catch (error) {
    if (error instanceof CalendarMissing) return { value: null, missingYear: error.year };
    throw error;
  }
}
interface Missing {
  value: null;
  missingYear: number;
}

/** `day`, so many calendar days later, or earlier for a negative count. */
export function addDays(day: Day, count: number): Day {
  const DAY_MS = 86_400_000;
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

export function isWeekend(day: Day): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return weekday === 0 || weekday === 6;
}
