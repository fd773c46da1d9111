import { index, integer, pgSchema, text } from 'drizzle-orm/pg-core';
import { day, digest, instant } from '../../kernel/columns.ts';

const schema = pgSchema('cases');

/** Undertaking agreements (承接协议). Only the last day can change, to an earlier day. */
export const agreement = schema.table(
  'agreement',
  {
    serial: integer().generatedAlwaysAsIdentity().unique(),
    number: text().primaryKey(),
    cityOrgan: text().notNull(),
    countyOrgan: text().notNull(),
    /** Matters it covers. */
    matters: text().array().notNull(),
    validFrom: day().notNull(),
    /** Last day in force, or null if it has no end. */
    validTo: day(),
    /** SHA-256 of the scanned paper, hex. */
    scanDigest: digest().notNull(),
    recordedBy: text().notNull(),
    recordedAt: instant().notNull(),
    /** Who ended it early, and why. */
    endedBy: text(),
    endReason: text(),
  },
  (table) => [index().on(table.cityOrgan, table.countyOrgan), index().using('gin', table.matters)],
);
