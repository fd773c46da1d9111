import chineseDays from 'chinese-days';
import type { Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';

/** Years for which the State Council's holiday notice is at hand. */
export interface Calendar {
  from: number;
  to: number;
}

export const PUBLISHED: Calendar = { from: 2004, to: 2026 };

/** The `n`-th working day after `from`. Refuses CALENDAR_MISSING where it lies in a year without a calendar. */
export function addWorkingDays(calendar: Calendar, from: Day, n: number): Day {
  const day = new Date(`${from}T00:00:00Z`);
  for (let left = n; left > 0; ) {
    day.setUTCDate(day.getUTCDate() + 1);
    const year = day.getUTCFullYear();
    if (year < calendar.from || year > calendar.to) throw new Refusal('CALENDAR_MISSING', null, `${year} 年`);
    if (chineseDays.isWorkday(day.toISOString().slice(0, 10))) left--;
  }
  return day.toISOString().slice(0, 10);
}
