import { index, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, day, instant, serial } from '../../kernel/columns.ts';
import { proposal } from '../proposal/tables.ts';
import type { ExceptionKind } from './exception.ts';

const schema = pgSchema('cases');

/** Approved exceptions to the segregation of duties (职责分离的例外). Append-only. */
export const dutyException = schema.table(
  'duty_exception',
  {
    /** The approved proposal, which names both persons. */
    id: uuid()
      .primaryKey()
      .references(() => proposal.id),
    serial: serial().unique(),
    organ: text().notNull(),
    kind: text().$type<ExceptionKind>().notNull(),
    personId: text(),
    personOrgan: text(),
    validFrom: day().notNull(),
    validTo: day().notNull(),
    reason: text().notNull(),
    at: instant().notNull(),
  },
  (table) => [index().on(table.organ, table.serial), index().on(table.personId)],
);

/** The early end of an exception (提前终止). At most one row each. Append-only. */
export const dutyExceptionEnd = schema.table('duty_exception_end', {
  exceptionId: uuid()
    .primaryKey()
    .references(() => dutyException.id),
  ...actorColumns(),
  reason: text().notNull(),
  at: instant().notNull(),
});
