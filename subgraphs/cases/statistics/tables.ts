import { boolean, date, index, integer, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import type { Mode } from '../../kernel/events.ts';
import type { Outcome } from './figure.ts';

const schema = pgSchema('cases');
const day = () => date({ mode: 'string' });

/**
 * What statistics count of a case, written with each of its steps and reckoned again by each load of a calendar; fixed once
 * it is decided. It follows from steps, guide and calendar: nothing in it is known from here alone.
 */
export const caseFigure = schema.table(
  'case_figure',
  {
    caseId: uuid().primaryKey(),
    /** The organ that decides (审批单位); the one that accepted where none is named. */
    organ: text(),
    mode: text().$type<Mode>().notNull(),
    acceptedOn: day(),
    /** Where nobody has answered the receipt: it counts as accepted only after this day (行政许可法 art. 32). */
    silentUntil: day(),
    closedOn: day(),
    outcome: text().$type<Outcome>(),
    workingDays: integer(),
    dueOn: day(),
    onTime: boolean(),
    missingYear: integer(),
  },
  (table) => [index().on(table.acceptedOn), index().on(table.closedOn)],
);
