import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../../db/client.ts';
import { maskCodes } from '../privacy/mask.ts';
import { PeerError, Refusal } from '../refusal.ts';
import { toOneLine } from '../text.ts';
import type { Progress } from './delivery-waits.ts';
import { type Envelope, readEnvelope } from './events.ts';
import { Rejection } from './outbox-store.ts';
import type { MessageTables } from './outbox-tables.ts';

/** How far each consumer is in each stream: leases, results, and the time of the next attempt. */

/** Duration of a lease. After it another copy may deliver the event. */
export const LEASE_SECONDS = 30;
const MIN_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
const MAX_ERROR_CHARS = 500;
/** An event with so many failed attempts is not waited for: its consumer is away, and not only slow. */
const MAX_AWAITED_FAILURES = 2;

/** The rows of one consumer. */
export interface ConsumerRows {
  db: Database;
  tables: MessageTables;
  consumer: string;
}

/** A stream that this relay alone may deliver from, and its next event as far as the lease saw it. */
export type LeasedDelivery = {
  stream: string;
  delivered: number;
  attempts: number;
  lease: string;
  type: string | null;
  payload: unknown;
  occurredAt: string | null;
};

/** Which due streams a look may lease. */
export interface LeaseLimits {
  maxStreams: number;
  /** Whether streams whose last attempt failed may be leased too. */
  withRetries: boolean;
  /** Events of these peers stay. `field` is the field of the payload that names the peer. */
  busyPeers: { field: string; names: readonly string[] } | null;
}

/** Returns whether an event of the consumer is due. */
export async function hasDueDelivery({ db, tables, consumer }: ConsumerRows): Promise<boolean> {
  const { outboxDelivery } = tables;
  const [row] = await db.execute(sql`
    select from ${outboxDelivery}
    where consumer = ${consumer} and delivered < head and rejected_at is null and next_attempt_at <= now() limit 1`);
  return row !== undefined;
}

/** Leases due streams and reads the next event of each. */
export async function leaseDueDeliveries(
  { db, tables, consumer }: ConsumerRows,
  { maxStreams, withRetries, busyPeers }: LeaseLimits,
): Promise<LeasedDelivery[]> {
  const { outboxDelivery, outboxEvent } = tables;
  const nextEvent = sql`event.stream = one.stream and event.revision = one.delivered + 1`;
  const isFree =
    busyPeers === null || busyPeers.names.length === 0
      ? sql`true`
      : sql`not exists (select from ${outboxEvent} as event where ${nextEvent}
          and event.payload->>${busyPeers.field}::text in (${sql.join(
            busyPeers.names.map((name) => sql`${name}::text`),
            sql`, `,
          )}))`;
  const rows = await db.execute<LeasedDelivery>(sql`
    with due as (
      select stream from ${outboxDelivery} as one
      where consumer = ${consumer} and delivered < head and rejected_at is null and next_attempt_at <= now()
        and (leased_until is null or leased_until < now()) and (${withRetries} or attempts = 0) and ${isFree}
      order by next_attempt_at limit ${maxStreams} for update skip locked
    ), taken as (
      update ${outboxDelivery} as one
      set lease = ${crypto.randomUUID()}, leased_until = now() + make_interval(secs => ${LEASE_SECONDS})
      from due where one.consumer = ${consumer} and one.stream = due.stream
      returning one.stream, one.delivered, one.attempts, one.lease
    )
    select one.*, event.type, event.payload, event.occurred_at as "occurredAt"
    from taken as one left join ${outboxEvent} as event on ${nextEvent}`);
  return [...rows];
}

/** Returns how far the consumer is in these streams. */
export async function readProgress({ db, tables, consumer }: ConsumerRows, streams: string[]): Promise<Progress[]> {
  const { outboxDelivery: table } = tables;
  return db
    .select({
      ...{ stream: table.stream, head: table.head, delivered: table.delivered },
      isStuck: sql<boolean>`(${table.rejectedAt} is not null or ${table.attempts} >= ${MAX_AWAITED_FAILURES})`,
    })
    .from(table)
    .where(and(eq(table.consumer, consumer), inArray(table.stream, streams)));
}

/** Returns the next event. The lease sees the newest row, so its event may be missing from the statement's snapshot. */
export async function readNextEnvelope(
  { db, tables }: ConsumerRows,
  { stream, delivered, ...leasedEvent }: LeasedDelivery,
): Promise<Envelope> {
  const { outboxEvent } = tables;
  const revision = delivered + 1;
  const eventCondition = and(eq(outboxEvent.stream, stream), eq(outboxEvent.revision, revision));
  const [row] = leasedEvent.type === null ? await db.select().from(outboxEvent).where(eventCondition) : [leasedEvent];
  const occurredAt = row?.occurredAt && new Date(row.occurredAt).toISOString();
  return readEnvelope({ stream, revision, type: row?.type, payload: row?.payload, occurredAt });
}

/** Records a delivery and its receipt. Returns whether there is a next event, or null if the lease was lost. */
export async function recordDelivery(
  db: Pick<Database, 'execute'>,
  { tables, consumer }: Omit<ConsumerRows, 'db'>,
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

/**
 * Gives a stream back as it was leased, so that the next relay need not wait for the end of the lease. With a pause its
 * next event is not due before that has passed.
 */
export async function releaseLease(
  { db, tables, consumer }: ConsumerRows,
  delivery: LeasedDelivery,
  pauseMs: number | null = null,
): Promise<void> {
  const { outboxDelivery: table } = tables;
  const { stream, lease } = delivery;
  const pause = pauseMs === null ? {} : { nextAttemptAt: sql`now() + make_interval(secs => ${pauseMs / 1000})` };
  await db
    .update(table)
    .set({ lease: null, leasedUntil: null, ...pause })
    .where(and(eq(table.consumer, consumer), eq(table.stream, stream), eq(table.lease, lease)));
}

/** Returns whether the message of an error was written for people. */
export function isForPeople(error: unknown): error is PeerError | Refusal {
  return error instanceof PeerError || error instanceof Refusal;
}

/**
 * Returns what people read of a failure, in one line. Texts of the database and addresses of this network stay in the
 * log. A peer may quote what it was sent, so codes are masked.
 */
function describeFailure(error: unknown, incident: string | undefined): string {
  if (isForPeople(error)) return maskCodes(toOneLine(error.message));
  return `系统内部故障，将自动重试；如需报告，请提供故障编号 ${incident}。`;
}

/**
 * Records a failed attempt and the time of the next one. A rejected event gets no further attempt. `onRejected` is
 * called in the same transaction.
 */
export async function recordFailure(
  { db, tables, consumer }: ConsumerRows,
  { stream, lease, attempts: earlierAttempts }: LeasedDelivery,
  { error, incident }: { error: unknown; incident: string | undefined },
  onRejected: (tx: Transaction, rejection: Rejection) => Promise<void>,
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
    if (updatedRows.length > 0 && error instanceof Rejection) await onRejected(tx, error);
  });
}
