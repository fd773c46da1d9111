import { sql } from 'drizzle-orm';
import { check, integer, pgSchema, primaryKey, text } from 'drizzle-orm/pg-core';
import { instant } from '../../kernel/columns.ts';

const schema = pgSchema('licenses');

/**
 * Boxes of numbered blanks (空白证照号段), as they were delivered: which numbers, to which organ, and for licenses of which
 * type. Boxes do not overlap, and need not continue each other. Append-only.
 */
export const blankBox = schema.table(
  'blank_box',
  {
    prefix: text().notNull(),
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
    primaryKey({ columns: [table.prefix, table.first] }),
    check('blank_box_range', sql`${table.first} between 1 and ${table.last}`),
  ],
);
