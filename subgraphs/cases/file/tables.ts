import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgSchema, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, day, digest, divisionCode, instant, serial } from '../../kernel/columns.ts';
import type { DelegationFact } from '../../kernel/events/events.ts';
import type { CoOwnership } from '../../kernel/identity/co-ownership.ts';
import type { HolderCodeKind } from '../../kernel/identity/identity.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import type { ReissuedSheet } from '../../kernel/license-type/reissued-sheet.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import type { Finding, Position, Step, StepData } from '../case.ts';
import type { Agent, Contact } from '../party/party.ts';
import type { GuideInForce } from '../reception/guide.ts';

const schema = pgSchema('cases');

/** Stands behind every real last day. */
export const NO_LAST_DAY = '9999-12-31';

/**
 * The data with which a case was received and accepted. Its status is computed from `case_step`.
 * Its organs follow a transfer of the matter. Each transfer adds a step with the previous organs.
 */
export const caseFile = schema.table(
  'case_file',
  {
    id: uuid().primaryKey(),
    /** Order of acceptance, and key for keyset pagination. */
    serial: serial().unique(),
    number: text().notNull().unique(),
    matterId: text().notNull(),
    /** Division code of the county that handles the case. */
    divisionCode: divisionCode().notNull(),
    matter: jsonb().$type<MatterFact>().notNull(),
    delegation: jsonb().$type<DelegationFact>().notNull(),
    applicantName: text().notNull(),
    applicantCodeKind: text().$type<HolderCodeKind>().notNull(),
    applicantCode: text().notNull(),
    /** Null: the application names no other holders. */
    coOwnership: jsonb().$type<CoOwnership>(),
    fields: jsonb().$type<{ label: string; text: string }[]>().notNull(),
    licenseNumber: text(),
    /** Null: the act that the delegation names. */
    act: text().$type<LicenseAction>(),
    /** Null: a reissue names no sheets. */
    reissuedSheets: jsonb().$type<ReissuedSheet[]>(),
    /** Null: the applicant acts, or an earlier release received it. */
    agent: jsonb().$type<Agent>(),
    contact: jsonb().$type<Contact>(),
    /** Null before acceptance. */
    acceptedBy: text(),
    guide: jsonb().$type<GuideInForce>(),
    /** Division of the integrated window that handles the case, or null if none does. */
    window: text(),
    /** Every organ that takes or took part in the case. */
    parties: text().array().notNull(),
    /** Derived from the steps for use in lists, and written with each step. */
    step: text().$type<Position>().notNull(),
    closed: boolean().notNull(),
    /** Who must handle it next: any of these organs, or the window of that division. */
    waitsOrgans: text().array().notNull(),
    waitsWindow: text(),
    /** When it reached its current position. */
    restsSince: instant().notNull(),
    /** Last day of a running case, derived from its figures for one order of lists. NO_LAST_DAY: none, or closed. */
    lastDay: day().notNull().default(NO_LAST_DAY),
    /**
     * The person, key and digest of the request that made it. The same request again returns this case and makes no
     * other.
     */
    requestedBy: text().notNull(),
    requestKey: text(),
    requestDigest: digest().notNull(),
  },
  (table) => [
    index().on(table.applicantCode, table.serial),
    index().using('gin', table.parties),
    index().using('gin', table.waitsOrgans),
    index().on(table.waitsWindow, table.restsSince),
    uniqueIndex().on(table.requestedBy, table.requestKey),
    index().on(table.matterId, table.serial),
    index().on(table.lastDay, table.serial),
    // Whoever accepts or grants a case on a license asks what else runs on it.
    index('case_file_running').on(table.licenseNumber).where(sql`not ${table.closed}`),
    index('case_file_find').using(
      'gin',
      sql`cases.find_keys(${table.parties}, ${table.window}, ${table.number}, ${table.applicantName}, ${table.matterId})`,
    ),
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
    at: instant().notNull(),
    ...actorColumns(),
    organ: text(),
    note: text(),
    finding: text().$type<Finding>(),
    data: jsonb().$type<StepData>(),
  },
  (table) => [primaryKey({ columns: [table.caseId, table.seq] })],
);

/** The newest case number of each day and division. It is taken under a row lock, so that no number is lost. */
export const caseNumber = schema.table(
  'case_number',
  { divisionCode: divisionCode().notNull(), day: day().notNull(), newest: integer().notNull() },
  (table) => [primaryKey({ columns: [table.divisionCode, table.day] })],
);
