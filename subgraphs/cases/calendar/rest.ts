import { type Day, dayOf } from '../../kernel/day.ts';
import { ANSWER_DAYS, type ClockStep, dueOf, suspensionsOf } from './clock.ts';
import { addWorkingDays, type Calendar, flagged } from './working-day.ts';

/** How long a case may rest at its step before somebody has to be shown it (实施方案三.3: nothing is left hanging). */

export interface RestingCase {
  /** Position of the case: `Case.step`. */
  step: string;
  steps: readonly RestStep[];
  guide: { steps: readonly { name: string; limitDays: number | null }[] } | null;
}
type RestStep = ClockStep & { data?: { supplement?: { until: Day } } | null };

export interface Rest {
  /** Day since which nobody has taken the case on. */
  since: Day;
  /** Last day by which somebody has to; null where nobody has to, or where the calendar is missing. */
  dueOn: Day | null;
  missingYear: number | null;
}

/**
 * Working days that a case may rest at a position where its guide says nothing. Only those with an article behind them are
 * law; the others are this hub's choice, to be replaced by the guide's own limits.
 */
const DEFAULT_DAYS: Readonly<Record<string, number>> = {
  /** 行政许可法 art. 32(4): accept, refuse, or tell what is missing within 5 days. */
  RECEIVED: ANSWER_DAYS,
  /** Only where the notice names no last day of its own. */
  SUPPLEMENT_ASKED: 20,
  ACCEPTED: 5,
  EXAMINED: 5,
  FORWARDED: 5,
  /** 行政许可法 art. 44: issued and delivered within 10 days of the decision. */
  DECIDED: 10,
  CERTIFIED: 10,
};
/** A special procedure is looked at again after so many working days; the law leaves its length to the office (art. 45). */
const PAUSE_DAYS = 30;

/** The guide's step that comes next at a position, by what its name contains. */
const NEXT_STEP: Readonly<Record<string, string>> = {
  RECEIVED: '受理',
  ACCEPTED: '审查',
  EXAMINED: '决定',
  FORWARDED: '决定',
  DECIDED: '制证',
  CERTIFIED: '送达',
};

/**
 * Since when `subject` rests and by which day somebody must have taken it on. While a special procedure holds it, that
 * procedure's own limit runs; its days are left out of the position's. Never refuses: a missing calendar shows as `missingYear`.
 */
export function restOf(subject: RestingCase, calendar: Calendar): Rest {
  const last = subject.steps.findLast(({ step }) => step !== 'PAUSED' && step !== 'RESUMED');
  if (!last) throw new RangeError('a case without a step');
  const since = dayOf(last.at);
  const suspensions = suspensionsOf(subject.steps);
  const open = suspensions.find(({ to }) => to === null);
  if (open) return due(open.from, () => addWorkingDays(calendar, open.from, PAUSE_DAYS));
  const until = subject.step === 'SUPPLEMENT_ASKED' ? last.data?.supplement?.until : undefined;
  if (until !== undefined) return { since, dueOn: until, missingYear: null };
  const days = limitAt(subject);
  return due(since, () => (days === null ? null : dueOf(calendar, { startedOn: since, suspensions }, days)));
}

function due(since: Day, reckon: () => Day | null): Rest {
  const { value, missingYear } = flagged(reckon);
  return { since, dueOn: value, missingYear };
}

/** Working days that the case may rest where it is, or null where no step leads on. */
function limitAt({ step, guide }: RestingCase): number | null {
  const name = NEXT_STEP[step];
  const named = guide?.steps.find((one) => name !== undefined && one.name.includes(name));
  return named?.limitDays ?? DEFAULT_DAYS[step] ?? null;
}
