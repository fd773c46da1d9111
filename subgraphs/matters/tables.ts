import { boolean, index, integer, jsonb, pgSchema, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { day, divisionCode, serial } from '../kernel/columns.ts';
import type { Mode, OutcomeFact, PowerType, RunningCases } from '../kernel/events/events.ts';
import { defineMessageTables } from '../kernel/events/outbox-tables.ts';
import type { LicenseAction } from '../kernel/license-acts.ts';
import type { Correction, PrintedCell } from './matter.ts';

const schema = pgSchema('matters');

/** Organs (机关). */
export const organ = schema.table('organ', {
  id: text().primaryKey(),
  name: text().notNull(),
  level: text().$type<'CITY' | 'COUNTY'>().notNull(),
  divisionCode: divisionCode().notNull(),
  uscc: text().notNull().unique(),
  /** 机关代字 (GB/T 9704), or null if none is entered. */
  documentMark: text().unique(),
});

/** Matters (事项) with their provenance. */
export const matter = schema.table(
  'matter',
  {
    id: text().primaryKey(),
    annex: integer().notNull(),
    row: integer().notNull(),
    mainItem: text().notNull(),
    subItem: text(),
    name: text().notNull(),
    powerType: text().$type<PowerType>().notNull(),
    cityOrgan: text()
      .notNull()
      .references(() => organ.id),
    countyOrgan: text()
      .notNull()
      .references(() => organ.id),
    printed: jsonb().$type<PrintedCell[]>().notNull(),
    corrections: jsonb().$type<Correction[]>().notNull(),
    flags: jsonb().$type<string[]>().notNull(),
  },
  (table) => [uniqueIndex().on(table.annex, table.row)],
);

/** Modes through time (下放关系). */
export const delegation = schema.table(
  'delegation',
  {
    serial: serial().primaryKey(),
    matterId: text()
      .notNull()
      .references(() => matter.id),
    /** Null: from this day on the matter is not delegated. */
    mode: text().$type<Mode>(),
    cityOrgan: text()
      .notNull()
      .references(() => organ.id),
    countyOrgan: text()
      .notNull()
      .references(() => organ.id),
    runningCases: text().$type<RunningCases>().notNull(),
    /** Null if the plan gives no first day. */
    validFrom: day(),
    validTo: day(),
  },
  (table) => [index().on(table.matterId)],
);

/** What a case ends in (办理结果), through time. */
export const outcome = schema.table(
  'outcome',
  {
    serial: serial().primaryKey(),
    matterId: text()
      .notNull()
      .references(() => matter.id),
    licenseAction: text().$type<LicenseAction>(),
    outcome: jsonb().$type<OutcomeFact>().notNull(),
    validFrom: day(),
    validTo: day(),
  },
  (table) => [index().on(table.matterId)],
);

/** What the law says that a matter rests on (设定依据), through time. */
export const legalBasis = schema.table(
  'legal_basis',
  {
    serial: serial().primaryKey(),
    matterId: text()
      .notNull()
      .references(() => matter.id),
    /** Null: from this day on none is entered. */
    text: text(),
    source: text(),
    isSample: boolean().notNull(),
    validFrom: day(),
    validTo: day(),
  },
  (table) => [index().on(table.matterId)],
);

/** Industry organs (行业主管部门) through time, per level. */
export const industryOrgan = schema.table(
  'industry_organ',
  {
    serial: serial().primaryKey(),
    matterId: text()
      .notNull()
      .references(() => matter.id),
    level: text().$type<'CITY' | 'COUNTY'>().notNull(),
    organ: text().references(() => organ.id),
    validFrom: day(),
    validTo: day(),
  },
  (table) => [index().on(table.matterId)],
);

export * from './import/tables.ts';
export * from './license-type/tables.ts';
export * from './organ/tables.ts';
export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = defineMessageTables(schema);

export * from './guide/tables.ts';
export * from './proposal/tables.ts';
export * from './task/tables.ts';
