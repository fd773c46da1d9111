import { asc, eq, inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import * as tables from './tables.ts';
import { computeTaskStatus, type Task, type TaskReport, type TaskStatus } from './task.ts';

const { taskReport } = tables;

/** Returns every task with its progress, ordered by number. The plan has twelve. */
export async function listTasks(db: Reader): Promise<TaskStatus[]> {
  const rows = await db.select().from(tables.task).orderBy(asc(tables.task.number));
  return addReports(
    db,
    rows.map((row) => row.task),
  );
}

/** Locks a task: nobody else can report on it until the transaction ends. Returns null if there is none. */
export async function lockTask(tx: Transaction, number: number): Promise<TaskStatus | null> {
  const rows = await tx.select().from(tables.task).where(eq(tables.task.number, number)).for('update');
  const [status] = await addReports(
    tx,
    rows.map((row) => row.task),
  );
  return status ?? null;
}

async function addReports(db: Reader, tasks: readonly Task[]): Promise<TaskStatus[]> {
  if (tasks.length === 0) return [];
  const numbers = tasks.map((entry) => entry.number);
  const reports = await db
    .select()
    .from(taskReport)
    .where(inArray(taskReport.number, numbers))
    .orderBy(asc(taskReport.serial));
  const reportsByTask = Map.groupBy(reports, (entry) => entry.number);
  return tasks.map((entry) => computeTaskStatus(entry, reportsByTask.get(entry.number) ?? []));
}

export async function insertReport(
  tx: Transaction,
  number: number,
  report: TaskReport & { actorId: string },
): Promise<void> {
  await tx.insert(taskReport).values({ number, ...report });
}

/** Stores the plan's tasks. Their reports stay. */
export async function upsertTasks(tx: Transaction, tasks: readonly Task[]): Promise<void> {
  for (const planTask of tasks) {
    const row = { number: planTask.number, task: planTask };
    await tx.insert(tables.task).values(row).onConflictDoUpdate({ target: tables.task.number, set: row });
  }
}
