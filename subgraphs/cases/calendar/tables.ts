import { integer, jsonb, pgSchema, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, instant } from '../../kernel/columns.ts';
import type { Day } from '../../kernel/day.ts';

const schema = pgSchema('cases');

/**
 * Calendars that the office loaded, append-only. The newest version of a year is in force and replaces the package's.
 */
export const calendarNotice = schema.table(
  'calendar_notice',
  {
    id: uuid().primaryKey(),
    year: integer().notNull(),
    version: integer().notNull(),
    /** Number of the State Council's notice (文号). */
    source: text().notNull(),
    holidays: jsonb().$type<Day[]>().notNull(),
    makeUpDays: jsonb().$type<Day[]>().notNull(),
    ...actorColumns(),
    loadedAt: instant().notNull(),
  },
  (table) => [uniqueIndex().on(table.year, table.version)],
);
