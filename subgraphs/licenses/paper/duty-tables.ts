import { pgSchema, text } from 'drizzle-orm/pg-core';
import { divisionCode, instant } from '../../kernel/columns.ts';
import type { EventPayload } from '../../kernel/events/events.ts';

const schema = pgSchema('licenses');

/** Duties about licenses and supplies (待办), open and closed. Cases keep a copy from the event DutyChanged. */
export const duty = schema.table('duty', {
  id: text().primaryKey(),
  kind: text().$type<EventPayload<'DutyChanged'>['kind']>().notNull(),
  /** Identifier of a license version. Null: it is about the supplies of an organ. */
  identifier: text(),
  name: text().notNull(),
  organs: text().array().notNull(),
  divisionCode: divisionCode(),
  reason: text(),
  openedAt: instant().notNull(),
  closedAt: instant(),
});
