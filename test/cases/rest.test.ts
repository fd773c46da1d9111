import { describe, expect, test } from 'vitest';
import { PUBLISHED } from '../../subgraphs/cases/calendar/published.ts';
import { type RestingCase, restOf } from '../../subgraphs/cases/calendar/rest.ts';
import { calendarOf } from '../../subgraphs/cases/calendar/working-day.ts';

const calendar = calendarOf(PUBLISHED);
const stepOn = (step: string, day: string, data: RestingCase['steps'][number]['data'] = null) => ({
  step,
  at: new Date(`${day}T10:00:00+08:00`),
  data,
});
const restFor = (step: string, steps: RestingCase['steps'], guide: RestingCase['guide'] = null) =>
  restOf({ step, steps, guide }, calendar);

describe('how long a case may stay in a step', () => {
  test.each([
    ['RECEIVED', '2022-06-13'],
    ['SUPPLEMENT_ASKED', '2022-07-04'],
    ['ACCEPTED', '2022-06-13'],
    ['EXAMINED', '2022-06-13'],
    ['FORWARDED', '2022-06-13'],
    ['DECIDED', '2022-06-20'],
    ['CERTIFIED', '2022-06-20'],
  ])('%s since 2022-06-06: until %s', (step, dueOn) => {
    expect(restFor(step, [stepOn(step, '2022-06-06')])).toEqual({ since: '2022-06-06', dueOn, missingYear: null });
  });

  test.each(['DELIVERED', 'NOT_ACCEPTED', 'SUPPLEMENT_MISSED', 'WITHDRAWN', 'VOIDED'])('%s has no limit', (step) => {
    expect(restFor(step, [stepOn('RECEIVED', '2022-06-06'), stepOn(step, '2022-06-07')]).dueOn).toBeNull();
  });

  test('the limit that the guide sets for the next step has priority', () => {
    const names = ['收件受理', '审查', '作出决定', '制证', '送达'];
    const guide = { steps: names.map((name, i) => ({ name, limitDays: i === 3 ? null : i + 1 })) };
    const dueOn = (step: string) => restFor(step, [stepOn(step, '2022-06-06')], guide).dueOn;
    expect(dueOn('RECEIVED')).toBe('2022-06-07');
    expect(dueOn('ACCEPTED')).toBe('2022-06-08');
    expect(dueOn('EXAMINED')).toBe('2022-06-09');
    expect(dueOn('FORWARDED')).toBe('2022-06-09');
    // The guide names this step without a limit, so the default applies.
    expect(dueOn('DECIDED')).toBe('2022-06-20');
    expect(dueOn('CERTIFIED')).toBe('2022-06-13');
  });

  test('a supplement is due on the day that its notice names', () => {
    const supplementStep = stepOn('SUPPLEMENT_ASKED', '2022-06-06', { supplement: { until: '2022-06-18' } });
    expect(restFor('SUPPLEMENT_ASKED', [stepOn('RECEIVED', '2022-06-01'), supplementStep]).dueOn).toBe('2022-06-18');
  });

  test('a special procedure has its own limit, and its days do not count for the step', () => {
    const steps = [stepOn('ACCEPTED', '2022-06-06'), stepOn('PAUSED', '2022-06-08')];
    expect(restFor('ACCEPTED', steps)).toEqual({ since: '2022-06-08', dueOn: '2022-07-20', missingYear: null });
    expect(restFor('ACCEPTED', [...steps, stepOn('RESUMED', '2022-06-15')])).toEqual({
      since: '2022-06-06',
      dueOn: '2022-06-20',
      missingYear: null,
    });
  });

  test('the limit starts again when another organ takes over and when the case is sent back', () => {
    const movedSteps = [stepOn('ACCEPTED', '2022-06-06'), stepOn('MOVED', '2022-06-10')];
    expect(restFor('ACCEPTED', movedSteps)).toMatchObject({ since: '2022-06-10', dueOn: '2022-06-17' });
    const returnedSteps = [stepOn('FORWARDED', '2022-06-06'), stepOn('SENT_BACK', '2022-06-10')];
    expect(restFor('ACCEPTED', returnedSteps)).toMatchObject({ since: '2022-06-10', dueOn: '2022-06-17' });
  });

  test('names the missing calendar year and returns no due day', () => {
    expect(restFor('ACCEPTED', [stepOn('ACCEPTED', '2026-12-30')])).toEqual({
      since: '2026-12-30',
      dueOn: null,
      missingYear: 2027,
    });
  });
});
