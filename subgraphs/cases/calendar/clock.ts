import { type Day, dayOf } from '../../kernel/day.ts';
import type { PowerType } from '../../kernel/events/events.ts';
import type { PauseKind } from '../case.ts';
import { addDays, addWorkingDays, type Calendar, isWorkingDay, tryWithCalendar } from './working-day.ts';

/** The clock of a case (办件计时): from its acceptance to its decision, in working days. */

/** The part of a step that a clock uses. Only the day of `at` in Asia/Shanghai counts. */
export interface ClockStep {
  step: string;
  at: Date;
  note?: string | null;
  data?: { pause?: { kind: PauseKind; papers: string[] } } | null;
}

/** Limits of a service guide in working days from acceptance. Null if the guide names none. */
export interface GuideLimits {
  statutoryDays: number | null;
  promisedDays: number | null;
}

export interface ClockInput {
  steps: readonly ClockStep[];
  guideLimits: GuideLimits | null;
  powerType: PowerType;
  calendar: Calendar;
}

/** Defaults of the law, used if the guide names no limit. A change of the law replaces them. */
/** 行政许可法 art. 42: 20 working days from acceptance, for a license. The other power types have no such general limit. */
const LICENSE_STATUTORY_DAYS = 20;
/** 行政许可法 art. 32(4): an application without an answer within 5 working days counts as accepted on its receipt. */
export const ANSWER_DAYS = 5;

/** AMBER begins when this share of the limit is left, or one working day if that is more. */
const AMBER_SHARE = 0.2;
const MIN_AMBER_DAYS = 1;

export const CLOCK_STATES = ['PENDING', 'NONE', 'GREEN', 'AMBER', 'RED', 'STOPPED', 'ENDED', 'UNKNOWN'] as const;
export type ClockState = (typeof CLOCK_STATES)[number];

/**
 * A special procedure, whose time does not count: from day `from` to the day before `to`. It is open while `to` is
 * null.
 */
export interface Suspension {
  kind: PauseKind | null;
  from: Day;
  to: Day | null;
  reason: string | null;
  papers: readonly string[];
}

/** The dates and limits of a case that follow from its steps, independent of the current day. */
export interface Course {
  /** Day of acceptance, or null before it. The first day that counts is the next working day. */
  startedOn: Day | null;
  /** Set while nobody has answered the applicant. `startedOn` takes effect on the day after this one (art. 32). */
  silentUntil: Day | null;
  /** Day of the decision or of another end. */
  endedOn: Day | null;
  /** The limit that binds the office: the promised one, else the statutory one. Null if there is none. */
  limitDays: number | null;
  statutoryDays: number | null;
  suspensions: readonly Suspension[];
}

export interface CaseClock {
  state: ClockState;
  /** Last day of the limit that binds the office. Null while the clock is stopped, or if it cannot be calculated. */
  dueOn: Day | null;
  statutoryDueOn: Day | null;
  limitDays: number | null;
  /** Working days of the limit that are left after today, or were left at the end. Negative if the case is late. */
  remainingDays: number | null;
  startedOn: Day | null;
  endedOn: Day | null;
  /** Working days of the suspensions so far. */
  suspendedDays: number | null;
  suspensions: readonly Suspension[];
  /** The year whose calendar is needed and not published. The state is then UNKNOWN unless the case has ended. */
  missingYear: number | null;
}

/**
 * Returns the clock at `now`. It starts with 受理 (art. 42) and stops for special procedures (art. 45).
 * It ends with the decision or any other end.
 * SENT_BACK and FORWARDED do not stop it, because the limit applies to all offices together (art. 43).
 * If nobody answers a received application within ANSWER_DAYS, the clock runs from the receipt (art. 32).
 * The plan has one procedure for all matters, so guide limits are counted in this way for every power type.
 * Never refuses: a missing calendar gives UNKNOWN.
 */
