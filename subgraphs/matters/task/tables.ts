import { index, integer, jsonb, pgSchema, text } from 'drizzle-orm/pg-core';
import { actorColumns, instant, serial } from '../../kernel/columns.ts';
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
    serial: serial().primaryKey(),
    number: integer()
      .notNull()
      .references(() => task.number),
    state: text().$type<TaskState>().notNull(),
    percent: integer().notNull(),
    note: text(),
    organ: text().notNull(),
    ...actorColumns(),
    at: instant().notNull(),
  },
  (table) => [index().on(table.number, table.serial)],
);
