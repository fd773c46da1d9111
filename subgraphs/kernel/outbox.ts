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

/** Most events one look at the outbox takes in hand. */
const BATCH = 16;
/** How long a relay may take over one event before another copy may try. */
const LEASE_SECONDS = 30;
const POLL_MS = 100;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MOST_MS = 30_000;
const ERROR_LENGTH = 500;

/**
 * The four tables by which a subgraph sends and receives events.
 *
 * Order: an event's revision is taken by updating its stream's row, so two transactions on one stream wait for each
 * other and revisions are committed in order. Rejected: a queue ordered by serial number, and xmin alone, both of which
 * deliver a later event first when an older transaction commits later.
 */
export function messageTables(schema: PgSchema) {
  /** The newest revision of each stream. */
  const outboxStream = schema.table('outbox_stream', { stream: text().primaryKey(), head: integer().notNull() });
  /** Every event, for ever. `xid` lets a feed over all streams stop before the oldest running transaction. */
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
  /** How far each consumer has got in each stream. */
  const outboxDelivery = schema.table(
    'outbox_delivery',
    {
      consumer: text().notNull(),
      stream: text().notNull(),
      head: integer().notNull(),
      delivered: integer().notNull().default(0),
      /** Failed attempts at the event after `delivered`. */
      attempts: integer().notNull().default(0),
      nextAttemptAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
      leasedUntil: timestamp({ withTimezone: true }),
      lease: uuid(),
      /** Set when the consumer refused for good: only a redrive goes on. */
      rejectedAt: timestamp({ withTimezone: true }),
      lastError: text(),
    },
    (table) => [
      primaryKey({ columns: [table.consumer, table.stream] }),
      // What a look finds is few of many: all but what waits is delivered.
      index('outbox_delivery_due')
        .on(table.consumer, table.nextAttemptAt)
        .where(sql`delivered < head and rejected_at is null`),
    ],
  );
  /** What each consumer answered, and when. */
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
  /** The newest revision received of each stream of each producer. */
  const inbox = schema.table(
    'inbox',
    { producer: text().notNull(), stream: text().notNull(), revision: integer().notNull() },
    (table) => [primaryKey({ columns: [table.producer, table.stream] })],
  );
  return { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox };
}

export type MessageTables = ReturnType<typeof messageTables>;

/** Which consumers want which events. Events of one stream all have the same consumers. */
export type Consumers = Readonly<Record<string, readonly EventType[]>>;

/** Writes an event in the transaction that makes it true, in one statement, and gives its revision. */
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
 * Runs `apply` once per event: drops what has been seen, and throws on a gap, so that the producer sends again in order.
 * Call it inside the transaction that keeps the projection.
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
  // Taken before it is applied, so that the row is locked until what it brings is kept.
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

/** Thrown by `deliver` when the consumer refused for good: the event waits for a redrive, not for another attempt. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
}

/** Hands one event over; the text it answers is kept as receipt. Throws to be called again later, Rejected to wait. */
export type Deliver = (event: Envelope) => Promise<string | null>;

/** A running relay: one consumer's events, in order per stream, at least once. */
export interface Relay {
  stop(): Promise<void>;
}

export interface RelayOptions {
  db: Database;
  tables: MessageTables;
  consumer: string;
  deliver: Deliver;
  /**
   * Told in the transaction that keeps how an event fared: delivered after it had failed or been refused (null), or refused for
   * good. What is delivered at the first attempt is not told.
   */
  onSettled?: (tx: Transaction, event: Envelope, refused: Rejected | null) => Promise<void>;
  /** Told of each failed attempt; the relay itself goes on. */
  onError?: (error: unknown) => void;
  pollMs?: number;
}

/** Longest pause of a relay whose database is away. */
const AWAY_PAUSE_MS = 5_000;
/**
 * A relay looks at every poll while something is on its way to it, else at each of so many: for what another process wrote, or a
 * transaction that took longer than that to end.
 */
const IDLE_POLLS = 10;

interface Watch {
  table: MessageTables['outboxDelivery'];
  consumer: string;
  pollMs: number;
  /** Until when it looks at every poll, by `performance.now()`. */
  busyUntil: number;
}

/** The relays of this process. */
const watches = new Set<Watch>();

/**
 * Has the relays of consumers look at every poll until what is about to be committed can have been seen. They are
 * not woken: an event is not there before its transaction ends.
 */
function expect({ outboxDelivery }: MessageTables, consumers: readonly string[]): void {
  for (const watch of watches) {
    const isMeant = watch.table === outboxDelivery && consumers.includes(watch.consumer);
    if (isMeant) watch.busyUntil = performance.now() + IDLE_POLLS * watch.pollMs;
  }
}

/** Starts a relay. N copies may run: streams are leased row by row, and a lease that runs out is taken over. */
export function startRelay(options: RelayOptions): Relay {
  const { pollMs = POLL_MS, tables, consumer } = options;
  const watch: Watch = { table: tables.outboxDelivery, consumer, pollMs, busyUntil: 0 };
  watches.add(watch);
  const stopped = new AbortController();
  const { signal } = stopped;
  const run = async () => {
    // A database that stays away is asked, and complained of, less and less often.
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

/** One look: leases due streams and hands over one event of each. Gives whether more may be due at once. */
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

/** Leases due streams, and reads the next event of each. */
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

/** The event after what was delivered. Leased in its newest state, a stream may be ahead of what the lease's statement could read. */
async function envelopeOf({ db, tables }: RelayOptions, { stream, delivered, ...read }: Leased): Promise<Envelope> {
  const { outboxEvent } = tables;
  const revision = delivered + 1;
  const here = and(eq(outboxEvent.stream, stream), eq(outboxEvent.revision, revision));
  const [row] = read.type === null ? await db.select().from(outboxEvent).where(here) : [read];
  const occurredAt = row?.occurredAt && new Date(row.occurredAt).toISOString();
  return readEnvelope({ stream, revision, type: row?.type, payload: row?.payload, occurredAt });
}

/** Hands one event over and keeps how it fared. Gives whether the next one of its stream is there. */
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

/** Keeps that a leased event is delivered, with its receipt. Gives whether the next one is there, null where the lease has gone. */
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

/** Keeps that an attempt failed, and when the next one is due; where the consumer refused for good, none is. */
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

/** Lets the relay try a stream again at once, rejected or not. Gives false where nothing of it is waiting. */
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
