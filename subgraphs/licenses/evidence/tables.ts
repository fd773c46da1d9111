import { index, integer, pgSchema, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

const schema = pgSchema('licenses');
const moment = () => timestamp({ withTimezone: true });

/** Status lists as they were published; the newest is the one in force. */
export const statusList = schema.table('status_list', {
  publishedAt: moment().primaryKey(),
  /** Compact JWS. */
  text: text().notNull(),
});

/** Evidence bundles (证据包) as they were stamped; append-only. The newest of a version holds all before it. */
export const evidenceBundle = schema.table(
  'evidence_bundle',
  {
    identifier: text().notNull(),
    seq: integer().notNull(),
    /** JSON, as it is given out. */
    bundle: text().notNull(),
    stampedAt: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.identifier, table.seq] }), index().on(table.stampedAt)],
);
