import data from 'chinese-days/dist/chinese-days.json' with { type: 'json' };
import about from 'chinese-days/package.json' with { type: 'json' };
import type { Day } from '../../kernel/day.ts';
import { fixedHolidays } from './notice.ts';
import type { Notice } from './working-day.ts';

/** The package's data: the name of each day, for instance `National Day,国庆节,3`. */
interface PackageData {
  holidays: Readonly<Record<Day, string>>;
  workdays: Readonly<Record<Day, string>>;
}

/** The notices that come with the package `chinese-days`. Notices that the office loads replace them. */
export const PUBLISHED: readonly Notice[] = readPackage(data, `chinese-days ${about.version}`);

/**
 * Returns the notices of the years for which the package has real entries.
 * These are the years that have all statutory holidays of fixed date.
 * The package itself answers for any year, by weekends alone.
 * Its last December may also hold a day of a notice that it does not have.
 */
export function readPackage({ holidays, workdays }: PackageData, source: string): Notice[] {
  const group = (days: Readonly<Record<Day, string>>) =>
    Map.groupBy(Object.keys(days), (day) => noticeYear(day, days[day] ?? ''));
  const holidaysByYear = group(holidays);
  const makeUpDaysByYear = group(workdays);
  return [...holidaysByYear.keys()]
    .sort((a, b) => a - b)
    .filter((year) => fixedHolidays(year).every((day) => day in holidays))
    .map((year) => ({
      year,
      source,
      holidays: (holidaysByYear.get(year) ?? []).sort(),
      makeUpDays: (makeUpDaysByYear.get(year) ?? []).sort(),
    }));
}

/** New Year's days in December belong to the notice of the following year. */
function noticeYear(day: Day, name: string): number {
  const year = Number(day.slice(0, 4));
  return day.slice(5, 7) === '12' && name.split(',')[1] === '元旦' ? year + 1 : year;
}
