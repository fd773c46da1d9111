import { sql } from 'drizzle-orm';
import { index, integer, jsonb, type PgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant, xid8 } from '../columns.ts';

/**
 * Defines the tables with which a subgraph sends and receives events.
 *
 * Order: an append updates the row of its stream to take a revision. Two transactions on one stream therefore wait for
 * each other, and revisions are committed in order. Rejected: a queue ordered by serial number, and xmin alone. Both
 * deliver a later event first when an older transaction commits later.
 */
export function defineMessageTables(schema: PgSchema) {
  /** The newest revision of each stream. */
  const outboxStream = schema.table('outbox_stream', { stream: text().primaryKey(), head: integer().notNull() });
  /** Every event. None is deleted. `xid` lets a feed over all streams stop before the oldest running transaction. */
  const outboxEvent = schema.table(
    'outbox_event',
    {
      stream: text().notNull(),
      revision: integer().notNull(),
      type: text().notNull(),
      payload: jsonb().notNull(),
      occurredAt: instant().notNull(),
      xid: xid8().notNull().default(sql`pg_current_xact_id()`),
    },
    (table) => [primaryKey({ columns: [table.stream, table.revision] }), index().on(table.xid)],
  );
  /** The progress of each consumer in each stream. */
  const outboxDelivery = schema.table(
    'outbox_delivery',
    {
      consumer: text().notNull(),
      stream: text().notNull(),
      head: integer().notNull(),
      delivered: integer().notNull().default(0),
      /** Number of failed attempts at the event after `delivered`. */
      attempts: integer().notNull().default(0),
      nextAttemptAt: instant().notNull().defaultNow(),
      leasedUntil: instant(),
      lease: uuid(),
      /** Set when the consumer rejected the event. Only a redrive continues. */
      rejectedAt: instant(),
      lastError: text(),
    },
    (table) => [
      primaryKey({ columns: [table.consumer, table.stream] }),
      // A look finds few rows of many: most rows are fully delivered.
      index('outbox_delivery_due')
        .on(table.consumer, table.nextAttemptAt)
        .where(sql`delivered < head and rejected_at is null`),
    ],
  );
  /** The answer of each consumer, and its time. */
  const outboxReceipt = schema.table(
    'outbox_receipt',
    {
      consumer: text().notNull(),
      stream: text().notNull(),
      revision: integer().notNull(),
      deliveredAt: instant().notNull(),
      receipt: text(),
    },
    (table) => [primaryKey({ columns: [table.consumer, table.stream, table.revision] })],
  );
  /** The newest received revision of each stream of each producer. */
  const inbox = schema.table(
    'inbox',
    { producer: text().notNull(), stream: text().notNull(), revision: integer().notNull() },
    (table) => [primaryKey({ columns: [table.producer, table.stream] })],
  );
  return { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox };
}

export type MessageTables = ReturnType<typeof defineMessageTables>;
