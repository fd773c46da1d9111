import { type Day, isDay } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { requireLine } from '../application.ts';
import { isWeekend, type Notice } from './working-day.ts';

const SOURCE_LENGTH = 60;
const HOLIDAYS_MOST = 60;
const MAKE_UP_DAYS_MOST = 30;
/** Years that have notices in the present form. The bounds also catch typing errors. */
const FIRST_YEAR = 2000;
const LAST_YEAR = 2100;
/** Statutory holidays of fixed date, 全国年节及纪念日放假办法 art. 2. The dates of the others follow the moon or the sun. */
const FIXED = ['01-01', '05-01', '10-01', '10-02', '10-03'] as const;

/** Returns the statutory holidays of fixed date that a notice for `year` must name. */
export function fixedHolidays(year: number): Day[] {
  return FIXED.map((date) => `${year}-${date}`);
}

/**
 * Checks a notice before it is loaded. Its days must be in its year, or in the December before it (New Year).
 * A make-up day must be a weekend day. No day may appear twice.
 * The statutory holidays of fixed date must be there.
 * Refuses CALENDAR_MALFORMED with what is wrong, and FIELD_TOO_LONG or FIELD_MALFORMED for the source.
 */
export function requireNotice(notice: Notice): void {
  const { year, source, holidays, makeUpDays } = notice;
  if (!Number.isInteger(year) || year < FIRST_YEAR || year > LAST_YEAR) {
    throw malformed('year', `年度须在${FIRST_YEAR}至${LAST_YEAR}之间`);
  }
  requireLine(source, SOURCE_LENGTH, 'source');
  requireDays(year, 'holidays', holidays, HOLIDAYS_MOST);
  requireDays(year, 'makeUpDays', makeUpDays, MAKE_UP_DAYS_MOST);
  const both = makeUpDays.find((day) => holidays.includes(day));
  if (both !== undefined) throw malformed('makeUpDays', `${both}既放假又上班`);
  const weekday = makeUpDays.find((day) => !isWeekend(day));
  if (weekday !== undefined) throw malformed('makeUpDays', `${weekday}不是周末，无须调休上班`);
  const absent = fixedHolidays(year).filter((day) => !holidays.includes(day));
  if (absent.length > 0) throw malformed('holidays', `缺少法定节日${absent.join('、')}`);
}

function requireDays(year: number, field: 'holidays' | 'makeUpDays', days: readonly Day[], most: number): void {
  if (days.length > most) throw malformed(field, `最多${most}天`);
  const seen = new Set<Day>();
  for (const day of days) {
    if (!isDay(day)) throw malformed(field, `${day}不是日期`);
    if (!day.startsWith(`${year}-`) && !day.startsWith(`${year - 1}-12-`)) throw malformed(field, `${day}不在该年度内`);
    if (seen.has(day)) throw malformed(field, `${day}重复`);
    seen.add(day);
  }
}

function malformed(field: string, detail: string): Refusal {
  return new Refusal('CALENDAR_MALFORMED', field, detail);
}
