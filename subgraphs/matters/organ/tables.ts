import { integer, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, day, digest, instant, serial } from '../../kernel/columns.ts';

const schema = pgSchema('matters');

/** Every imported list of changes of organs (机构改革) that changed something. Append-only. */
export const organReform = schema.table('organ_reform', {
  id: uuid().primaryKey(),
  importedAt: instant().notNull(),
  ...actorColumns(),
  /** The document that orders the change (依据), or null. */
  basis: text(),
  /** SHA-256 of the list's text in UTF-8. */
  digest: digest().notNull(),
  changed: integer().notNull(),
  unchanged: integer().notNull(),
});

const reformId = () =>
  uuid()
    .notNull()
    .references(() => organReform.id);

/** Later names of organs (更名). Of two on one day, the newer one counts. Append-only. */
export const organName = schema.table('organ_name', {
  serial: serial().primaryKey(),
  reformId: reformId(),
  organ: text().notNull(),
  name: text().notNull(),
  validFrom: day().notNull(),
});

/** Shares of former organs that others have taken over (撤并、拆分). Append-only. */
export const organSuccession = schema.table('organ_succession', {
  serial: serial().primaryKey(),
  reformId: reformId(),
  organ: text().notNull(),
  successor: text().notNull(),
  validFrom: day().notNull(),
  /** The matters of the share, or null for everything that no other share names. */
  matters: text().array(),
});
