import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import * as store from './store.ts';
import { foldTask, type Progress, requireReport, type TaskStanding } from './task.ts';

export interface TaskDependencies {
  db: Database;
  now: Clock;
}

/**
 * Records an organ's report of its progress (报送进展). Returns the task with its new progress. Refuses TASK_UNKNOWN, and
 * as `requireReport` does.
 */
export function reportProgress(
  { db, now }: TaskDependencies,
  actor: Actor,
  number: number,
  progress: Progress,
  dryRun: boolean,
): Promise<TaskStanding> {
  return transact(db, dryRun, async (tx) => {
    const standing = await store.lockTask(tx, number);
    if (!standing) throw new Refusal('TASK_UNKNOWN', 'task');
    const { id, name, organ } = requireReport(standing, actor, progress);
    const report = { ...progress, organ, actor: name, at: now() };
    await store.insertReport(tx, number, { ...report, actorId: id });
    return foldTask(standing.task, [...standing.reports, report]);
  });
}
