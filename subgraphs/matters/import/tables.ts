import { integer, jsonb, pgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, day, digest, instant, serial } from '../../kernel/columns.ts';
import type { RunningCases } from '../../kernel/events/events.ts';
import type { FieldChange } from './import.ts';

const schema = pgSchema('matters');

/** Every imported list that changed something. Append-only. */
export const delegationImport = schema.table('delegation_import', {
  id: uuid().primaryKey(),
  /** Order of import: the cursor of the list of imports. */
  serial: serial().unique(),
  importedAt: instant().notNull(),
  ...actorColumns(),
  /** The document that orders the change (依据), or null. */
  basis: text(),
  /** SHA-256 of the list's text in UTF-8. */
  digest: digest().notNull(),
  /** Number of lines that changed something, and of lines that repeated the current state. */
  changed: integer().notNull(),
  unchanged: integer().notNull(),
});

/** What each line of a list changed. Append-only. */
export const delegationChange = schema.table(
  'delegation_change',
  {
    importId: uuid()
      .notNull()
      .references(() => delegationImport.id),
    /** From 1, without a gap, within the import. */
    seq: integer().notNull(),
    line: integer().notNull(),
    matterId: text().notNull(),
    validFrom: day().notNull(),
    runningCases: text().$type<RunningCases>(),
    fields: jsonb().$type<FieldChange[]>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.importId, table.seq] })],
);
