import {
  bigint,
  boolean,
  date,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { DelegationFact } from '../kernel/events.ts';
import { messageTables } from '../kernel/outbox.ts';
import type { Finding, LicenseFact, MatterFact, Step } from './case.ts';

const schema = pgSchema('cases');

/** Matters as the newest DelegationChanged tells them. */
export const matterFact = schema.table('matter_fact', {
  matterId: text().primaryKey(),
  fact: jsonb().$type<MatterFact>().notNull(),
});

/** Licenses as the newest LicenseChanged tells them. */
export const licenseFact = schema.table('license_fact', {
  number: text().primaryKey(),
  fact: jsonb().$type<LicenseFact>().notNull(),
});

/** Undertaking agreements (承接协议). */
export const agreement = schema.table('agreement', {
  number: text().primaryKey(),
  cityOrgan: text().notNull(),
  countyOrgan: text().notNull(),
  validFrom: date({ mode: 'string' }).notNull(),
  validTo: date({ mode: 'string' }),
});

/** What a case was accepted with; never changed. Its status is the fold of `case_step`. */
export const caseFile = schema.table(
  'case_file',
  {
    id: uuid().primaryKey(),
    /** Order of acceptance; the list's keyset. */
    serial: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().unique(),
    number: text().notNull().unique(),
    matterId: text().notNull(),
    /** Division code of the county that handles the case. */
    divisionCode: text().notNull(),
    matter: jsonb().$type<MatterFact>().notNull(),
    delegation: jsonb().$type<DelegationFact>().notNull(),
    applicantName: text().notNull(),
    applicantCodeKind: text().$type<'USCC' | 'CITIZEN_NUMBER'>().notNull(),
    applicantCode: text().notNull(),
    fields: jsonb().$type<{ label: string; text: string }[]>().notNull(),
    licenseNumber: text(),
    acceptedBy: text().notNull(),
    /** Division of the integrated window that handles the case, or null where none does. */
    window: text(),
    parties: text().array().notNull(),
    /** What the newest step says, kept beside it for lists; written with the step. */
    step: text().$type<Step>().notNull(),
    closed: boolean().notNull(),
  },
  (table) => [
    index().on(table.applicantCode, table.serial),
    index().using('gin', table.parties),
    index().on(table.matterId, table.serial),
  ],
);

/** Every step of every case: append-only. */
export const caseStep = schema.table(
  'case_step',
  {
    caseId: uuid()
      .notNull()
      .references(() => caseFile.id),
    seq: integer().notNull(),
    step: text().$type<Step>().notNull(),
    at: timestamp({ withTimezone: true }).notNull(),
    actorId: text().notNull(),
    actor: text().notNull(),
    organ: text(),
    note: text(),
    finding: text().$type<Finding>(),
  },
  (table) => [primaryKey({ columns: [table.caseId, table.seq] })],
);

/** The newest case number of each day and division; taken under its row lock, so that no number is lost. */
export const caseNumber = schema.table(
  'case_number',
  { divisionCode: text().notNull(), day: date({ mode: 'string' }).notNull(), newest: integer().notNull() },
  (table) => [primaryKey({ columns: [table.divisionCode, table.day] })],
);

export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = messageTables(schema);

export * from './material/tables.ts';
