import { and, asc, desc, eq, inArray, or, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { SUSPENDING_ACTS } from '../../kernel/license-acts.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { announceMootWishes } from '../countersign/store.ts';
import { closeDuty, dutyIds } from '../paper/duty-store.ts';
import * as tables from '../tables.ts';
import type { Order, OrderState } from './order.ts';

const { act, license, supervisionOrder } = tables;
const messages: MessageTables = tables;
const CONSUMERS = { cases: ['OrderAnswered'] } as const;

export type OrderRow = typeof supervisionOrder.$inferSelect;

export async function insertOrder(tx: Transaction, row: typeof supervisionOrder.$inferInsert): Promise<OrderRow> {
  const [order] = await tx.insert(supervisionOrder).values(row).returning();
  if (!order) throw new Error('no order written');
  return order;
}

/**
 * Locks an order until the transaction ends. Returns null if there is none.
 * To answer an order, the caller must lock its license first.
 */
export async function lockOrder(tx: Transaction, id: string): Promise<OrderRow | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await tx.select().from(supervisionOrder).where(eq(supervisionOrder.id, id)).for('update');
  return row ?? null;
}

export async function findOrder(db: Reader, id: string): Promise<OrderRow | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await db.select().from(supervisionOrder).where(eq(supervisionOrder.id, id));
  return row ?? null;
}

/** Locks and returns the open orders on a license, oldest first. The caller must hold the lock on the license's row. */
export function lockOpenOrders(tx: Transaction, number: string): Promise<OrderRow[]> {
  return tx
    .select()
    .from(supervisionOrder)
    .where(and(eq(supervisionOrder.number, number), eq(supervisionOrder.state, 'OPEN')))
    .orderBy(asc(supervisionOrder.serial))
    .for('update');
}

/**
 * Returns by license number the supervisor whose order made the newest suspension.
 * Has no entry for a license that the issuer suspended on its own authority.
 */
export async function findSuspenders(db: Reader, numbers: readonly string[]): Promise<Map<string, string>> {
  const suspensions = await db
    .selectDistinctOn([act.number], { number: act.number, supervisorId: supervisionOrder.supervisorId })
    .from(act)
    .leftJoin(supervisionOrder, eq(supervisionOrder.id, act.orderId))
    .where(and(inArray(act.number, [...numbers]), inArray(act.act, SUSPENDING_ACTS), eq(act.state, 'DONE')))
    .orderBy(act.number, desc(act.serial));
  return new Map(
    suspensions.flatMap(({ number, supervisorId }) => (supervisorId === null ? [] : [[number, supervisorId]])),
  );
}

/** Returns all orders on licenses, oldest first. */
export function findOrders(db: Reader, numbers: readonly string[]): Promise<OrderRow[]> {
  return db
    .select()
    .from(supervisionOrder)
    .where(inArray(supervisionOrder.number, [...numbers]))
    .orderBy(asc(supervisionOrder.serial));
}

/** The order of `supervisionOrders`. */
export const ORDER_ORDER = bySerial('supervisionOrders', supervisionOrder.serial, 'DESC');

/** Lists the orders to the organs of a scope or by them, newest first. */
export function listOrders(
  db: Reader,
  scope: ReadScope,
  state: OrderState | null,
  page: KeysetRequest,
): Promise<Page<OrderRow>> {
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(supervisionOrder)
      .where(
        and(
          scope === null
            ? undefined
            : or(isInScope(supervisionOrder.issuer, scope), isInScope(supervisionOrder.supervisorId, scope)),
          state === null ? undefined : eq(supervisionOrder.state, state),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Adds an organ to the parties of a license, so that a supervisor sees the license that it has ordered an act on. */
export async function addParty(tx: Transaction, number: string, organ: string): Promise<void> {
  await tx
    .update(license)
    .set({ parties: sql`array_append(${license.parties}, ${organ}::text)` })
    .where(and(eq(license.number, number), sql`not (${license.parties} @> array[${organ}]::text[])`));
}

/** Stores the answer to an order, closes its duty, and appends an event for cases. */
export async function answerOrder(
  tx: Transaction,
  order: Pick<Order, 'id'>,
  outcome: { answer: EventPayload<'OrderAnswered'>['answer']; reason: string | null; actor: string; at: Date },
): Promise<void> {
  const { answer, reason, actor, at } = outcome;
  const columns = { state: answer, answer: reason, answeredBy: actor, answeredAt: at };
  await tx.update(supervisionOrder).set(columns).where(eq(supervisionOrder.id, order.id));
  await closeDuty(tx, dutyIds.order(order.id), at);
  await announceMootWishes(tx, 'DECLINE_ORDER', order.id, at);
  const payload = { orderId: order.id, answer, reason, actor, answeredAt: at.toISOString() };
  const stream = `order:${order.id}`;
  await appendEvent(tx, messages, CONSUMERS, { type: 'OrderAnswered', stream, occurredAt: at, payload });
}
