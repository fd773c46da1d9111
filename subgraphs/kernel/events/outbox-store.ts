import { and, eq, sql } from 'drizzle-orm';
import { clientOf, type Database, type Transaction } from '../../../db/client.ts';
import { afterCommit } from '../../../db/commit.ts';
import { PeerError } from '../refusal.ts';
import { currentWaits, type DeliveryWaits, isAwaited } from './delivery-waits.ts';
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
  announceAfterCommit(tables, targetConsumers, { stream, revision: streamRow.head });
  return streamRow.head;
}

/** An event that is the first of its stream. */
export interface FirstEvent<Type extends EventType> {
  type: Type;
  stream: string;
  occurredAt: Date;
  payload: EventPayload<Type>;
}

/**
 * Appends the first events of many streams for one consumer, in three statements. Nobody waits for them, and the
 * consumer's relay finds them at its next look. Later events of these streams may have more consumers.
 */
export async function appendFirstEvents<Type extends EventType>(
  tx: Transaction,
  { outboxStream, outboxEvent, outboxDelivery }: MessageTables,
  consumer: string,
  events: readonly FirstEvent<Type>[],
): Promise<void> {
  await tx.insert(outboxStream).values(events.map(({ stream }) => ({ stream, head: 1 })));
  await tx.insert(outboxEvent).values(events.map((event) => ({ ...event, revision: 1 })));
  await tx.insert(outboxDelivery).values(events.map(({ stream }) => ({ consumer, stream, head: 1 })));
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

/** Thrown by `deliver` for an event that is not due yet. It counts as no attempt, and is tried again after a pause. */
export class Postponement extends Error {
  override readonly name = 'Postponed';
  readonly pauseMs: number;

  constructor(pauseMs: number) {
    super('not due yet');
    this.pauseMs = pauseMs;
  }
}

/** A relay of this process, as those who append see it. */
export interface RelayWatch {
  /** The client of its database. One process may have several hubs. */
  client: object;
  table: MessageTables['outboxDelivery'];
  consumer: string;
  waits: DeliveryWaits;
  /** Makes the relay look at once. */
  wake(): void;
}

/** The relays of this process. */
export const watches = new Set<RelayWatch>();

function findWatches(client: object, table: RelayWatch['table']): RelayWatch[] {
  return [...watches].filter((watch) => watch.client === client && watch.table === table);
}

/**
 * Wakes the relays of the consumers when the current transaction has committed, and lets the current work wait for
 * those that are subgraphs. Without a relay in this process the next look of another one finds the event.
 */
function announceAfterCommit(
  { outboxDelivery }: MessageTables,
  consumers: readonly string[],
  event: { stream: string; revision: number } | null,
): void {
  afterCommit((client) => {
    for (const watch of findWatches(client, outboxDelivery)) {
      if (!consumers.includes(watch.consumer)) continue;
      if (event && isAwaited(watch.consumer)) currentWaits()?.push(watch.waits.add(event.stream, event.revision));
      watch.wake();
    }
  });
}

/**
 * Lets the current work wait for events that earlier work has written and that are still on their way. A repeated
 * request calls it: it answers what the first one made, so its answer must be as fresh. Does nothing if the current
 * work has written events itself.
 */
export async function awaitEarlierEvents(db: Database, tables: MessageTables, stream: string): Promise<void> {
  const waits = currentWaits();
  if (!waits || waits.length > 0) return;
  const { outboxDelivery: table } = tables;
  const rows = await db
    .select({ consumer: table.consumer, head: table.head })
    .from(table)
    .where(and(eq(table.stream, stream), sql`${table.delivered} < ${table.head}`));
  for (const watch of findWatches(clientOf(db), table)) {
    const row = rows.find(({ consumer }) => consumer === watch.consumer);
    if (!row || !isAwaited(watch.consumer)) continue;
    waits.push(watch.waits.add(stream, row.head));
    watch.wake();
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
  announceAfterCommit(tables, [consumer], null);
  return rows.length > 0;
}
