import { index, jsonb, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, bytea, instant, serial } from '../../kernel/columns.ts';
import type { ApplicationKind, Outcome, Particulars } from './application.ts';

const schema = pgSchema('seals');

/** Applications on the seals of an organ (印章申请). Append-only. */
export const sealApplication = schema.table(
  'seal_application',
  {
    id: uuid().primaryKey(),
    serial: serial().unique(),
    kind: text().$type<ApplicationKind>().notNull(),
    organ: text().notNull(),
    /** The seal that it is about; for MAKE, the seal to be made. */
    sealId: text().notNull(),
    particulars: jsonb().$type<Particulars>().notNull(),
    reason: text().notNull(),
    appliedById: text().notNull(),
    appliedBy: text().notNull(),
    at: instant().notNull(),
  },
  (table) => [index().on(table.organ, table.serial), index().on(table.sealId, table.serial)],
);

/** The picture (印模图片), PNG, of each application for one. One for the drawn picture has none. Append-only. */
export const sealApplicationPicture = schema.table('seal_application_picture', {
  applicationId: uuid()
    .primaryKey()
    .references(() => sealApplication.id),
  png: bytea().notNull(),
});

/** The outcome of each application: approved, rejected or withdrawn. At most one row each. Append-only. */
export const sealApplicationOutcome = schema.table('seal_application_outcome', {
  applicationId: uuid()
    .primaryKey()
    .references(() => sealApplication.id),
  outcome: text().$type<Outcome>().notNull(),
  ...actorColumns(),
  reason: text(),
  at: instant().notNull(),
});
