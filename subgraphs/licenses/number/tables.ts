import { index, integer, pgSchema, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';

const schema = pgSchema('licenses');

/** The newest running number of each series and year (`nameSeries`). Reserved under the row lock: none is lost. */
export const numberSeries = schema.table(
  'number_series',
  { series: text().notNull(), year: integer().notNull(), newest: integer().notNull() },
  (table) => [primaryKey({ columns: [table.series, table.year] })],
);

/** The key of every license number that was reserved, folded (`foldText`): more than width differs. Append-only. */
export const reservedNumber = schema.table('reserved_number', { number: text().primaryKey() });

/**
 * The serial by which the identifiers of a license name it, for each type and issuer that its versions have had.
 * Append-only.
 */
export const licenseSerial = schema.table(
  'license_serial',
  {
    typeCode: text().notNull(),
    /** USCC of the issuer (证照颁发机构代码). */
    uscc: text().notNull(),
    serial: text().notNull(),
    /** Key of the license. */
    number: text().notNull(),
    /** Its number as printed, folded. */
    printed: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.typeCode, table.uscc, table.serial] }),
    uniqueIndex().on(table.typeCode, table.uscc, table.number),
    index().on(table.typeCode, table.uscc, table.printed),
  ],
);
