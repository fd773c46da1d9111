import { type Day, dayOf } from '../../kernel/day.ts';
import type { PowerType } from '../../kernel/events.ts';
import type { PauseKind } from '../case.ts';
import { addDays, addWorkingDays, type Calendar, flagged, isWorkingDay } from './working-day.ts';

/** The clock of a case (办件计时): from its acceptance to its decision, in working days. */

/** A step as clocks read it; what counts of its moment is the day in Asia/Shanghai. */
export interface ClockStep {
  step: string;
  at: Date;
  note?: string | null;
  data?: { pause?: { kind: PauseKind; papers: string[] } } | null;
}

/** Limits in working days from acceptance, of a service guide; null: it names none. */
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

/** What the law sets where the guide does not; each is a default that a change of the law replaces. */
/** 行政许可法 art. 42: 20 working days from acceptance, for a license. The other power types have no such general limit. */
const LICENSE_STATUTORY_DAYS = 20;
/** 行政许可法 art. 32(4): nothing said within 5 working days, and the application counts as accepted on its receipt. */
export const ANSWER_DAYS = 5;

/** AMBER begins at this share of the limit, or at one working day where that is more. */
const AMBER_SHARE = 0.2;
const AMBER_DAYS_LEAST = 1;

export const CLOCK_STATES = ['PENDING', 'NONE', 'GREEN', 'AMBER', 'RED', 'STOPPED', 'ENDED', 'UNKNOWN'] as const;
export type ClockState = (typeof CLOCK_STATES)[number];

/** A special procedure that does not count: from its first day up to the day before `to`; open while `to` is null. */
export interface Suspension {
  kind: PauseKind | null;
  from: Day;
  to: Day | null;
  reason: string | null;
  papers: readonly string[];
}

/** What the steps say of a case's time, whatever the day is. */
export interface Course {
  /** Day of acceptance; the first day that counts is the next working day. Null before it. */
  startedOn: Day | null;
  /** Where nobody has answered the applicant yet: the start holds from the day after this one (art. 32). */
  silentUntil: Day | null;
  /** Day of the decision or of another end. */
  endedOn: Day | null;
  /** The limit that the office is held to: the promised one, else the statutory one; null where there is none. */
  limitDays: number | null;
  statutoryDays: number | null;
  suspensions: readonly Suspension[];
}

export interface CaseClock {
  state: ClockState;
  /** Last day by the limit that the office is held to; null while the clock stands or where it cannot be told. */
  dueOn: Day | null;
  statutoryDueOn: Day | null;
  limitDays: number | null;
  /** Of the limit, what is left after today, or was at the end; negative: working days too late. */
  remainingDays: number | null;
  startedOn: Day | null;
  endedOn: Day | null;
  /** Working days of the suspensions so far. */
  suspendedDays: number | null;
  suspensions: readonly Suspension[];
  /** The year whose calendar is needed and not published; the state is UNKNOWN unless the case has ended. */
  missingYear: number | null;
}

/**
 * The clock at `now`. It starts with 受理 (art. 42), stops for special procedures (art. 45) and ends with the decision or
 * any other end; SENT_BACK and FORWARDED leave it running: the limit is the offices' together (art. 43).
 * Where an application was received and nothing said in ANSWER_DAYS, it runs from the receipt (art. 32). The plan
 * knows one procedure for all matters, so guides' limits are counted in this way for every power type.
 * Never refuses: a missing calendar shows as UNKNOWN.
 */
export function clockOf(input: ClockInput & { now: Date }): CaseClock {
  const { calendar } = input;
  const today = dayOf(input.now);
  const read = flagged(() => courseOf(input));
  if (read.value === null) return { ...BLANK, state: 'UNKNOWN', missingYear: read.missingYear };
  const course = read.value;
  const { endedOn, limitDays, statutoryDays, suspensions, silentUntil } = course;
  const startedOn = silentUntil !== null && today <= silentUntil ? null : course.startedOn;
  const base = { ...BLANK, limitDays, endedOn };
  if (startedOn === null) return { ...base, state: endedOn === null ? 'PENDING' : 'ENDED' };
  const until = endedOn ?? today;
  const suspended = flagged(() => suspendedDays(calendar, suspensions, startedOn, until));
  const started = { ...base, startedOn, suspensions, suspendedDays: suspended.value };
  if (limitDays === null) return { ...started, state: endedOn === null ? 'NONE' : 'ENDED' };
  const due = flagged(() => dueOf(calendar, course, limitDays));
  const statutory = flagged(() => (statutoryDays === null ? null : dueOf(calendar, course, statutoryDays)));
  const used = flagged(() => usedDays(calendar, course, until));
  const remainingDays = used.value === null ? null : limitDays - used.value;
  const missingYear = due.missingYear ?? statutory.missingYear ?? used.missingYear ?? suspended.missingYear;
  return {
    ...started,
    dueOn: due.value,
    statutoryDueOn: statutory.value,
    remainingDays,
    missingYear,
    state: stateOf(course, { today, dueOn: due.value, remainingDays, missingYear: due.missingYear }),
  };
}

