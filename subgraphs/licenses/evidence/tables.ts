import { index, integer, pgSchema, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

const schema = pgSchema('licenses');
const moment = () => timestamp({ withTimezone: true });

/** Published status lists. The newest one is in force. */
export const statusList = schema.table('status_list', {
  publishedAt: moment().primaryKey(),
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
    stampedAt: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.identifier, table.seq] }), index().on(table.stampedAt)],
);
