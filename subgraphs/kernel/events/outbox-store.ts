import { and, eq, sql } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import { PeerError } from '../refusal.ts';
import type { Envelope, EventPayload, EventType } from './events.ts';
import type { MessageTables } from './outbox-tables.ts';

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

/**
 * A relay looks at every poll while it expects an event. Otherwise it looks once in so many polls. That finds an event
 * of another process, or of a transaction that took longer to end.
 */
export const IDLE_POLLS = 10;

/** A relay of this process, as those who append see it. */
export interface RelayWatch {
  table: MessageTables['outboxDelivery'];
  consumer: string;
  pollMs: number;
  /** It looks at every poll until then, by `performance.now()`. */
  busyUntil: number;
}

/** The relays of this process. */
export const watches = new Set<RelayWatch>();

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
