import { asc, eq, inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import * as tables from './tables.ts';
import { foldTask, type Task, type TaskReport, type TaskStanding } from './task.ts';

const { taskReport } = tables;

/** Returns every task with its progress, ordered by number. The plan has twelve. */
export async function listTasks(db: Reader): Promise<TaskStanding[]> {
  const rows = await db.select().from(tables.task).orderBy(asc(tables.task.number));
  return withReports(
    db,
    rows.map((row) => row.task),
  );
}

/** Locks a task: nobody else can report on it until the transaction ends. Returns null if there is none. */
export async function lockTask(tx: Transaction, number: number): Promise<TaskStanding | null> {
  const rows = await tx.select().from(tables.task).where(eq(tables.task.number, number)).for('update');
  const [standing] = await withReports(
    tx,
    rows.map((row) => row.task),
  );
  return standing ?? null;
}

async function withReports(db: Reader, tasks: readonly Task[]): Promise<TaskStanding[]> {
  if (tasks.length === 0) return [];
  const numbers = tasks.map((one) => one.number);
  const reports = await db
    .select()
    .from(taskReport)
    .where(inArray(taskReport.number, numbers))
    .orderBy(asc(taskReport.serial));
  const reportsOf = Map.groupBy(reports, (one) => one.number);
  return tasks.map((one) => foldTask(one, reportsOf.get(one.number) ?? []));
}

export async function insertReport(
  tx: Transaction,
  number: number,
  report: TaskReport & { actorId: string },
): Promise<void> {
  await tx.insert(taskReport).values({ number, ...report });
}

/** Stores the plan's tasks. Their reports stay. */
export async function putTasks(tx: Transaction, tasks: readonly Task[]): Promise<void> {
  for (const one of tasks) {
    const row = { number: one.number, task: one };
    await tx.insert(tables.task).values(row).onConflictDoUpdate({ target: tables.task.number, set: row });
  }
}
