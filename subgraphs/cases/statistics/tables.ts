import { boolean, index, integer, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { day } from '../../kernel/columns.ts';
import type { Mode } from '../../kernel/events/events.ts';
import type { Outcome } from './figure.ts';

const schema = pgSchema('cases');

/**
 * The figures of a case for statistics. They are written with each step, and calculated again when a calendar is
 * loaded.
 * They are final once the case is decided.
 * All of them follow from steps, guide and calendar, so nothing is recorded here alone.
 */
export const caseFigure = schema.table(
  'case_figure',
  {
    caseId: uuid().primaryKey(),
    /** The organ that decides (审批单位), or the organ that accepted if none is named. */
    organ: text(),
    mode: text().$type<Mode>().notNull(),
    acceptedOn: day(),
    /** Set while nobody has answered the receipt. The case counts as accepted only after this day (行政许可法 art. 32). */
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
