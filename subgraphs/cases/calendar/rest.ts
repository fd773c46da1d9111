import { type Day, dayOf } from '../../kernel/day.ts';
import { restsAfter } from '../case.ts';
import { ANSWER_DAYS, type ClockStep, dueOf, suspensionsOf } from './clock.ts';
import { addWorkingDays, type Calendar, tryWithCalendar } from './working-day.ts';

/** How long a case may stay at a step before it is shown to somebody (实施方案三.3: no case may be left unattended). */

export interface RestingCase {
  /** Position of the case: `Case.step`. */
  step: string;
  steps: readonly RestStep[];
  guide: { steps: readonly { name: string; limitDays: number | null }[] } | null;
}
type RestStep = ClockStep & { data?: { supplement?: { until: Day } } | null };

export interface Rest {
  /** Day since which nobody has handled the case. */
  since: Day;
  /** Last day by which somebody must handle it. Null if nobody must, or if the calendar is missing. */
  dueOn: Day | null;
  missingYear: number | null;
}

/**
 * Working days that a case may stay at a position if its guide names no limit.
 * Only the values with an article are law. The others are the choice of this hub; limits of the guide replace them.
 */
const DEFAULT_DAYS: Readonly<Record<string, number>> = {
  /** 行政许可法 art. 32(4): accept, refuse, or tell what is missing within 5 days. */
  RECEIVED: ANSWER_DAYS,
  /** Only if the notice names no last day. */
  SUPPLEMENT_ASKED: 20,
  ACCEPTED: 5,
  EXAMINED: 5,
  FORWARDED: 5,
  /** 行政许可法 art. 44: issued and delivered within 10 days of the decision. */
  DECIDED: 10,
  CERTIFIED: 10,
};
/** A special procedure is reviewed after this many working days. The law leaves its length to the office (art. 45). */
const PAUSE_DAYS = 30;

/** A word in the name of the guide's step that follows each position. */
const NEXT_STEP_WORD: Readonly<Record<string, string>> = {
  RECEIVED: '受理',
  ACCEPTED: '审查',
  EXAMINED: '决定',
  FORWARDED: '决定',
  DECIDED: '制证',
  CERTIFIED: '送达',
};

/**
 * Returns since when `subject` waits and the last day by which somebody must handle it.
 * While a special procedure is open, the limit of that procedure applies.
 * Its days do not count for the position.
 * Never refuses: a missing calendar is returned as `missingYear`.
 */
export function restOf(subject: RestingCase, calendar: Calendar): Rest {
  const last = subject.steps.findLast(({ step }) => !restsAfter(step));
  if (!last) throw new RangeError('a case without a step');
  const since = dayOf(last.at);
  const suspensions = suspensionsOf(subject.steps);
  const openSuspension = suspensions.find(({ to }) => to === null);
  if (openSuspension)
    return restFrom(openSuspension.from, () => addWorkingDays(calendar, openSuspension.from, PAUSE_DAYS));
  const until = subject.step === 'SUPPLEMENT_ASKED' ? last.data?.supplement?.until : undefined;
  if (until !== undefined) return { since, dueOn: until, missingYear: null };
  const days = restLimitOf(subject);
  return restFrom(since, () => (days === null ? null : dueOf(calendar, { startedOn: since, suspensions }, days)));
}

function restFrom(since: Day, calculate: () => Day | null): Rest {
  const { value, missingYear } = tryWithCalendar(calculate);
  return { since, dueOn: value, missingYear };
}

/** Returns the working days that the case may stay at its position, or null if no step follows. */
function restLimitOf({ step, guide }: RestingCase): number | null {
  const word = NEXT_STEP_WORD[step];
  const guideStep = guide?.steps.find((candidate) => word !== undefined && candidate.name.includes(word));
  return guideStep?.limitDays ?? DEFAULT_DAYS[step] ?? null;
}
