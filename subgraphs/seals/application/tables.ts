import { bigint, index, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { ApplicationKind, Outcome, Particulars } from './application.ts';

const schema = pgSchema('seals');
const moment = () => timestamp({ withTimezone: true });

/** Applications on the seals of an organ (印章申请). Append-only. */
export const sealApplication = schema.table(
  'seal_application',
  {
    id: uuid().primaryKey(),
    serial: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().unique(),
    kind: text().$type<ApplicationKind>().notNull(),
    organ: text().notNull(),
    /** The seal that it is about; for MAKE, the seal to be made. */
    sealId: text().notNull(),
    particulars: jsonb().$type<Particulars>().notNull(),
    reason: text().notNull(),
    appliedById: text().notNull(),
    appliedBy: text().notNull(),
    at: moment().notNull(),
  },
  (table) => [index().on(table.organ, table.serial), index().on(table.sealId, table.serial)],
);

/** The outcome of each application: approved, rejected or withdrawn. At most one row each. Append-only. */
export const sealApplicationOutcome = schema.table('seal_application_outcome', {
  applicationId: uuid()
    .primaryKey()
    .references(() => sealApplication.id),
  outcome: text().$type<Outcome>().notNull(),
  actorId: text().notNull(),
  actor: text().notNull(),
  reason: text(),
  at: moment().notNull(),
});
