import { sql } from 'drizzle-orm';
import { boolean, check, index, integer, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { day, instant, serial } from '../../kernel/columns.ts';

const schema = pgSchema('licenses');

/** Renewals (延续) that cases accepted, from the newest RenewalChanged. While one runs, its license has no last day. */
export const renewal = schema.table(
  'renewal',
  {
    caseId: uuid().primaryKey(),
    number: text().notNull(),
    isRunning: boolean().notNull(),
    /** Whether it is granted and waits for its version. */
    isGranted: boolean().notNull().default(false),
    /** The last day of the license when licenses first heard of it: the end that it holds off. Null: it had none. */
    until: day(),
    /** When the case settled it, or null while it runs. */
    settledAt: instant(),
    caseNumber: text().notNull(),
    /** The day on which the case was accepted. */
    acceptedOn: day().notNull(),
    /** Whether the register's newest word is that it holds off the end (HOLD, RELEASE). */
    isHeld: boolean().notNull().default(false),
  },
  (table) => [
    index().on(table.number),
    index('renewal_running').on(table.until).where(sql`${table.isRunning}`),
    index('renewal_held').on(table.number).where(sql`${table.isHeld}`),
  ],
);

/**
 * Each word of an operator that the clock is right. Acts that were recorded up to `newestAt` no longer say that the
 * clock is behind them. Append-only.
 */
export const sweepConfirmation = schema.table('sweep_confirmation', {
  serial: serial().primaryKey(),
  /** The time that was confirmed, and the newest that was recorded before. */
  at: instant().notNull(),
  newestAt: instant(),
  confirmedBy: text().notNull(),
});

/** The newest time at which the sweep of ended licenses took the clock for right: one row. */
export const sweepClock = schema.table(
  'sweep_clock',
  {
    id: integer().primaryKey(),
    at: instant().notNull(),
    /** Who confirmed the clock last, after it seemed to have jumped. */
    confirmedBy: text(),
  },
  (table) => [check('sweep_clock_one', sql`${table.id} = 1`)],
);
