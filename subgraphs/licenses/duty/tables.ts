import { pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import type { EventPayload } from '../../kernel/events.ts';

const schema = pgSchema('licenses');

/** What waits for a person about a license, or waited; cases keep a copy from DutyChanged. */
export const duty = schema.table('duty', {
  id: text().primaryKey(),
  kind: text().$type<EventPayload<'DutyChanged'>['kind']>().notNull(),
  identifier: text().notNull(),
  name: text().notNull(),
  organs: text().array().notNull(),
  divisionCode: text().notNull(),
  reason: text(),
  openedAt: timestamp({ withTimezone: true }).notNull(),
  closedAt: timestamp({ withTimezone: true }),
});
