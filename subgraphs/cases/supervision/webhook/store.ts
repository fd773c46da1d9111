import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../../db/client.ts';
import { UUID_PATTERN } from '../../../kernel/identifier.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../../kernel/list/keyset-store.ts';
import type { Page } from '../../../kernel/list/page.ts';
import * as tables from '../../tables.ts';

const { matterFact, outboxDelivery, outboxStream, push, supervisionMessage, webhook } = tables;

/** The relay's name for supervisors' systems. */
export const CONSUMER = 'webhook';

export type WebhookRow = typeof webhook.$inferSelect;

/** Returns the webhook in use of an organ, or null. */
export async function findWebhookOf(db: Reader, organ: string): Promise<WebhookRow | null> {
  const [row] = await db
    .select()
    .from(webhook)
    .where(and(eq(webhook.organ, organ), isNull(webhook.endedAt)));
  return row ?? null;
}

export async function hasWebhook(db: Reader, organ: string): Promise<boolean> {
  return (await findWebhookOf(db, organ)) !== null;
}

/** Returns a webhook by its id, also one that has ended, or null. */
export async function findWebhook(db: Reader, id: string): Promise<WebhookRow | null> {
  const [row] = UUID_PATTERN.test(id) ? await db.select().from(webhook).where(eq(webhook.id, id)) : [];
  return row ?? null;
}

/** Returns a webhook in use by its id, or null. It stays in use until the transaction ends. */
export async function holdWebhook(tx: Transaction, id: string): Promise<WebhookRow | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await tx
    .select()
    .from(webhook)
    .where(and(eq(webhook.id, id), isNull(webhook.endedAt)))
    .for('share');
  return row ?? null;
}

/** The order of `webhooks`. */
export const WEBHOOK_ORDER = bySerial('webhooks', webhook.serial, 'ASC');

export function listWebhooks(db: Reader, page: KeysetRequest): Promise<Page<WebhookRow>> {
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(webhook)
      .where(keyset.condition)
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Whether any matter names the organ. */
export async function isOrganKnown(db: Reader, organ: string): Promise<boolean> {
  const rows = await db
    .select({ id: matterFact.matterId })
    .from(matterFact)
    .where(sql`${matterFact.fact}->'organs' @> ${JSON.stringify([{ id: organ }])}::jsonb`)
    .limit(1);
  return rows.length > 0;
}

/**
 * Locks an organ in shared mode. Pushes to it and a registration for it wait for each other.
 * Pushes do not wait for each other.
 */
export async function shareOrgan(tx: Transaction, organ: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(hashtextextended(${`webhook ${organ}`}, 0))`);
}

/** Locks an organ exclusively, so that registrations for it run one at a time. */
export async function lockOrgan(tx: Transaction, organ: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`webhook ${organ}`}, 0))`);
}

/** Ends the webhook in use of an organ. Returns it, or null if there is none. */
export async function endWebhook(tx: Transaction, organ: string, at: Date): Promise<WebhookRow | null> {
  const [row] = await tx
    .update(webhook)
    .set({ endedAt: at })
    .where(and(eq(webhook.organ, organ), isNull(webhook.endedAt)))
    .returning();
  return row ?? null;
}

export async function insertWebhook(tx: Transaction, row: typeof webhook.$inferInsert): Promise<WebhookRow> {
  const [newWebhook] = await tx.insert(webhook).values(row).returning();
  if (!newWebhook) throw new Error('no webhook written');
  return newWebhook;
}

/** Hands the pushes that have not reached an organ to the relay, including those that it had given up. */
export async function requeueOpenPushes(tx: Transaction, organ: string): Promise<void> {
  const stream = sql<string>`'push:' || ${push.id}`;
  const openStreams = await tx
    .select({ stream: outboxStream.stream, head: outboxStream.head })
    .from(push)
    .innerJoin(outboxStream, eq(outboxStream.stream, stream))
    .where(and(eq(push.organ, organ), isNull(push.reachedAt)));
  if (openStreams.length === 0) return;
  await tx
    .insert(outboxDelivery)
    .values(openStreams.map((row) => ({ consumer: CONSUMER, ...row })))
    .onConflictDoUpdate({
      target: [outboxDelivery.consumer, outboxDelivery.stream],
      // Pushes that the system of an ended registration did not accept are sent again. An attempt in progress no longer
      // counts.
      set: {
        delivered: 0,
        rejectedAt: null,
        attempts: 0,
        nextAttemptAt: sql`now()`,
        lease: null,
        leasedUntil: null,
      },
    });
}

/** Returns how far the delivery of each push to its supervisor's system is: failed attempts and the last fault. */
export async function findDeliveries(db: Reader, pushIds: readonly string[]) {
  const streams = pushIds.map((id) => `push:${id}`);
  const rows = await db
    .select()
    .from(outboxDelivery)
    .where(and(eq(outboxDelivery.consumer, CONSUMER), inArray(outboxDelivery.stream, streams)));
  return new Map(
    rows.map(({ stream, attempts, lastError, rejectedAt, delivered, head }) => [
      stream.slice('push:'.length),
      { attempts, lastError, refused: rejectedAt !== null, delivered: delivered >= head },
    ]),
  );
}

export interface StoredMessage {
  bodyDigest: string;
  status: number;
  answer: object;
}

/**
 * Locks a message id of a sender until the transaction ends, so that copies of a message are handled one at a time.
 * Returns the stored message, or null.
 */
export async function lockMessage(
  tx: Transaction,
  webhookId: string,
  messageId: string,
): Promise<StoredMessage | null> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${webhookId} ${messageId}`}, 0))`);
  const [row] = await tx
    .select()
    .from(supervisionMessage)
    .where(and(eq(supervisionMessage.webhookId, webhookId), eq(supervisionMessage.messageId, messageId)));
  return row ?? null;
}

export async function insertMessage(tx: Transaction, row: typeof supervisionMessage.$inferInsert): Promise<void> {
  await tx.insert(supervisionMessage).values(row);
}
