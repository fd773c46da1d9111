import type { Day } from '../../kernel/day.ts';
import type { Mode } from '../../kernel/events.ts';
import { courseOf, dueOf, usedDays } from '../calendar/clock.ts';
import { type Calendar, flagged } from '../calendar/working-day.ts';
import type { Case } from '../case.ts';

/** How an accepted case was closed: decided, or otherwise: withdrawn, voided, not accepted after all. */
export type Outcome = 'GRANTED' | 'REJECTED' | 'OTHER';

export interface Figure {
  organ: string | null;
  mode: Mode;
  acceptedOn: Day | null;
  silentUntil: Day | null;
  /** Day on which the clock ended; null also where the case ended without having been accepted: it counts nowhere. */
  closedOn: Day | null;
  outcome: Outcome | null;
  /** Working days used, without suspensions; null while it runs. */
  workingDays: number | null;
  /** Last day by the limit that the office is held to; null: no limit, the clock stands, or a calendar is missing. */
  dueOn: Day | null;
  onTime: boolean | null;
  missingYear: number | null;
}

type Counted = Pick<Case, 'steps' | 'guide' | 'matter' | 'delegation' | 'acceptedBy'>;

/** What statistics count of a case as its steps stand. Never refuses: a missing calendar shows as `missingYear`. */
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
