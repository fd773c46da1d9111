import { sql } from 'drizzle-orm';
import { check, index, integer, pgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from '../../kernel/columns.ts';
import { proposal } from '../proposal/tables.ts';
import type { WriteOffReason } from '../stock/stock.ts';
import { type BlankState, SERIAL_DIGITS } from './paper.ts';

const schema = pgSchema('licenses');
/** How many digits follow the prefix of a number. */
const digits = () => integer().notNull().default(SERIAL_DIGITS);

/**
 * Boxes of numbered blanks (空白证照号段), as they were delivered: which numbers, to which organ, and for licenses of which
 * type. Boxes do not overlap, and need not continue each other. Append-only.
 */
export const blankBox = schema.table(
  'blank_box',
  {
    prefix: text().notNull(),
    digits: digits(),
    first: integer().notNull(),
    last: integer().notNull(),
    /** The organ that received it. */
    organ: text().notNull(),
    /** Type code (电子证照类型代码) of the licenses that are printed on its blanks. Null: of every type. */
    licenseType: text(),
    /** Who stated its numbers second. */
    actor: text().notNull(),
    at: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.prefix, table.digits, table.first] }),
    check('blank_box_range', sql`${table.first} between 1 and ${table.last}`),
  ],
);

/** Numbered blanks (空白证照). */
export const blank = schema.table(
  'blank',
  {
    number: text().primaryKey(),
    digits: digits(),
    organ: text().notNull(),
    state: text().$type<BlankState>().notNull(),
    identifier: text(),
    /** Type code of the licenses that are printed on it, as its box says. Null: of every type. */
    licenseType: text(),
  },
  (table) => [
    index().on(table.organ, table.number),
    check(
      'blank_carries',
      sql`(${table.state} in ('IN_STOCK', 'IN_TRANSIT', 'VOIDED')) = (${table.identifier} is null)`,
    ),
  ],
);

/** Every change of state of every blank. Append-only. */
export const blankEntry = schema.table(
  'blank_entry',
  {
    number: text().notNull(),
    seq: integer().notNull(),
    state: text().$type<BlankState>().notNull(),
    identifier: text(),
    actId: uuid(),
    actor: text().notNull(),
    /** The organ in whose stock it is from then on, if another one sent it. */
    organ: text(),
    /** The proposal that moved it: of a write-off or a transfer. Null: an act, a counter or the operator did. */
    proposalId: uuid().references(() => proposal.id),
    /** Why the operator voided it. */
    reason: text(),
    at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.number, table.seq] })],
);

/** Blanks that two persons wrote off unused (核销): a range of numbers of one organ's stock. Append-only. */
export const blankWriteOff = schema.table(
  'blank_write_off',
  {
    proposalId: uuid()
      .primaryKey()
      .references(() => proposal.id),
    prefix: text().notNull(),
    digits: digits(),
    first: integer().notNull(),
    last: integer().notNull(),
    organ: text().notNull(),
    reason: text().$type<WriteOffReason>().notNull(),
    /** What the second person stated. */
    remark: text().notNull(),
    /** The second person. */
    actor: text().notNull(),
    at: instant().notNull(),
  },
  (table) => [check('blank_write_off_range', sql`${table.first} between 1 and ${table.last}`)],
);

/**
 * Blanks that an organ sent to another one (调拨): a range of numbers. Whether the other one has confirmed them says the
 * outcome of the proposal. Append-only.
 */
export const blankTransfer = schema.table(
  'blank_transfer',
  {
    proposalId: uuid()
      .primaryKey()
      .references(() => proposal.id),
    prefix: text().notNull(),
    digits: digits(),
    first: integer().notNull(),
    last: integer().notNull(),
    /** Who sent them. */
    organ: text().notNull(),
    receiver: text().notNull(),
  },
  (table) => [
    index().on(table.organ),
    check('blank_transfer_range', sql`${table.first} between 1 and ${table.last}`),
    check('blank_transfer_organs', sql`${table.organ} <> ${table.receiver}`),
  ],
);
