import { index, integer, pgSchema, primaryKey, text } from 'drizzle-orm/pg-core';
import { instant } from '../../kernel/columns.ts';

const schema = pgSchema('licenses');

/** Published status lists. The newest one is in force. */
export const statusList = schema.table('status_list', {
  publishedAt: instant().primaryKey(),
  /** Compact JWS. */
  text: text().notNull(),
});

/** The newest signed statement about the state of each version (状态声明). */
export const stateStatement = schema.table('state_statement', {
  identifier: text().primaryKey(),
  /** Compact JWS. */
  text: text().notNull(),
});

/** Stamped evidence bundles (证据包). Append-only. The newest bundle of a version contains all earlier stamps. */
export const evidenceBundle = schema.table(
  'evidence_bundle',
  {
    identifier: text().notNull(),
    seq: integer().notNull(),
    /** JSON, as published. */
    bundle: text().notNull(),
    stampedAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.identifier, table.seq] }), index().on(table.stampedAt)],
);
