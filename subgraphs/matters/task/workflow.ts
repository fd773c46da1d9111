import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { requireAllowed, requireOrgan } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { MATTERS_POLICY } from '../policy.ts';
import * as store from './store.ts';
import { computeTaskStatus, findAnsweringOrgan, type Progress, requireReport, type TaskStatus } from './task.ts';

export interface TaskDependencies {
  db: Database;
  now: Clock;
}

/**
 * Records an organ's report of its progress (报送进展). Returns the task with its new progress. Refuses TASK_UNKNOWN,
 * ROLE_NOT_ALLOWED, TASK_NOT_OF_ORGAN, and as `requireReport` does.
 */
export function reportProgress(
  { db, now }: TaskDependencies,
  actor: Actor,
  number: number,
  progress: Progress,
  dryRun: boolean,
): Promise<TaskStatus> {
  return transact(db, dryRun, async (tx) => {
    const status = await store.lockTask(tx, number);
    if (!status) throw new Refusal('TASK_UNKNOWN', 'task');
    const person = requireAllowed(MATTERS_POLICY.reportTaskProgress, status, actor);
    requireReport(status, progress);
    const report = {
      ...progress,
      organ: findAnsweringOrgan(status.task, person) ?? requireOrgan(person),
      actor: person.name,
      at: now(),
    };
    await store.insertReport(tx, number, { ...report, actorId: person.id });
    return computeTaskStatus(status.task, [...status.reports, report]);
  });
}
