import { and, eq, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../../db/client.ts';
import { type Loop, startLoop } from '../loop.ts';
import { PeerError, Refusal } from '../refusal.ts';
import { type Envelope, type EventPayload, type EventType, readEnvelope } from './events.ts';
import type { MessageTables } from './outbox-tables.ts';

/** Maximum number of streams that one look leases. */
const MAX_BATCH_STREAMS = 16;
/** Duration of a lease. After it another copy may deliver the event. */
const LEASE_SECONDS = 30;
const POLL_MS = 100;
const MIN_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
const MAX_ERROR_CHARS = 500;

/** The event types of each consumer. All events of one stream have the same consumers. */
export type Consumers = Readonly<Record<string, readonly EventType[]>>;

/** Appends an event in one statement and returns its revision. Call it in the transaction that makes the event true. */
export async function appendEvent<Type extends EventType>(
  tx: Transaction,
  tables: MessageTables,
  consumers: Consumers,
  event: { type: Type; stream: string; occurredAt: Date; payload: EventPayload<Type> },
): Promise<number> {
  const { outboxStream, outboxEvent, outboxDelivery } = tables;
  const { type, stream } = event;
  const targetConsumers = Object.keys(consumers).filter((consumer) => consumers[consumer]?.includes(type));
  const payload = sql.param(event.payload, outboxEvent.payload);
  const occurredAt = sql.param(event.occurredAt, outboxEvent.occurredAt);
  const deliveryUpserts = targetConsumers.map(
    (consumer, i) => sql`, ${sql.raw(`due${i}`)} as (
      insert into ${outboxDelivery} (consumer, stream, head) select ${consumer}::text, stream, head from taken
      on conflict (consumer, stream) do update set head = excluded.head)`,
  );
  const [streamRow] = await tx.execute<{ head: number }>(sql`
    with taken as (
      insert into ${outboxStream} as newest (stream, head) values (${stream}, 1)
      on conflict (stream) do update set head = newest.head + 1 returning stream, head
    ), written as (
      insert into ${outboxEvent} (stream, revision, type, payload, occurred_at)
      select stream, head, ${type}::text, ${payload}::jsonb, ${occurredAt}::timestamptz from taken
    )${sql.join(deliveryUpserts)}
    select head from taken`);
  if (!streamRow) throw new Error('no revision taken');
  markRelaysBusy(tables, targetConsumers);
  return streamRow.head;
}

/**
 * Runs `apply` once per event. Ignores an event that was seen. Throws on a gap, so that the producer sends again in
 * order. Must be called inside the transaction that updates the projection.
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
  const streamCondition = and(eq(inbox.producer, producer), eq(inbox.stream, stream));
  // Claim the revision before applying the event: the row stays locked until the projection is committed.
  const claimedRows =
    revision === 1
      ? await tx.insert(inbox).values({ producer, stream, revision }).onConflictDoNothing().returning()
      : await tx
          .update(inbox)
          .set({ revision })
          .where(and(streamCondition, eq(inbox.revision, revision - 1)))
          .returning();
  if (claimedRows.length > 0) return apply();
  const [lastRow] = await tx.select({ revision: inbox.revision }).from(inbox).where(streamCondition);
  if (lastRow && revision <= lastRow.revision) return;
  throw new Error(`${producer} ${stream}: ${revision} arrived after ${lastRow?.revision ?? 0}`);
}

/** Thrown by `deliver` when the consumer rejects an event. The event waits for a redrive, not for another attempt. */
export class Rejection extends PeerError {
  override readonly name = 'Rejected';
}

/** Delivers one event and returns the receipt to store. Throws Rejection to wait, any other error to be retried. */
export type DeliverEvent = (event: Envelope) => Promise<string | null>;

/** A running relay. It delivers one consumer's events at least once, in order per stream. */
export type Relay = Loop;

export interface RelayOptions {
  db: Database;
  tables: MessageTables;
  consumer: string;
  deliver: DeliverEvent;
  /**
   * Called in the transaction that records the result, when an event is rejected, or delivered after a failure (null).
   * Not called for an event that is delivered at the first attempt.
   */
  onSettled?: (tx: Transaction, event: Envelope, rejection: Rejection | null) => Promise<void>;
  /**
   * Called for each failed attempt, with the stream that is held up. The relay continues. `incident` is the number that
   * people see in place of an error that is not meant for them.
   */
  onError?: (error: unknown, stream?: string, incident?: string) => void;
  pollMs?: number;
  /** Runs the looks. A test runs them one by one. */
  runLoop?: typeof startLoop;
}

/** Maximum pause of a relay whose database is unreachable. */
const MAX_PAUSE_MS = 5_000;
/**
 * A relay looks at every poll while it expects an event. Otherwise it looks once in so many polls. That finds an event
 * of another process, or of a transaction that took longer to end.
 */
const IDLE_POLLS = 10;

interface RelayWatch {
  table: MessageTables['outboxDelivery'];
  consumer: string;
  pollMs: number;
  /** It looks at every poll until then, by `performance.now()`. */
  busyUntil: number;
}

/** The relays of this process. */
const watches = new Set<RelayWatch>();

/**
 * Makes the relays of consumers look at every poll until the event of a running transaction can be visible. It does not
 * wake them: the event is not visible before its transaction ends.
 */
function markRelaysBusy({ outboxDelivery }: MessageTables, consumers: readonly string[]): void {
  for (const watch of watches) {
    const isRecipient = watch.table === outboxDelivery && consumers.includes(watch.consumer);
    if (isRecipient) watch.busyUntil = performance.now() + IDLE_POLLS * watch.pollMs;
  }
}

/** Starts a relay. Several copies may run: they lease streams row by row and take over expired leases. */
export function startRelay(options: RelayOptions): Relay {
  const { pollMs = POLL_MS, tables, consumer, runLoop = startLoop } = options;
  const watch: RelayWatch = { table: tables.outboxDelivery, consumer, pollMs, busyUntil: 0 };
  watches.add(watch);
  let idlePolls = IDLE_POLLS;
  const look = async (signal: AbortSignal) => {
    if (idlePolls < IDLE_POLLS && performance.now() >= watch.busyUntil) {
      idlePolls++;
      return false;
    }
    // After a failure the next turn looks again.
    idlePolls = IDLE_POLLS;
    const hasMore = !signal.aborted && (await relayBatch(options));
    if (!hasMore) idlePolls = 1;
    return hasMore;
  };
  const loop = runLoop(look, { pollMs, maxPauseMs: MAX_PAUSE_MS, onError: options.onError });
  return {
    stop: () => {
      watches.delete(watch);
      return loop.stop();
    },
  };
}

/** Does one look: leases due streams and delivers one event of each. Returns whether more may be due at once. */
async function relayBatch(options: RelayOptions): Promise<boolean> {
  const deliveries = await leaseDueDeliveries(options);
  const moreFlags = await Promise.all(deliveries.map((delivery) => handOverEvent(options, delivery)));
  return deliveries.length === MAX_BATCH_STREAMS || moreFlags.includes(true);
}

type LeasedDelivery = {
  stream: string;
  delivered: number;
  attempts: number;
  lease: string;
  type: string | null;
  payload: unknown;
  occurredAt: string | null;
};

/** Leases due streams and reads the next event of each. */
async function leaseDueDeliveries({ db, tables, consumer }: RelayOptions): Promise<LeasedDelivery[]> {
  const { outboxDelivery, outboxEvent } = tables;
  const rows = await db.execute<LeasedDelivery>(sql`
    with due as (
      select stream from ${outboxDelivery}
      where consumer = ${consumer} and delivered < head and rejected_at is null and next_attempt_at <= now()
        and (leased_until is null or leased_until < now())
      order by next_attempt_at limit ${MAX_BATCH_STREAMS} for update skip locked
    ), taken as (
      update ${outboxDelivery} as one
      set lease = ${crypto.randomUUID()}, leased_until = now() + make_interval(secs => ${LEASE_SECONDS})
      from due where one.consumer = ${consumer} and one.stream = due.stream
      returning one.stream, one.delivered, one.attempts, one.lease
    )
    select taken.*, event.type, event.payload, event.occurred_at as "occurredAt"
    from taken left join ${outboxEvent} as event on event.stream = taken.stream and event.revision = taken.delivered + 1`);
  return [...rows];
}

/** Returns the next event. The lease sees the newest row, so its event may be missing from the statement's snapshot. */
async function readNextEnvelope(
  { db, tables }: RelayOptions,
  { stream, delivered, ...leasedEvent }: LeasedDelivery,
): Promise<Envelope> {
  const { outboxEvent } = tables;
  const revision = delivered + 1;
  const eventCondition = and(eq(outboxEvent.stream, stream), eq(outboxEvent.revision, revision));
  const [row] = leasedEvent.type === null ? await db.select().from(outboxEvent).where(eventCondition) : [leasedEvent];
  const occurredAt = row?.occurredAt && new Date(row.occurredAt).toISOString();
  return readEnvelope({ stream, revision, type: row?.type, payload: row?.payload, occurredAt });
}

/** Delivers one event and records the result. Returns whether its stream has a next event. */
async function handOverEvent(options: RelayOptions, delivery: LeasedDelivery): Promise<boolean> {
  const { db, onSettled } = options;
  const { attempts } = delivery;
  let event: Envelope | null = null;
  try {
    const envelope = await readNextEnvelope(options, delivery);
    event = envelope;
    const receipt = await options.deliver(envelope);
    if (!onSettled || attempts === 0) return (await recordDelivery(db, options, delivery, receipt))?.more ?? false;
    return await db.transaction(async (tx) => {
      const settlement = await recordDelivery(tx, options, delivery, receipt);
      if (settlement) await onSettled(tx, envelope, null);
      return settlement?.more ?? false;
    });
  } catch (error) {
    const incident = isForPeople(error) ? undefined : crypto.randomUUID();
    options.onError?.(error, delivery.stream, incident);
    await recordFailure(options, delivery, event, { error, incident });
    return false;
  }
}

/** Records a delivery and its receipt. Returns whether there is a next event, or null if the lease was lost. */
async function recordDelivery(
  db: Pick<Database, 'execute'>,
  { tables, consumer }: RelayOptions,
  { stream, delivered, lease }: LeasedDelivery,
  receipt: string | null,
): Promise<{ more: boolean } | null> {
  const { outboxDelivery, outboxReceipt } = tables;
  const [settlement] = await db.execute<{ more: boolean }>(sql`
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
  return settlement ?? null;
}

/** Returns whether the message of an error was written for people. */
function isForPeople(error: unknown): error is PeerError | Refusal {
  return error instanceof PeerError || error instanceof Refusal;
}

/** Returns what people read of a failure. Texts of the database and addresses of this network stay in the log. */
function describeFailure(error: unknown, incident: string | undefined): string {
  return isForPeople(error) ? error.message : `系统内部故障，将自动重试；如需报告，请提供故障编号 ${incident}。`;
}

/** Records a failed attempt and the time of the next one. A rejected event gets no further attempt. */
async function recordFailure(
  { db, tables, consumer, onSettled }: RelayOptions,
  { stream, lease, attempts: earlierAttempts }: LeasedDelivery,
  event: Envelope | null,
  { error, incident }: { error: unknown; incident: string | undefined },
): Promise<void> {
  const { outboxDelivery: table } = tables;
  const attempts = earlierAttempts + 1;
  const delayMs = Math.min(MIN_BACKOFF_MS * 2 ** Math.min(attempts - 1, 16), MAX_BACKOFF_MS);
  await db.transaction(async (tx) => {
    const updatedRows = await tx
      .update(table)
      .set({
        attempts,
        lastError: describeFailure(error, incident).slice(0, MAX_ERROR_CHARS),
        lease: null,
        leasedUntil: null,
        nextAttemptAt: sql`now() + make_interval(secs => ${delayMs / 1000})`,
        ...(error instanceof Rejection ? { rejectedAt: sql`now()` } : {}),
      })
      .where(and(eq(table.consumer, consumer), eq(table.stream, stream), eq(table.lease, lease)))
      .returning({ stream: table.stream });
    if (updatedRows.length > 0 && event && error instanceof Rejection) await onSettled?.(tx, event, error);
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
  markRelaysBusy(tables, [consumer]);
  return rows.length > 0;
}
