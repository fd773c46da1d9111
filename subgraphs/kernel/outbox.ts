import { and, asc, eq, sql } from 'drizzle-orm';
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
    (table) => [primaryKey({ columns: [table.consumer, table.stream] })],
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

/** Writes an event in the transaction that makes it true, and gives its revision. */
export async function append<Type extends EventType>(
  tx: Transaction,
  tables: MessageTables,
  consumers: Consumers,
  event: { type: Type; stream: string; occurredAt: Date; payload: EventPayload<Type> },
): Promise<number> {
  const { outboxStream, outboxEvent, outboxDelivery } = tables;
  const [head] = await tx
    .insert(outboxStream)
    .values({ stream: event.stream, head: 1 })
    .onConflictDoUpdate({ target: outboxStream.stream, set: { head: sql`${outboxStream.head} + 1` } })
    .returning({ revision: outboxStream.head });
  if (!head) throw new Error('no revision taken');
  await tx.insert(outboxEvent).values({ ...event, revision: head.revision });
  for (const [consumer, types] of Object.entries(consumers)) {
    if (!types.includes(event.type)) continue;
    await tx
      .insert(outboxDelivery)
      .values({ consumer, stream: event.stream, head: head.revision })
      .onConflictDoUpdate({
        target: [outboxDelivery.consumer, outboxDelivery.stream],
        set: { head: head.revision },
      });
  }
  return head.revision;
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
  await tx.insert(inbox).values({ producer, stream: event.stream, revision: 0 }).onConflictDoNothing();
  const here = and(eq(inbox.producer, producer), eq(inbox.stream, event.stream));
  const [seen] = await tx.select({ revision: inbox.revision }).from(inbox).where(here).for('update');
  if (!seen) throw new Error('no inbox row');
  if (event.revision <= seen.revision) return;
  if (event.revision !== seen.revision + 1) {
    throw new Error(`${producer} ${event.stream}: ${event.revision} arrived after ${seen.revision}`);
  }
  await apply();
  await tx.update(inbox).set({ revision: event.revision }).where(here);
}

/** Thrown by `deliver` when the consumer refused for good: the event waits for a redrive, not for another attempt. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
}

/** Hands one event over; the text it answers is kept as receipt. Throws to be called again later, Rejected to wait. */
export type Deliver = (event: Envelope) => Promise<string | null>;

/** A running relay: one consumer's events, in order per stream, at least once. */
export interface Relay {
  /** Looks now rather than at the next poll. */
  wake(): void;
  stop(): Promise<void>;
}

export interface RelayOptions {
  db: Database;
  tables: MessageTables;
  consumer: string;
  deliver: Deliver;
  /** Told in the transaction that keeps how an event fared: delivered (null), or refused for good. */
  onSettled?: (tx: Transaction, event: Envelope, refused: Rejected | null) => Promise<void>;
  /** Told of each failed attempt; the relay itself goes on. */
  onError?: (error: unknown) => void;
  pollMs?: number;
}

/** Longest pause of a relay whose database is away. */
const AWAY_PAUSE_MS = 5_000;

/** Starts a relay. N copies may run: streams are leased row by row, and a lease that runs out is taken over. */
export function startRelay(options: RelayOptions): Relay {
  let stopping = false;
  let wakeUp: () => void = () => {};
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async () => {
    const { pollMs = POLL_MS } = options;
    // A database that stays away is asked, and complained of, less and less often.
    let failures = 0;
    while (!stopping) {
      let handled = 0;
      try {
        handled = await relayOnce(options);
        failures = 0;
      } catch (error) {
        failures++;
        options.onError?.(error);
      }
      if (handled === 0 && !stopping)
        await pause(Math.min(pollMs * 2 ** Math.min(failures, 16), Math.max(pollMs, AWAY_PAUSE_MS)));
    }
  };
  const running = run();
  return {
    wake: () => wakeUp(),
    stop: async () => {
      stopping = true;
      wakeUp();
      await running;
    },
  };
}

