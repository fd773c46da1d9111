import { pgSchema, text } from 'drizzle-orm/pg-core';
import { divisionCode, instant } from '../../kernel/columns.ts';
import type { EventPayload } from '../../kernel/events/events.ts';

const schema = pgSchema('licenses');

/** Duties about licenses (待办), open and closed. Cases keep a copy from the event DutyChanged. */
export const duty = schema.table('duty', {
  id: text().primaryKey(),
  kind: text().$type<EventPayload<'DutyChanged'>['kind']>().notNull(),
  identifier: text().notNull(),
  name: text().notNull(),
  organs: text().array().notNull(),
  divisionCode: divisionCode().notNull(),
  reason: text(),
  openedAt: instant().notNull(),
  closedAt: instant(),
});