export function clockOf(input: ClockInput & { now: Date }): CaseClock {
  const { calendar } = input;
  const today = dayOf(input.now);
  const courseResult = tryWithCalendar(() => courseOf(input));
  if (courseResult.value === null) return { ...EMPTY_CLOCK, state: 'UNKNOWN', missingYear: courseResult.missingYear };
  const course = courseResult.value;
  const { endedOn, limitDays, statutoryDays, suspensions, silentUntil } = course;
  const startedOn = silentUntil !== null && today <= silentUntil ? null : course.startedOn;
  const base = { ...EMPTY_CLOCK, limitDays, endedOn };
  if (startedOn === null) return { ...base, state: endedOn === null ? 'PENDING' : 'ENDED' };
  const until = endedOn ?? today;
  const suspended = tryWithCalendar(() => suspendedDays(calendar, suspensions, startedOn, until));
  const startedClock = { ...base, startedOn, suspensions, suspendedDays: suspended.value };
  if (limitDays === null) return { ...startedClock, state: endedOn === null ? 'NONE' : 'ENDED' };
  const due = tryWithCalendar(() => dueOf(calendar, course, limitDays));
  const statutory = tryWithCalendar(() => (statutoryDays === null ? null : dueOf(calendar, course, statutoryDays)));
  const usedResult = tryWithCalendar(() => usedDays(calendar, course, until));
  const remainingDays = usedResult.value === null ? null : limitDays - usedResult.value;
  const missingYear = due.missingYear ?? statutory.missingYear ?? usedResult.missingYear ?? suspended.missingYear;
  return {
    ...startedClock,
    dueOn: due.value,
    statutoryDueOn: statutory.value,
    remainingDays,
    missingYear,
    state: stateOf(course, { today, dueOn: due.value, remainingDays, missingYear: due.missingYear }),
  };
}

const EMPTY_CLOCK = {
  dueOn: null,
  statutoryDueOn: null,
  limitDays: null,
  remainingDays: null,
  startedOn: null,
  endedOn: null,
  suspendedDays: null,
  suspensions: [],
  missingYear: null,
} as const satisfies Partial<CaseClock>;

function stateOf(
  { endedOn, limitDays }: Course,
  clock: { today: Day; dueOn: Day | null; remainingDays: number | null; missingYear: number | null },
): ClockState {
  if (endedOn !== null) return 'ENDED';
  if (clock.missingYear !== null) return 'UNKNOWN';
  // Without a last day the clock is stopped. A case that was late before it stopped has one, and stays late.
  if (clock.dueOn === null) return 'STOPPED';
  if (clock.today > clock.dueOn) return 'RED';
  const amberDays = Math.max(MIN_AMBER_DAYS, (limitDays ?? 0) * AMBER_SHARE);
  return (clock.remainingDays ?? 0) <= amberDays ? 'AMBER' : 'GREEN';
}

const END_STEPS: ReadonlySet<string> = new Set(['DECIDED', 'NOT_ACCEPTED', 'SUPPLEMENT_MISSED', 'WITHDRAWN', 'VOIDED']);

/**
 * Derives the course of a case from its steps.
 * Refuses CALENDAR_MISSING if the calendar is needed to check that the applicant was answered in time.
 */
export function courseOf({ steps, guideLimits, powerType, calendar }: ClockInput): Course {
  const endIndex = steps.findIndex(({ step }) => END_STEPS.has(step));
  const endStep = steps[endIndex];
  const statutoryDays = guideLimits?.statutoryDays ?? (powerType === 'LICENSE' ? LICENSE_STATUTORY_DAYS : null);
  return {
    ...startOf(steps, calendar),
    endedOn: endStep ? dayOf(endStep.at) : null,
    limitDays: guideLimits?.promisedDays ?? statutoryDays,
    statutoryDays,
    suspensions: suspensionsOf(endStep ? steps.slice(0, endIndex + 1) : steps),
  };
}

/** Steps that answer a receipt: the applicant knows the status of the application, or has withdrawn it. */
const ANSWER_STEPS: ReadonlySet<string> = new Set([
  'ACCEPTED',
  'SUPPLEMENT_ASKED',
  'NOT_ACCEPTED',
  'WITHDRAWN',
  'VOIDED',
]);