/** One look: leases due streams and hands over one event of each. Gives the number of events handed over. */
async function relayOnce(options: RelayOptions): Promise<number> {
  const leased = await leaseDue(options);
  const outcomes = await Promise.all(leased.map((row) => handOver(options, row)));
  return outcomes.filter((delivered) => delivered).length;
}

type Leased = { stream: string; delivered: number; attempts: number; lease: string };

async function leaseDue({ db, tables, consumer }: RelayOptions): Promise<Leased[]> {
  const { outboxDelivery: row } = tables;
  const lease = crypto.randomUUID();
  const due = db
    .select({ stream: row.stream })
    .from(row)
    .where(
      and(
        eq(row.consumer, consumer),
        sql`${row.delivered} < ${row.head}`,
        sql`${row.rejectedAt} is null`,
        sql`${row.nextAttemptAt} <= now()`,
        sql`(${row.leasedUntil} is null or ${row.leasedUntil} < now())`,
      ),
    )
    .orderBy(asc(row.nextAttemptAt))
    .limit(BATCH)
    .for('update', { skipLocked: true });
  const taken = await db
    .update(row)
    .set({ lease, leasedUntil: sql`now() + make_interval(secs => ${LEASE_SECONDS})` })
    .where(and(eq(row.consumer, consumer), sql`${row.stream} in ${due}`))
    .returning({ stream: row.stream, delivered: row.delivered, attempts: row.attempts });
  return taken.map((one) => ({ ...one, lease }));
}

async function handOver(options: RelayOptions, leased: Leased): Promise<boolean> {
  const { db, tables, consumer } = options;
  const { outboxDelivery, outboxEvent, outboxReceipt } = tables;
  const mine = and(
    eq(outboxDelivery.consumer, consumer),
    eq(outboxDelivery.stream, leased.stream),
    eq(outboxDelivery.lease, leased.lease),
  );
  const revision = leased.delivered + 1;
  let event: Envelope | null = null;
  try {
    const [row] = await db
      .select()
      .from(outboxEvent)
      .where(and(eq(outboxEvent.stream, leased.stream), eq(outboxEvent.revision, revision)));
    const told = readEnvelope(row && { ...row, occurredAt: row.occurredAt.toISOString() });
    event = told;
    const receipt = await options.deliver(told);
    await db.transaction(async (tx) => {
      const done = await tx
        .update(outboxDelivery)
        .set({
          delivered: revision,
          attempts: 0,
          lastError: null,
          lease: null,
          leasedUntil: null,
          nextAttemptAt: sql`now()`,
        })
        .where(mine)
        .returning({ stream: outboxDelivery.stream });
      if (done.length === 0) return;
      await tx
        .insert(outboxReceipt)
        .values({ consumer, stream: leased.stream, revision, deliveredAt: sql`now()`, receipt })
        .onConflictDoNothing();
      await options.onSettled?.(tx, told, null);
    });
    return true;
  } catch (error) {
    options.onError?.(error);
    const attempts = leased.attempts + 1;
    const delayMs = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(attempts - 1, 16), BACKOFF_MOST_MS);
    await db.transaction(async (tx) => {
      const noted = await tx
        .update(outboxDelivery)
        .set({
          attempts,
          lastError: String(error instanceof Error ? error.message : error).slice(0, ERROR_LENGTH),
          lease: null,
          leasedUntil: null,
          nextAttemptAt: sql`now() + make_interval(secs => ${delayMs / 1000})`,
          ...(error instanceof Rejected ? { rejectedAt: sql`now()` } : {}),
        })
        .where(mine)
        .returning({ stream: outboxDelivery.stream });
      if (noted.length > 0 && event && error instanceof Rejected) await options.onSettled?.(tx, event, error);
    });
    return false;
  }
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
  return rows.length > 0;
}
