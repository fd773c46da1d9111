import { index, pgSchema, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import type { Role } from '../../kernel/actor.ts';
import { actorColumns, instant, serial } from '../../kernel/columns.ts';

const schema = pgSchema('cases');

/** Where a line comes from: two persons, the operator's naming of the first administrators, or the demonstration. */
export type AppointmentSource = 'PROPOSAL' | 'OPERATOR' | 'DEMONSTRATION';

/** Who proposed and who approved it. Both are the operator or the demonstration where no person did. */
const twoPersons = () => ({
  proposedById: text().notNull(),
  proposedBy: text().notNull(),
  approvedById: text().notNull(),
  approvedBy: text().notNull(),
});

/** Lines of the register of people (人员岗位登记). Append-only: what ends a line is a row of `appointment_end`. */
export const appointment = schema.table(
  'appointment',
  {
    id: uuid().primaryKey(),
    serial: serial().unique(),
    issuer: text().notNull(),
    subject: text().notNull(),
    name: text().notNull(),
    organ: text(),
    roles: text().array().$type<Role[]>().notNull(),
    window: text(),
    /** Never before the line was recorded. */
    validFrom: instant().notNull(),
    /** First instant after it, as it was entered, or null. */
    validTo: instant(),
    source: text().$type<AppointmentSource>().notNull(),
    ...twoPersons(),
    recordedAt: instant().notNull(),
  },
  (table) => [index().on(table.subject), index().on(table.organ, table.serial)],
);

/** What ends lines of the register earlier than they said. The earliest end counts. Append-only. */
export const appointmentEnd = schema.table(
  'appointment_end',
  {
    serial: serial(),
    appointmentId: uuid()
      .notNull()
      .references(() => appointment.id),
    /** First instant after it. May lie before it was recorded: somebody left yesterday. */
    endedAt: instant().notNull(),
    reason: text(),
    ...twoPersons(),
    recordedAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.appointmentId, table.serial] })],
);

/** Sign-ins that were ended (结束登录): all of the person up to the instant. Append-only. */
export const sessionEnd = schema.table(
  'session_end',
  {
    serial: serial().primaryKey(),
    subject: text().notNull(),
    endedAt: instant().notNull(),
    reason: text(),
    ...actorColumns(),
  },
  (table) => [index().on(table.subject, table.endedAt)],
);

/**
 * Sessions that an issuer has ended (统一退出): all of the subject, or the one session. The issuer's statement counts
 * once, by its id. Append-only.
 */
export const issuerLogout = schema.table(
  'issuer_logout',
  {
    serial: serial().primaryKey(),
    issuer: text().notNull(),
    statementId: text().notNull(),
    subject: text(),
    session: text(),
    /** By the issuer's clock. */
    endedAt: instant().notNull(),
    recordedAt: instant().notNull(),
  },
  (table) => [
    unique().on(table.issuer, table.statementId),
    index().on(table.issuer, table.subject, table.endedAt),
    index().on(table.issuer, table.session),
  ],
);

/**
 * When the operator ended a demonstration (`npm run takeover`): what the operator then ended needed no second person.
 * Append-only.
 */
export const takeover = schema.table('takeover', {
  at: instant().primaryKey(),
  operator: text().notNull(),
});
