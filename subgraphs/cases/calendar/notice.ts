import { type Day, isDay } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import { isWeekend, type Notice } from './working-day.ts';

const MAX_SOURCE_CHARS = 60;
const MAX_HOLIDAYS = 60;
const MAX_MAKE_UP_DAYS = 30;
/** Years that have notices in the present form. The bounds also catch typing errors. */
const MIN_YEAR = 2000;
const MAX_YEAR = 2100;
/** Statutory holidays of fixed date, 全国年节及纪念日放假办法 art. 2. The dates of the others follow the moon or the sun. */
const FIXED_DATES = ['01-01', '05-01', '10-01', '10-02', '10-03'] as const;

/** Returns the statutory holidays of fixed date that a notice for `year` must name. */
export function fixedHolidays(year: number): Day[] {
  return FIXED_DATES.map((date) => `${year}-${date}`);
}

/**
 * Checks a notice before it is loaded. Its days must be in its year, or in the December before it (New Year).
 * A make-up day must be a weekend day. No day may appear twice.
 * The statutory holidays of fixed date must be there.
 * Refuses CALENDAR_MALFORMED with what is wrong, and FIELD_TOO_LONG or FIELD_MALFORMED for the source.
 */
export function requireNotice(notice: Notice): void {
  const { year, source, holidays, makeUpDays } = notice;
  checkAll(
    () => requireYear(year),
    () => requireLine(source, MAX_SOURCE_CHARS, 'source'),
    () => requireDays(year, 'holidays', holidays, MAX_HOLIDAYS),
    () => requireDays(year, 'makeUpDays', makeUpDays, MAX_MAKE_UP_DAYS),
    () => requireMakeUpDays(holidays, makeUpDays),
    () => requireFixedHolidays(year, holidays),
  );
}

function requireYear(year: number): void {
  if (!Number.isInteger(year) || year < MIN_YEAR || year > MAX_YEAR) {
    throw malformed('year', `年度须在${MIN_YEAR}至${MAX_YEAR}之间`);
  }
}

function requireMakeUpDays(holidays: readonly Day[], makeUpDays: readonly Day[]): void {
  const conflictingDay = makeUpDays.find((day) => holidays.includes(day));
  if (conflictingDay !== undefined) throw malformed('makeUpDays', `${conflictingDay}既放假又上班`);
  const weekday = makeUpDays.find((day) => !isWeekend(day));
  if (weekday !== undefined) throw malformed('makeUpDays', `${weekday}不是周末，无须调休上班`);
}

function requireFixedHolidays(year: number, holidays: readonly Day[]): void {
  const missingHolidays = fixedHolidays(year).filter((day) => !holidays.includes(day));
  if (missingHolidays.length > 0) throw malformed('holidays', `缺少法定节日${missingHolidays.join('、')}`);
}

function requireDays(year: number, field: 'holidays' | 'makeUpDays', days: readonly Day[], maxDays: number): void {
  if (days.length > maxDays) throw malformed(field, `最多${maxDays}天`);
  const seenDays = new Set<Day>();
  for (const day of days) {
    if (!isDay(day)) throw malformed(field, `${day}不是日期`);
    if (!day.startsWith(`${year}-`) && !day.startsWith(`${year - 1}-12-`)) throw malformed(field, `${day}不在该年度内`);
    if (seenDays.has(day)) throw malformed(field, `${day}重复`);
    seenDays.add(day);
  }
}

function malformed(field: string, detail: string): Refusal {
  return new Refusal('CALENDAR_MALFORMED', field, detail);
}
