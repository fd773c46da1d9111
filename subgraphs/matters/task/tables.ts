import { bigint, index, integer, jsonb, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import type { Task, TaskState } from './task.ts';

const schema = pgSchema('matters');

/** Annex 4's tasks (主要任务分工), as the plan prints them. */
export const task = schema.table('task', {
  number: integer().primaryKey(),
  task: jsonb().$type<Task>().notNull(),
});

/** Reports of organs on their progress (进展). Append-only. */
export const taskReport = schema.table(
  'task_report',
  {
    serial: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    number: integer()
      .notNull()
      .references(() => task.number),
    state: text().$type<TaskState>().notNull(),
    percent: integer().notNull(),
    note: text(),
    organ: text().notNull(),
    actorId: text().notNull(),
    actor: text().notNull(),
    at: timestamp({ withTimezone: true }).notNull(),
  },
  (table) => [index().on(table.number, table.serial)],
);
