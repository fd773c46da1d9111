import { readdirSync, readFileSync } from 'node:fs';
import chineseDays from 'chinese-days';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClockInput, clockOf } from '../../subgraphs/cases/calendar/clock.ts';
import { requireNotice } from '../../subgraphs/cases/calendar/notice.ts';
import { PUBLISHED, readPackage } from '../../subgraphs/cases/calendar/published.ts';
import {
  addDays,
  addWorkingDays,
  calendarOf,
  isWeekend,
  isWorkingDay,
  type Notice,
  tryWithCalendar,
  workingDaysBetween,
} from '../../subgraphs/cases/calendar/working-day.ts';

const publishedCalendar = calendarOf(PUBLISHED);

/** Vector files are named `<kind>.<rule>.json` and hold an array. */
function vectors<Vector>(folder: 'valid' | 'invalid', kind: string): (Vector & { file: string })[] {
  const folderUrl = new URL(`../vectors/${folder}/`, import.meta.url);
  const files = readdirSync(folderUrl).filter((file) => file.startsWith(`${kind}.`) && file.endsWith('.json'));
  const parseFile = (file: string) => JSON.parse(readFileSync(new URL(file, folderUrl), 'utf8')) as Vector[];
  return files.flatMap((file) => parseFile(file).map((vector) => ({ file, ...vector })));
}

interface WorkingDayVector {
  from: string;
  count: number;
  day: string;
  missingYear: number;
}

describe('working days', () => {
  test.each(vectors<WorkingDayVector>('valid', 'working-day'))('$file: $count after $from is $day', (vector) => {
    expect(addWorkingDays(publishedCalendar, vector.from, vector.count)).toBe(vector.day);
    expect(workingDaysBetween(publishedCalendar, vector.from, vector.day)).toBe(vector.count);
  });

  test.each(vectors<WorkingDayVector>('invalid', 'working-day'))('$file: $count after $from', (vector) => {
    const computeDay = () => addWorkingDays(publishedCalendar, vector.from, vector.count);
    expect(computeDay).toThrow(
      expect.objectContaining({
        code: 'CALENDAR_MISSING',
        message: expect.stringContaining(`${vector.missingYear}年`),
      }),
    );
    expect(tryWithCalendar(computeDay)).toEqual({ value: null, missingYear: vector.missingYear });
  });

  test('the calendar agrees with the package on every day of its years', () => {
    for (let day = '2004-01-01'; day <= '2026-12-31'; day = addDays(day, 1)) {
      if (isWorkingDay(publishedCalendar, day) !== chineseDays.isWorkday(day)) throw new Error(day);
    }
  });

  test('the package covers only the years that it has entries for', () => {
    const years = PUBLISHED.map((notice) => notice.year);
    expect(years).toEqual(Array.from({ length: years.length }, (_, i) => 2004 + i));
    expect(years).toContain(2022);
    const last = years.at(-1) ?? 0;
    expect(chineseDays.isHoliday(`${last + 1}-10-01`)).toBe(false);
    expect(publishedCalendar.years.has(last + 1)).toBe(false);
  });

  test('a year of which the package has only a few days has no calendar', () => {
    const fixed = Object.fromEntries(
      ['2030-01-01', '2030-05-01', '2030-10-01', '2030-10-02', '2030-10-03'].map((day) => [day, 'x,节,1']),
    );
    const holidays = { ...fixed, '2030-12-31': "New Year's Day,元旦,1", '2031-01-01': "New Year's Day,元旦,1" };
    const notices = readPackage({ holidays, workdays: { '2030-12-28': "New Year's Day,元旦,1" } }, 'a package');
    expect(notices.map(({ year }) => year)).toEqual([2030]);
    expect(notices[0]?.holidays).not.toContain('2030-12-31');
  });

  test('the notice for 2022 is the one that the State Council published', () => {
    const [printedNotice] = vectors<Notice>('valid', 'calendar-notice.all-long-holidays-of-2022');
    const packageNotice = PUBLISHED.find((notice) => notice.year === 2022);
    expect(packageNotice?.holidays).toEqual(printedNotice?.holidays);
    expect(packageNotice?.makeUpDays).toEqual(printedNotice?.makeUpDays);
  });

  test('a day depends on the notice that names it and on the calendar of its own year', () => {
    const without2023 = calendarOf(PUBLISHED.filter((notice) => notice.year !== 2023));
    expect(isWorkingDay(publishedCalendar, '2007-12-29')).toBe(true);
    expect(isWorkingDay(publishedCalendar, '2022-12-30')).toBe(true);
    expect(publishedCalendar.holidays.has('2022-12-31')).toBe(true);
    expect(without2023.holidays.has('2022-12-31')).toBe(false);
    expect(() => isWorkingDay(without2023, '2023-06-01')).toThrow(expect.objectContaining({ year: 2023 }));
  });

  test('if two notices name a day, the notice of the later year applies', () => {
    const notice = (year: number, holidays: string[], makeUpDays: string[]) => ({
      year,
      source: 'x',
      holidays,
      makeUpDays,
    });
    const olderNotice = notice(2022, [], ['2022-12-31']);
    const newerNotice = notice(2023, ['2022-12-31'], []);
    for (const order of [
      [olderNotice, newerNotice],
      [newerNotice, olderNotice],
    ]) {
      expect(isWorkingDay(calendarOf(order), '2022-12-31')).toBe(false);
    }
    expect(
      isWorkingDay(calendarOf([notice(2022, ['2022-12-31'], []), notice(2023, [], ['2022-12-31'])]), '2022-12-31'),
    ).toBe(true);
  });

  test('throws for a missing year between two calendars', () => {
    const calendarWithGap = calendarOf(PUBLISHED.filter(({ year }) => year === 2022 || year === 2024));
    expect(() => addWorkingDays(calendarWithGap, '2022-12-30', 3)).toThrow(expect.objectContaining({ year: 2023 }));
    expect(() => workingDaysBetween(calendarWithGap, '2022-12-30', '2024-01-05')).toThrow(
      expect.objectContaining({ year: 2023 }),
    );
    expect(addWorkingDays(calendarWithGap, '2023-12-31', 1)).toBe('2024-01-02');
  });

  const day = fc.integer({ min: 0, max: 8000 }).map((offset) => addDays('2004-01-02', offset));
  test('adding and counting working days are inverse operations', () => {
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 40 }), (from, count) => {
        const to = addWorkingDays(publishedCalendar, from, count);
        expect(isWorkingDay(publishedCalendar, to)).toBe(true);
        expect(workingDaysBetween(publishedCalendar, from, to)).toBe(count);
        expect(workingDaysBetween(publishedCalendar, from, addDays(to, -1))).toBe(count - 1);
        expect(workingDaysBetween(publishedCalendar, to, from)).toBe(0);
      }),
    );
  });
  test('a weekend day is a working day only if a notice says so', () => {
    fc.assert(
      fc.property(day, (sampleDay) => {
        if (isWeekend(sampleDay) && isWorkingDay(publishedCalendar, sampleDay))
          expect(publishedCalendar.makeUpDays.has(sampleDay)).toBe(true);
        if (!isWeekend(sampleDay) && !isWorkingDay(publishedCalendar, sampleDay))
          expect(publishedCalendar.holidays.has(sampleDay)).toBe(true);
      }),
    );
  });
});

