import type { Actor } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { isOverdue, type TaskReport, type TaskStatus } from './task.ts';

/** A task of the board with its reports and its progress. */
export type TaskView = ReturnType<typeof viewTask>;

export function viewTask(status: TaskStatus, today: Day) {
  const { task, ...progress } = status;
  return { id: String(task.number), ...task, ...progress, overdue: isOverdue(status, today) };
}

/** A report as `reader` may see it: only callers with a token learn who reported. @public by codegen.ts */
export type ReportView = ReturnType<typeof viewReport>;

export function viewReport({ state, percent, note, organ, actor, at }: TaskReport, reader: Actor) {
  return { state, percent, note, at, organ, by: reader.kind === 'person' ? actor : null };
}

/**
 * The progress of a task, with the newest report that counts. Without one, its fields are null.
 * @public by codegen.ts
 */
export type ProgressView = ReturnType<typeof viewProgress>;

export function viewProgress({ state, percent, newest }: TaskView, reader: Actor) {
  const { note = null, organ = null, by = null, at = null } = newest ? viewReport(newest, reader) : {};
  return { state, percent, note, organ, by, at };
}
