import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { actsFor } from '../../kernel/organ/place.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireLines } from '../../kernel/text.ts';
import type { Correction, PrintedCell } from '../matter.ts';

/** An organ as printed, with its id if the hub knows it. */
export interface PrintedOrgan {
  printed: string;
  organ: string | null;
}

/** What one part of the plan says about a task: annex 4, or the measure in its body. */
export interface TaskReading {
  /** Leading organs (牵头单位); empty if none is named. */
  leads: readonly PrintedOrgan[];
  /** Responsible organs (责任单位). */
  responsible: readonly PrintedOrgan[];
  /** Whether the list ends in 等相关单位. */
  othersToo: boolean;
  deadlinePrinted: string;
  /** Last day (完成时限): the last day of the printed month; null if no date is printed. */
  dueOn: Day | null;
  /** Whether it must be kept up permanently (长期坚持), with or without a date. */
  recurring: boolean;
  /** Level of the supervising departments (监管部门) that it names, or null if it names none. */
  supervisorLevel: 'CITY' | 'COUNTY' | null;
}

export const DIFFERENCE_FIELDS = ['DEADLINE', 'LEADS', 'RESPONSIBLE', 'SUPERVISOR_LEVEL', 'CONTENT'] as const;

/** A difference between annex 4 and the body: both as printed, empty if one says nothing. */
export interface TaskDifference {
  field: (typeof DIFFERENCE_FIELDS)[number];
  annex: string;
  body: string;
  sentence: string;
}

/** A task of annex 4 (主要任务分工), with the body's reading. */
export interface Task extends TaskReading {
  number: number;
  /** The measure that it belongs to (主要措施), by number and name. */
  measure: number;
  name: string;
  /** As printed, including its number. */
  content: string;
  printed: readonly PrintedCell[];
  corrections: readonly Correction[];
  flags: readonly string[];
  body: TaskReading & { clause: string; text: string };
  differences: readonly TaskDifference[];
}

export const TASK_STATES = ['NOT_STARTED', 'IN_PROGRESS', 'DONE'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** An organ's progress (进展). */
export interface Progress {
  state: TaskState;
  percent: number;
  note: string | null;
}

/** A stored report. A task's progress is computed from its reports alone. */
export interface TaskReport extends Progress {
  organ: string;
  actor: string;
  at: Date;
}

/** A task with its reports and its current progress. */
export interface TaskStatus {
  task: Task;
  /** In the order of arrival. */
  reports: readonly TaskReport[];
  state: TaskState;
  percent: number;
  /** The newest report of an organ that answers for the task, or null. */
  newest: TaskReport | null;
}

/** Lists the known organs that answer for a task: those that lead, or those responsible if none leads. */
function listAnsweringOrgans({ leads, responsible }: Task): string[] {
  const listKnown = (list: readonly PrintedOrgan[]) => list.flatMap(({ organ }) => (organ === null ? [] : [organ]));
  return leads.length > 0 ? listKnown(leads) : listKnown(responsible);
}

/**
 * Computes a task's progress from its reports. Only the newest report of each organ counts. The task is done when every
 * organ that answers for it reports so, and has begun when any organ does. Percent is the mean over the organs that
 * answer.
 */
export function computeTaskStatus(task: Task, reports: readonly TaskReport[]): TaskStatus {
  const newestByOrgan = new Map(reports.map((report) => [report.organ, report]));
  const answers = listAnsweringOrgans(task).map((organ) => newestByOrgan.get(organ) ?? null);
  const isDone = answers.length > 0 && answers.every((report) => report?.state === 'DONE');
  const hasBegun = [...newestByOrgan.values()].some((report) => report.state !== 'NOT_STARTED');
  const total = answers.reduce((sum, report) => sum + (report?.percent ?? 0), 0);
  return {
    task,
    reports,
    state: isDone ? 'DONE' : hasBegun ? 'IN_PROGRESS' : 'NOT_STARTED',
    percent: answers.length === 0 ? 0 : Math.floor(total / answers.length),
    newest: reports.findLast((report) => listAnsweringOrgans(task).includes(report.organ)) ?? null,
  };
}

/**
 * Whether the last day that annex 4 prints has passed and the task is not done. A task without a date is never overdue.
 */
export function isOverdue({ task, state }: TaskStatus, today: Day): boolean {
  return task.dueOn !== null && task.dueOn < today && state !== 'DONE';
}

export interface TaskFilter {
  overdue: boolean | null;
  /** An organ that leads or is responsible. */
  organ: string | null;
  state: TaskState | null;
}

export function matchesFilter(status: TaskStatus, filter: TaskFilter, today: Day): boolean {
  const { overdue, organ, state } = filter;
  return (
    (overdue === null || overdue === isOverdue(status, today)) &&
    (organ === null || isAssigned(status.task, organ)) &&
    (state === null || state === status.state)
  );
}

/** Whether an organ leads a task or is responsible for it. */
function isAssigned({ leads, responsible }: Task, organ: string): boolean {
  return [...leads, ...responsible].some((printedOrgan) => printedOrgan.organ === organ);
}

/**
 * Returns the organ of a task for which a person reports: the own one, or a former one whose place it has taken. Null
 * if there is none.
 */
export function findAnsweringOrgan({ leads, responsible }: Task, person: Person): string | null {
  const assigned = [...leads, ...responsible].map(({ organ }) => organ).filter((organ) => actsFor(person, organ, null));
  return assigned.find((organ) => actsFor({ organ: person.organ }, organ, null)) ?? assigned[0] ?? null;
}

const MAX_NOTE_CHARS = 500;
/** Maximum of reports of one task. */
const MAX_REPORTS = 2000;

/**
 * Requires progress that an organ may report on a task now. Refuses TASK_NEVER_DONE, TASK_PERCENT_UNFIT,
 * FIELD_TOO_LONG, FIELD_MALFORMED, TASK_REPORTS_FULL.
 */
export function requireReport({ task, reports }: TaskStatus, { state, percent, note }: Progress): void {
  checkAll(
    () => {
      if (state === 'DONE' && task.dueOn === null) throw new Refusal('TASK_NEVER_DONE', 'state');
    },
    () => {
      if (!isPercentValid(state, percent)) throw new Refusal('TASK_PERCENT_UNFIT', 'percent');
    },
    () => note !== null && requireLines(note, MAX_NOTE_CHARS, 'note'),
  );
  if (reports.length >= MAX_REPORTS) throw new Refusal('TASK_REPORTS_FULL', null, `最多 ${MAX_REPORTS} 条`);
}

function isPercentValid(state: TaskState, percent: number): boolean {
  if (state === 'NOT_STARTED') return percent === 0;
  if (state === 'DONE') return percent === 100;
  return percent >= 0 && percent < 100;
}