describe('notices', () => {
  test.each(vectors<Notice>('valid', 'calendar-notice'))('$file', (notice) => requireNotice(notice));
  test.each(vectors<{ notice: Notice; field: string; names: string }>('invalid', 'calendar-notice'))(
    '$file names $names',
    ({ notice, field, names }) => {
      expect(() => requireNotice(notice)).toThrow(
        expect.objectContaining({ code: 'CALENDAR_MALFORMED', field, message: expect.stringContaining(names) }),
      );
    },
  );
  test('accepts every notice of the package', () => {
    expect(PUBLISHED.length).toBeGreaterThan(20);
    for (const notice of PUBLISHED) requireNotice(notice);
  });
  test('refuses a notice with more than 60 holidays', () => {
    const days = Array.from({ length: 61 }, (_, i) => addDays('2027-01-01', i));
    expect(() => requireNotice({ year: 2027, source: 'x', holidays: days, makeUpDays: [] })).toThrow(/60/);
  });
});

type ClockVector = Omit<ClockInput, 'calendar' | 'steps'> & {
  steps: { step: string; at: string }[];
  now: string;
  clock: object;
};

function computeClock({ steps, now, ...rest }: ClockVector) {
  const parsedSteps = steps.map((step) => ({ ...step, at: new Date(step.at) }));
  return clockOf({ ...rest, steps: parsedSteps, calendar: publishedCalendar, now: new Date(now) });
}

describe('clocks', () => {
  test.each(vectors<ClockVector>('valid', 'clock'))('$file at $now', (vector) => {
    expect(computeClock(vector)).toMatchObject({ missingYear: null, ...vector.clock });
  });
  test.each(vectors<ClockVector>('invalid', 'clock'))('$file at $now', (vector) => {
    expect(computeClock(vector)).toMatchObject(vector.clock);
  });
  test('loading a calendar changes running clocks', () => {
    const steps = [{ step: 'ACCEPTED', at: new Date('2026-12-28T02:00:00Z') }];
    const input = {
      steps,
      guideLimits: { statutoryDays: 20, promisedDays: 5 },
      powerType: 'LICENSE',
      now: new Date('2026-12-29T02:00:00Z'),
    } as const;
    const [fixed] = vectors<Notice>('valid', 'calendar-notice.fixed-holidays-alone');
    const [december] = vectors<Notice>('valid', 'calendar-notice.new-year-in-december-before');
    if (!fixed || !december) throw new Error('no vector');
    expect(clockOf({ ...input, calendar: calendarOf([...PUBLISHED, fixed]) })).toMatchObject({
      state: 'GREEN',
      dueOn: '2027-01-05',
    });
    expect(clockOf({ ...input, calendar: calendarOf([...PUBLISHED, december]) })).toMatchObject({
      dueOn: '2027-01-06',
    });
  });
});
