import { date, index, integer, pgSchema, uuid } from 'drizzle-orm/pg-core';

const schema = pgSchema('cases');

/**
 * By when a case has to be taken on at the step at which it rests; written with each of its steps, and reckoned again by each
 * load of a calendar. A row of its own: a load must not wait for the locks of cases.
 */
export const caseRest = schema.table(
  'case_rest',
  {
    caseId: uuid().primaryKey(),
    /** Last day; null where nobody has to, or where that year has no calendar. */
    touchBy: date({ mode: 'string' }),
    missingYear: integer(),
  },
  (table) => [index().on(table.touchBy)],
);
