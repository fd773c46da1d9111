import { setTimeout as pause } from 'node:timers/promises';
import { and, eq, sql } from 'drizzle-orm';
import {
  customType,
  index,
  integer,
  jsonb,
  type PgSchema,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Database, Transaction } from '../../db/client.ts';
import { type Envelope, type EventPayload, type EventType, readEnvelope } from './events.ts';

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/** Maximum number of streams that one look leases. */
const BATCH = 16;
/** Duration of a lease. After it another copy may deliver the event. */
const LEASE_SECONDS = 30;
const POLL_MS = 100;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MOST_MS = 30_000;
const ERROR_LENGTH = 500;

/**
 * Defines the tables with which a subgraph sends and receives events.
 *
 * Order: an append updates the row of its stream to take a revision. Two transactions on one stream therefore wait for
 * each other, and revisions are committed in order. Rejected: a queue ordered by serial number, and xmin alone. Both
 * deliver a later event first when an older transaction commits later.
 */
export function messageTables(schema: PgSchema) {
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
      occurredAt: timestamp({ withTimezone: true }).notNull(),
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
      nextAttemptAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
      leasedUntil: timestamp({ withTimezone: true }),
      lease: uuid(),
      /** Set when the consumer rejected the event. Only a redrive continues. */
      rejectedAt: timestamp({ withTimezone: true }),
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
      deliveredAt: timestamp({ withTimezone: true }).notNull(),
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

export type MessageTables = ReturnType<typeof messageTables>;

/** The event types of each consumer. All events of one stream have the same consumers. */
export type Consumers = Readonly<Record<string, readonly EventType[]>>;

/** Appends an event in one statement and returns its revision. Call it in the transaction that makes the event true. */
export async function append<Type extends EventType>(
  tx: Transaction,
  tables: MessageTables,
  consumers: Consumers,
  event: { type: Type; stream: string; occurredAt: Date; payload: EventPayload<Type> },
): Promise<number> {
  const { outboxStream, outboxEvent, outboxDelivery } = tables;
  const { type, stream } = event;
  const wanting = Object.keys(consumers).filter((consumer) => consumers[consumer]?.includes(type));
  const payload = sql.param(event.payload, outboxEvent.payload);
  const occurredAt = sql.param(event.occurredAt, outboxEvent.occurredAt);
  const due = wanting.map(
    (consumer, i) => sql`, ${sql.raw(`due${i}`)} as (
      insert into ${outboxDelivery} (consumer, stream, head) select ${consumer}::text, stream, head from taken
      on conflict (consumer, stream) do update set head = excluded.head)`,
  );
  const [taken] = await tx.execute<{ head: number }>(sql`
    with taken as (
      insert into ${outboxStream} as newest (stream, head) values (${stream}, 1)
      on conflict (stream) do update set head = newest.head + 1 returning stream, head
    ), written as (
      insert into ${outboxEvent} (stream, revision, type, payload, occurred_at)
      select stream, head, ${type}::text, ${payload}::jsonb, ${occurredAt}::timestamptz from taken
    )${sql.join(due)}
    select head from taken`);
  if (!taken) throw new Error('no revision taken');
  expect(tables, wanting);
  return taken.head;
}

/**
 * Runs `apply` once per event. Ignores an event that was seen. Throws on a gap, so that the producer sends again in order.
 * Must be called inside the transaction that updates the projection.
 */
export async function receiveOnce(
  tx: Transaction,
  tables: MessageTables,
  producer: string,
  event: Envelope,
  apply: () => Promise<void>,
): Promise<void> {
  const { inbox } = tables;
  const { stream, revision } = event;
  const here = and(eq(inbox.producer, producer), eq(inbox.stream, stream));
  // Claim the revision before applying the event: the row stays locked until the projection is committed.
  const taken =
    revision === 1
      ? await tx.insert(inbox).values({ producer, stream, revision }).onConflictDoNothing().returning()
      : await tx
          .update(inbox)
          .set({ revision })
          .where(and(here, eq(inbox.revision, revision - 1)))
          .returning();
  if (taken.length > 0) return apply();
  const [seen] = await tx.select({ revision: inbox.revision }).from(inbox).where(here);
  if (seen && revision <= seen.revision) return;
  throw new Error(`${producer} ${stream}: ${revision} arrived after ${seen?.revision ?? 0}`);
}

/** Thrown by `deliver` when the consumer rejects an event. The event waits for a redrive, not for another attempt. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
}

/** Delivers one event and returns the receipt to store. Throws Rejection to wait, any other error to be retried. */
export type Deliver = (event: Envelope) => Promise<string | null>;

/** A running relay. It delivers one consumer's events at least once, in order per stream. */
export interface Relay {
  stop(): Promise<void>;
}

export interface RelayOptions {
  db: Database;
  tables: MessageTables;
  consumer: string;
  deliver: Deliver;
  /**
   * Called in the transaction that records the result, when an event is rejected, or delivered after a failure (null).
   * Not called for an event that is delivered at the first attempt.
   */
  onSettled?: (tx: Transaction, event: Envelope, refused: Rejected | null) => Promise<void>;
  /** Called for each failed attempt. The relay continues. */
  onError?: (error: unknown) => void;
  pollMs?: number;
}

/** Maximum pause of a relay whose database is unreachable. */
const AWAY_PAUSE_MS = 5_000;
/**
 * A relay looks at every poll while it expects an event. Otherwise it looks once in so many polls. That finds an event
 * of another process, or of a transaction that took longer to end.
 */
const IDLE_POLLS = 10;

interface Watch {
  table: MessageTables['outboxDelivery'];
  consumer: string;
  pollMs: number;
  /** It looks at every poll until then, by `performance.now()`. */
  busyUntil: number;
}

/** The relays of this process. */
const watches = new Set<Watch>();

/**
 * Makes the relays of consumers look at every poll until the event of a running transaction can be visible. It does not
 * wake them: the event is not visible before its transaction ends.
 */
function expect({ outboxDelivery }: MessageTables, consumers: readonly string[]): void {
  for (const watch of watches) {
    const isMeant = watch.table === outboxDelivery && consumers.includes(watch.consumer);
    if (isMeant) watch.busyUntil = performance.now() + IDLE_POLLS * watch.pollMs;
  }
}

/** Starts a relay. Several copies may run: they lease streams row by row and take over expired leases. */
export function startRelay(options: RelayOptions): Relay {
  const { pollMs = POLL_MS, tables, consumer } = options;
  const watch: Watch = { table: tables.outboxDelivery, consumer, pollMs, busyUntil: 0 };
  watches.add(watch);
  const stopped = new AbortController();
  const { signal } = stopped;
  const run = async () => {
    // While the database is unreachable, queries and error reports become less frequent.
    let failures = 0;
    for (let idle = IDLE_POLLS; !signal.aborted; idle++) {
      if (idle >= IDLE_POLLS || failures > 0 || performance.now() < watch.busyUntil) {
        idle = 0;
        try {
          while (!signal.aborted && (await relayOnce(options)));
          failures = 0;
        } catch (error) {
          failures++;
          options.onError?.(error);
        }
      }
      const wait = Math.min(pollMs * 2 ** Math.min(failures, 16), Math.max(pollMs, AWAY_PAUSE_MS));
      await pause(wait, undefined, { signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopped.abort();
      watches.delete(watch);
      await running;
    },
  };
}

/** Does one look: leases due streams and delivers one event of each. Returns whether more may be due at once. */
async function relayOnce(options: RelayOptions): Promise<boolean> {
  const leased = await leaseDue(options);
  const more = await Promise.all(leased.map((one) => handOver(options, one)));
  return leased.length === BATCH || more.includes(true);
}

type Leased = {
  stream: string;
  delivered: number;
  attempts: number;
  lease: string;
  type: string | null;
  payload: unknown;
  occurredAt: string | null;
};

/** Leases due streams and reads the next event of each. */
async function leaseDue({ db, tables, consumer }: RelayOptions): Promise<Leased[]> {
  const { outboxDelivery, outboxEvent } = tables;
  const taken = await db.execute<Leased>(sql`
    with due as (
      select stream from ${outboxDelivery}
      where consumer = ${consumer} and delivered < head and rejected_at is null and next_attempt_at <= now()
        and (leased_until is null or leased_until < now())
      order by next_attempt_at limit ${BATCH} for update skip locked
    ), taken as (
      update ${outboxDelivery} as one
      set lease = ${crypto.randomUUID()}, leased_until = now() + make_interval(secs => ${LEASE_SECONDS})
      from due where one.consumer = ${consumer} and one.stream = due.stream
      returning one.stream, one.delivered, one.attempts, one.lease
    )
    select taken.*, event.type, event.payload, event.occurred_at as "occurredAt"
    from taken left join ${outboxEvent} as event on event.stream = taken.stream and event.revision = taken.delivered + 1`);
  return [...taken];
}

/** Returns the next event. The lease sees the newest row, so its event may be missing from the statement's snapshot. */
async function envelopeOf({ db, tables }: RelayOptions, { stream, delivered, ...read }: Leased): Promise<Envelope> {
  const { outboxEvent } = tables;
  const revision = delivered + 1;
  const here = and(eq(outboxEvent.stream, stream), eq(outboxEvent.revision, revision));
  const [row] = read.type === null ? await db.select().from(outboxEvent).where(here) : [read];
  const occurredAt = row?.occurredAt && new Date(row.occurredAt).toISOString();
  return readEnvelope({ stream, revision, type: row?.type, payload: row?.payload, occurredAt });
}

/** Delivers one event and records the result. Returns whether its stream has a next event. */
async function handOver(options: RelayOptions, leased: Leased): Promise<boolean> {
  const { db, onSettled } = options;
  const { attempts } = leased;
  let event: Envelope | null = null;
  try {
    const told = await envelopeOf(options, leased);
    event = told;
    const receipt = await options.deliver(told);
    if (!onSettled || attempts === 0) return (await settle(db, options, leased, receipt))?.more ?? false;
    return await db.transaction(async (tx) => {
      const settled = await settle(tx, options, leased, receipt);
      if (settled) await onSettled(tx, told, null);
      return settled?.more ?? false;
    });
  } catch (error) {
    options.onError?.(error);
    await noteFailure(options, leased, event, error);
    return false;
  }
}

/** Records a delivery and its receipt. Returns whether there is a next event, or null if the lease was lost. */
async function settle(
  db: Pick<Database, 'execute'>,
  { tables, consumer }: RelayOptions,
  { stream, delivered, lease }: Leased,
  receipt: string | null,
): Promise<{ more: boolean } | null> {
  const { outboxDelivery, outboxReceipt } = tables;
  const [settled] = await db.execute<{ more: boolean }>(sql`
    with settled as (
      update ${outboxDelivery}
      set delivered = ${delivered + 1}, attempts = 0, last_error = null, lease = null, leased_until = null, next_attempt_at = now()
      where consumer = ${consumer} and stream = ${stream} and lease = ${lease}
      returning delivered, head
    ), kept as (
      insert into ${outboxReceipt} (consumer, stream, revision, delivered_at, receipt)
      select ${consumer}::text, ${stream}::text, delivered, now(), ${receipt}::text from settled on conflict do nothing
    )
    select head > delivered as more from settled`);
  return settled ?? null;
}

/** Records a failed attempt and the time of the next one. A rejected event gets no further attempt. */
async function noteFailure(
  { db, tables, consumer, onSettled }: RelayOptions,
  { stream, lease, attempts: before }: Leased,
  event: Envelope | null,
  error: unknown,
): Promise<void> {
  const { outboxDelivery: row } = tables;
  const attempts = before + 1;
  const delayMs = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(attempts - 1, 16), BACKOFF_MOST_MS);
  await db.transaction(async (tx) => {
    const noted = await tx
      .update(row)
      .set({
        attempts,
        lastError: String(error instanceof Error ? error.message : error).slice(0, ERROR_LENGTH),
        lease: null,
        leasedUntil: null,
        nextAttemptAt: sql`now() + make_interval(secs => ${delayMs / 1000})`,
        ...(error instanceof Rejected ? { rejectedAt: sql`now()` } : {}),
      })
      .where(and(eq(row.consumer, consumer), eq(row.stream, stream), eq(row.lease, lease)))
      .returning({ stream: row.stream });
    if (noted.length > 0 && event && error instanceof Rejected) await onSettled?.(tx, event, error);
  });
}

/** Makes the relay try a stream again at once, rejected or not. Returns false if no event of it is waiting. */
export async function redrive(
  tx: Transaction,
  tables: MessageTables,
  consumer: string,
  stream: string,
): Promise<boolean> {
  const { outboxDelivery } = tables;
  const rows = await tx
    .update(outboxDelivery)
    .set({ rejectedAt: null, nextAttemptAt: sql`now()` })
    .where(
      and(
        eq(outboxDelivery.consumer, consumer),
        eq(outboxDelivery.stream, stream),
        sql`${outboxDelivery.delivered} < ${outboxDelivery.head}`,
      ),
    )
    .returning({ stream: outboxDelivery.stream });
  expect(tables, [consumer]);
  return rows.length > 0;
}
