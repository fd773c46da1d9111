import type { Day } from '../../kernel/day.ts';
import type { Mode } from '../../kernel/events.ts';
import { courseOf, dueOf, usedDays } from '../calendar/clock.ts';
import { type Calendar, flagged } from '../calendar/working-day.ts';
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

type Counted = Pick<Case, 'steps' | 'guide' | 'matter' | 'delegation' | 'acceptedBy'>;

/**
 * Returns the figures that statistics count for a case. Never refuses: a missing calendar is returned as `missingYear`.
 */
export function figureOf(subject: Counted, calendar: Calendar): Figure {
  const { steps, guide, matter, delegation, acceptedBy } = subject;
  const base = { organ: delegation.decides.organ ?? acceptedBy, mode: delegation.mode };
  const read = flagged(() => courseOf({ steps, guideLimits: guide, powerType: matter.powerType, calendar }));
  if (read.value === null) return { ...base, ...NOTHING, missingYear: read.missingYear };
  const course = read.value;
  const { startedOn: acceptedOn, silentUntil, endedOn, limitDays } = course;
  if (acceptedOn === null) return { ...base, ...NOTHING };
  const due = flagged(() => (limitDays === null ? null : dueOf(calendar, course, limitDays)));
  const used = flagged(() => (endedOn === null ? null : usedDays(calendar, course, endedOn)));
  return {
    ...base,
    acceptedOn,
    silentUntil,
    closedOn: endedOn,
    outcome: endedOn === null ? null : outcomeOf(steps),
    workingDays: used.value,
    dueOn: due.value,
    onTime: endedOn === null || due.value === null ? null : endedOn <= due.value,
    missingYear: due.missingYear ?? used.missingYear,
  };
}

const NOTHING = {
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
