import { index, type PgSchema, text } from 'drizzle-orm/pg-core';
import { instant, serial } from '../columns.ts';
import type { Purpose } from './purpose.ts';
import type { ReadingObject } from './reading.ts';

/**
 * Defines the record of readings of personal data (查阅记录) of a subgraph: append-only. A row is committed before the
 * data are sent.
 */
export function defineReadingTable(schema: PgSchema) {
  return schema.table(
    'reading',
    {
      serial: serial().primaryKey(),
      /** Id of the case, or number of the license. */
      subject: text().notNull(),
      number: text().notNull(),
      holderCode: text().notNull(),
      object: text().$type<ReadingObject>().notNull(),
      objectId: text().notNull(),
      readerId: text().notNull(),
      reader: text().notNull(),
      organ: text(),
      /** Null in rows of releases before the list of purposes: their words stand in `remark`. */
      purpose: text().$type<Purpose>(),
      remark: text(),
      delivery: text().unique(),
      at: instant().notNull(),
    },
    (table) => [
      index().on(table.subject, table.serial),
      index().on(table.holderCode, table.serial),
      index().on(table.organ, table.serial),
      index().on(table.readerId, table.serial),
    ],
  );
}

export type ReadingTable = ReturnType<typeof defineReadingTable>;