function startOf(steps: readonly ClockStep[], calendar: Calendar): Pick<Course, 'startedOn' | 'silentUntil'> {
  for (const [i, { step, at }] of steps.entries()) {
    if (step === 'ACCEPTED') return { startedOn: dayOf(at), silentUntil: null };
    // A supplement is a new receipt (art. 32(5)). It must be answered like the first one.
    if (step !== 'RECEIVED' && step !== 'SUPPLEMENTED') continue;
    const receivedOn = dayOf(at);
    const answer = steps.slice(i + 1).find((laterStep) => ANSWER_STEPS.has(laterStep.step));
    if (!answer) return { startedOn: receivedOn, silentUntil: addWorkingDays(calendar, receivedOn, ANSWER_DAYS) };
    if (!isAnsweredInTime(calendar, receivedOn, dayOf(answer.at))) return { startedOn: receivedOn, silentUntil: null };
  }
  return { startedOn: null, silentUntil: null };
}

function isAnsweredInTime(calendar: Calendar, receivedOn: Day, answeredOn: Day): boolean {
  // ANSWER_DAYS calendar days contain at most as many working days, so this check needs no calendar.
  return (
    answeredOn <= addDays(receivedOn, ANSWER_DAYS) || answeredOn <= addWorkingDays(calendar, receivedOn, ANSWER_DAYS)
  );
}

/** Returns the special procedures among the steps, oldest first. Only the last one can be open. */
export function suspensionsOf(steps: readonly ClockStep[]): Suspension[] {
  const suspensions: Suspension[] = [];
  let openSuspension: Suspension | null = null;
  for (const { step, at, note, data } of steps) {
    if (step === 'PAUSED' && openSuspension === null) {
      const { kind = null, papers = [] } = data?.pause ?? {};
      openSuspension = { kind, from: dayOf(at), to: null, reason: note ?? null, papers };
      suspensions.push(openSuspension);
    } else if (openSuspension !== null && (step === 'RESUMED' || END_STEPS.has(step))) {
      openSuspension.to = dayOf(at);
      openSuspension = null;
    }
  }
  return suspensions;
}

/**
 * Days of a suspension do not count, including its first day. The day on which the clock restarts counts again.
 * A case that stops on its last day therefore has that day left when it resumes.
 */
function isSuspended(suspensions: readonly Suspension[], day: Day): boolean {
  return suspensions.some(({ from, to }) => from <= day && (to === null || day < to));
}

/** Returns the last of `limit` counted days after the start, or null if the clock stops before that day. */
export function dueOf(
  calendar: Calendar,
  { startedOn, suspensions }: Pick<Course, 'startedOn' | 'suspensions'>,
  limit: number,
): Day | null {
  if (startedOn === null) return null;
  const openSuspension = suspensions.find(({ to }) => to === null);
  let day = startedOn;
  for (let remaining = limit; remaining > 0; ) {
    day = addDays(day, 1);
    if (openSuspension && day >= openSuspension.from) return null;
    if (!isSuspended(suspensions, day) && isWorkingDay(calendar, day)) remaining--;
  }
  return day;
}

/** Returns the counted days after the start, up to and including `until`. */
export function usedDays(calendar: Calendar, { startedOn, suspensions }: Course, until: Day): number {
  if (startedOn === null) return 0;
  return countDays(calendar, addDays(startedOn, 1), until, (day) => !isSuspended(suspensions, day));
}

function suspendedDays(calendar: Calendar, suspensions: readonly Suspension[], startedOn: Day, until: Day): number {
  return countDays(calendar, addDays(startedOn, 1), until, (day) => isSuspended(suspensions, day));
}

function countDays(calendar: Calendar, from: Day, until: Day, isCounted: (day: Day) => boolean): number {
  let count = 0;
  for (let day = from; day <= until; day = addDays(day, 1)) if (isCounted(day) && isWorkingDay(calendar, day)) count++;
  return count;
}