const BLANK = {
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
  at: { today: Day; dueOn: Day | null; remainingDays: number | null; missingYear: number | null },
): ClockState {
  if (endedOn !== null) return 'ENDED';
  if (at.missingYear !== null) return 'UNKNOWN';
  // Without a last day the clock stands; a case that was late before it stopped stays late.
  if (at.dueOn === null) return 'STOPPED';
  if (at.today > at.dueOn) return 'RED';
  const amber = Math.max(AMBER_DAYS_LEAST, (limitDays ?? 0) * AMBER_SHARE);
  return (at.remainingDays ?? 0) <= amber ? 'AMBER' : 'GREEN';
}

const ENDS: ReadonlySet<string> = new Set(['DECIDED', 'NOT_ACCEPTED', 'SUPPLEMENT_MISSED', 'WITHDRAWN', 'VOIDED']);

/** Reads the steps. Refuses CALENDAR_MISSING where it takes the calendar to tell whether the applicant was answered in time. */
export function courseOf({ steps, guideLimits, powerType, calendar }: ClockInput): Course {
  const end = steps.findIndex(({ step }) => ENDS.has(step));
  const ended = steps[end];
  const statutoryDays = guideLimits?.statutoryDays ?? (powerType === 'LICENSE' ? LICENSE_STATUTORY_DAYS : null);
  return {
    ...startOf(steps, calendar),
    endedOn: ended ? dayOf(ended.at) : null,
    limitDays: guideLimits?.promisedDays ?? statutoryDays,
    statutoryDays,
    suspensions: suspensionsOf(ended ? steps.slice(0, end + 1) : steps),
  };
}

/** What answers a receipt: the applicant knows where the application stands, or took it back. */
const ANSWERS: ReadonlySet<string> = new Set(['ACCEPTED', 'SUPPLEMENT_ASKED', 'NOT_ACCEPTED', 'WITHDRAWN', 'VOIDED']);

function startOf(steps: readonly ClockStep[], calendar: Calendar): Pick<Course, 'startedOn' | 'silentUntil'> {
  for (const [i, { step, at }] of steps.entries()) {
    if (step === 'ACCEPTED') return { startedOn: dayOf(at), silentUntil: null };
    // A supplement is a receipt of its own (art. 32(5)): it has to be answered as the first one had.
    if (step !== 'RECEIVED' && step !== 'SUPPLEMENTED') continue;
    const receivedOn = dayOf(at);
    const answer = steps.slice(i + 1).find((later) => ANSWERS.has(later.step));
    if (!answer) return { startedOn: receivedOn, silentUntil: addWorkingDays(calendar, receivedOn, ANSWER_DAYS) };
    if (!inTime(calendar, receivedOn, dayOf(answer.at))) return { startedOn: receivedOn, silentUntil: null };
  }
  return { startedOn: null, silentUntil: null };
}

function inTime(calendar: Calendar, receivedOn: Day, answeredOn: Day): boolean {
  // So many calendar days hold no more working days: no calendar is needed to see it.
  return (
    answeredOn <= addDays(receivedOn, ANSWER_DAYS) || answeredOn <= addWorkingDays(calendar, receivedOn, ANSWER_DAYS)
  );
}

/** The special procedures among the steps, oldest first; only the last can be open. */
export function suspensionsOf(steps: readonly ClockStep[]): Suspension[] {
  const found: Suspension[] = [];
  let open: Suspension | null = null;
  for (const { step, at, note, data } of steps) {
    if (step === 'PAUSED' && open === null) {
      const { kind = null, papers = [] } = data?.pause ?? {};
      open = { kind, from: dayOf(at), to: null, reason: note ?? null, papers };
      found.push(open);
    } else if (open !== null && (step === 'RESUMED' || ENDS.has(step))) {
      open.to = dayOf(at);
      open = null;
    }
  }
  return found;
}

/**
 * Days of a suspension do not count, its first day among them; the day on which the clock runs on counts again. So a case
 * stopped on its last day has that day left when it resumes.
 */
function isSuspended(suspensions: readonly Suspension[], day: Day): boolean {
  return suspensions.some(({ from, to }) => from <= day && (to === null || day < to));
}

/** The last day of `limit` counted days after the start, or null where the clock stands before it comes. */
export function dueOf(
  calendar: Calendar,
  { startedOn, suspensions }: Pick<Course, 'startedOn' | 'suspensions'>,
  limit: number,
): Day | null {
  if (startedOn === null) return null;
  const open = suspensions.find(({ to }) => to === null);
  let day = startedOn;
  for (let left = limit; left > 0; ) {
    day = addDays(day, 1);
    if (open && day >= open.from) return null;
    if (!isSuspended(suspensions, day) && isWorkingDay(calendar, day)) left--;
  }
  return day;
}

/** Counted days after the start up to and with `until`. */
export function usedDays(calendar: Calendar, { startedOn, suspensions }: Course, until: Day): number {
  if (startedOn === null) return 0;
  return countDays(calendar, addDays(startedOn, 1), until, (day) => !isSuspended(suspensions, day));
}

function suspendedDays(calendar: Calendar, suspensions: readonly Suspension[], startedOn: Day, until: Day): number {
  return countDays(calendar, addDays(startedOn, 1), until, (day) => isSuspended(suspensions, day));
}

function countDays(calendar: Calendar, from: Day, until: Day, counts: (day: Day) => boolean): number {
  let count = 0;
  for (let day = from; day <= until; day = addDays(day, 1)) if (counts(day) && isWorkingDay(calendar, day)) count++;
  return count;
}
