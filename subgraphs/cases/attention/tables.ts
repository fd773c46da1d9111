import { index, integer, pgSchema, uuid } from 'drizzle-orm/pg-core';
import { day } from '../../kernel/columns.ts';

const schema = pgSchema('cases');

/**
 * The last day by which somebody must handle a case at its current step.
 * It is written with each step, and calculated again when a calendar is loaded.
 * It is a separate table, so that loading a calendar does not wait for the locks of cases.
 */
export const caseRest = schema.table(
  'case_rest',
  {
    caseId: uuid().primaryKey(),
    /** Last day. Null if nobody must act, or if that year has no calendar. */
    touchBy: day(),
    missingYear: integer(),
  },
  (table) => [index().on(table.touchBy)],
);
