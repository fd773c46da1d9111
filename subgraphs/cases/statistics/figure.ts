import type { Day } from '../../kernel/day.ts';
import type { Mode } from '../../kernel/events/events.ts';
import { courseOf, dueOf, usedDays } from '../calendar/clock.ts';
import { type Calendar, tryWithCalendar } from '../calendar/working-day.ts';
import type { Case } from '../case.ts';

/** How an accepted case was closed: decided, or OTHER (withdrawn, voided, or not accepted after all). */
export type Outcome = 'GRANTED' | 'REJECTED' | 'OTHER';

export interface Figure {
  organ: string | null;
  mode: Mode;
  acceptedOn: Day | null;
  silentUntil: Day | null;
  /** Day on which the clock ended. Also null if the case ended without acceptance: it is not counted then. */
  closedOn: Day | null;
  outcome: Outcome | null;
  /** Working days used, without suspensions. Null while the case runs. */
  workingDays: number | null;
  /**
   * Last day of the limit that binds the office. Null if there is no limit, the clock is stopped, or a calendar is
   * missing.
   */
  dueOn: Day | null;
  onTime: boolean | null;
  missingYear: number | null;
}

type CountedCase = Pick<Case, 'steps' | 'guide' | 'matter' | 'delegation' | 'acceptedBy'>;

/**
 * Returns the figures that statistics count for a case. Never refuses: a missing calendar is returned as `missingYear`.
 */
export function figureOf(subject: CountedCase, calendar: Calendar): Figure {
  const { steps, guide, matter, delegation, acceptedBy } = subject;
  const base = { organ: delegation.decides.organ ?? acceptedBy, mode: delegation.mode };
  const courseResult = tryWithCalendar(() =>
    courseOf({ steps, guideLimits: guide, powerType: matter.powerType, calendar }),
  );
  if (courseResult.value === null) return { ...base, ...NO_FIGURES, missingYear: courseResult.missingYear };
  const course = courseResult.value;
  const { startedOn: acceptedOn, silentUntil, endedOn, limitDays } = course;
  if (acceptedOn === null) return { ...base, ...NO_FIGURES };
  const due = tryWithCalendar(() => (limitDays === null ? null : dueOf(calendar, course, limitDays)));
  const usedResult = tryWithCalendar(() => (endedOn === null ? null : usedDays(calendar, course, endedOn)));
  return {
    ...base,
    acceptedOn,
    silentUntil,
    closedOn: endedOn,
    outcome: endedOn === null ? null : outcomeOf(steps),
    workingDays: usedResult.value,
    dueOn: due.value,
    onTime: endedOn === null || due.value === null ? null : endedOn <= due.value,
    missingYear: due.missingYear ?? usedResult.missingYear,
  };
}

const NO_FIGURES = {
  acceptedOn: null,
  silentUntil: null,
  closedOn: null,
  outcome: null,
  workingDays: null,
  dueOn: null,
  onTime: null,
  missingYear: null,
} as const;

function outcomeOf(steps: Case['steps']): Outcome {
  const finding = steps.find(({ step }) => step === 'DECIDED')?.finding;
  return finding === 'GRANTED' || finding === 'REJECTED' ? finding : 'OTHER';
}
