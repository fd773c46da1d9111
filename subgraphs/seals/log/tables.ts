import { bigint, customType, integer, pgSchema, primaryKey, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';
import type { LeafKind } from './leaf.ts';

const schema = pgSchema('seals');
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const moment = () => timestamp({ withTimezone: true });
const count = () => bigint({ mode: 'number' });

/** The key by which the log signs, encrypted as all keys are; one row, append-only. */
export const logKey = schema.table('log_key', {
  origin: text().primaryKey(),
  publicKeyPem: text().notNull(),
  encryptedKey: bytea().notNull(),
});

/** What the log says, in the transaction of what it is about; append-only. */
export const logLeaf = schema.table(
  'log_leaf',
  {
    serial: count().primaryKey().generatedAlwaysAsIdentity(),
    kind: text().$type<LeafKind>().notNull(),
    /** What it is about: comes once in each kind. */
    subject: text().notNull(),
    /** Canonical JSON; the leaf's hash is over its UTF-8. */
    entry: text().notNull(),
    hash: bytea().notNull(),
    at: moment().notNull(),
  },
  (table) => [uniqueIndex().on(table.kind, table.subject)],
);

/** Leaves that have no place in the log yet. */
export const logPending = schema.table('log_pending', {
  serial: count()
    .primaryKey()
    .references(() => logLeaf.serial),
});

/** The place of each leaf in the log; append-only. */
export const logSequence = schema.table('log_sequence', {
  index: count().primaryKey(),
  serial: count()
    .notNull()
    .unique()
    .references(() => logLeaf.serial),
});

/** The hash of every whole tile: on level 1 that of 256 leaves, on level 2 that of 65536; append-only. */
export const logTile = schema.table(
  'log_tile',
  { level: integer().notNull(), index: count().notNull(), hash: bytea().notNull() },
  (table) => [primaryKey({ columns: [table.level, table.index] })],
);

/** How far the log has got: one row, moved only from the head that it still has. */
export const logHead = schema.table('log_head', {
  id: integer().primaryKey(),
  size: count().notNull(),
  root: bytea().notNull(),
});

/** Every checkpoint that the log ever signed, one of each size; append-only. */
export const logCheckpoint = schema.table('log_checkpoint', {
  size: count().primaryKey(),
  root: bytea().notNull(),
  /** The signed note. */
  note: text().notNull(),
  at: moment().notNull(),
});

/** What witnesses signed of checkpoints; append-only. */
export const logCosignature = schema.table(
  'log_cosignature',
  {
    /** The witness's key as text. */
    witness: text().notNull(),
    size: count()
      .notNull()
      .references(() => logCheckpoint.size),
    /** The signature line. */
    line: text().notNull(),
    /** When the witness says that it signed. */
    at: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.witness, table.size] })],
);
