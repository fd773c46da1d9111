import { integer, pgSchema, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { bytea, count, instant, serial } from '../../kernel/columns.ts';
import type { LeafKind } from './leaf.ts';

const schema = pgSchema('seals');

/** The key that the log signs with, encrypted like all keys. One row. Append-only. */
export const logKey = schema.table('log_key', {
  origin: text().primaryKey(),
  publicKeyPem: text().notNull(),
  encryptedKey: bytea().notNull(),
});

/** Leaves of the log. Each is written in the transaction of its subject. Append-only. */
export const logLeaf = schema.table(
  'log_leaf',
  {
    serial: serial().primaryKey(),
    kind: text().$type<LeafKind>().notNull(),
    /** What the leaf is about. Unique within its kind. */
    subject: text().notNull(),
    /** Canonical JSON; the leaf's hash is over its UTF-8. */
    entry: text().notNull(),
    hash: bytea().notNull(),
    at: instant().notNull(),
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

/** The hash of every full tile: level 1 covers 256 leaves, level 2 covers 65536. Append-only. */
export const logTile = schema.table(
  'log_tile',
  { level: integer().notNull(), index: count().notNull(), hash: bytea().notNull() },
  (table) => [primaryKey({ columns: [table.level, table.index] })],
);

/** The head of the log: one row. It moves only from the state that was read. */
export const logHead = schema.table('log_head', {
  id: integer().primaryKey(),
  size: count().notNull(),
  root: bytea().notNull(),
});

/** Every checkpoint that the log signed, one for each size. Append-only. */
export const logCheckpoint = schema.table('log_checkpoint', {
  size: count().primaryKey(),
  root: bytea().notNull(),
  /** The signed note. */
  note: text().notNull(),
  at: instant().notNull(),
});

/** Signatures of witnesses under checkpoints. Append-only. */
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
    /** Time of the signature, as the witness states it. */
    at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.witness, table.size] })],
);
