import { and, asc, desc, eq, inArray, lt, or, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { EventPayload } from '../../kernel/events.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { appendEvent } from '../../kernel/outbox-store.ts';
import type { MessageTables } from '../../kernel/outbox-tables.ts';
import { cutPage, type Page, type PageRequest } from '../../kernel/page.ts';
import { closeDuty, dutyOf } from '../duty/store.ts';
import * as tables from '../tables.ts';
import type { Order, OrderState } from './order.ts';

const { act, license, supervisionOrder } = tables;
const messages: MessageTables = tables;
const CONSUMERS = { cases: ['OrderAnswered'] } as const;

export type OrderRow = typeof supervisionOrder.$inferSelect;

export async function insertOrder(tx: Transaction, row: typeof supervisionOrder.$inferInsert): Promise<OrderRow> {
  const [made] = await tx.insert(supervisionOrder).values(row).returning();
  if (!made) throw new Error('no order written');
  return made;
}

/** An order whose row is locked until the transaction ends; whoever answers it holds its license first. */
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

/** Open orders on a license, oldest first, locked. The caller holds the license's row. */
export function lockOpenOrders(tx: Transaction, number: string): Promise<OrderRow[]> {
  return tx
    .select()
    .from(supervisionOrder)
    .where(and(eq(supervisionOrder.number, number), eq(supervisionOrder.state, 'OPEN')))
    .orderBy(asc(supervisionOrder.serial))
    .for('update');
}

/** By number: the supervisor whose order made the newest suspension of a license. None where the issuer suspended of its own. */
export async function suspendedFor(db: Reader, numbers: readonly string[]): Promise<Map<string, string>> {
  const newest = await db
    .selectDistinctOn([act.number], { number: act.number, supervisorId: supervisionOrder.supervisorId })
    .from(act)
    .leftJoin(supervisionOrder, eq(supervisionOrder.id, act.orderId))
    .where(and(inArray(act.number, [...numbers]), eq(act.act, 'SUSPEND'), eq(act.state, 'DONE')))
    .orderBy(act.number, desc(act.serial));
  return new Map(newest.flatMap(({ number, supervisorId }) => (supervisorId === null ? [] : [[number, supervisorId]])));
}

/** Orders on licenses, oldest first. */
export function ordersOf(db: Reader, numbers: readonly string[]): Promise<OrderRow[]> {
  return db
    .select()
    .from(supervisionOrder)
    .where(inArray(supervisionOrder.number, [...numbers]))
    .orderBy(asc(supervisionOrder.serial));
}

/** Orders to an organ or by it, newest first; all of them for null. */
export async function listOrders(
  db: Reader,
  organ: string | null,
  state: OrderState | null,
  page: PageRequest<number>,
): Promise<Page<OrderRow>> {
  const rows = await db
    .select()
    .from(supervisionOrder)
    .where(
      and(
        organ === null ? undefined : or(eq(supervisionOrder.issuer, organ), eq(supervisionOrder.supervisorId, organ)),
        state === null ? undefined : eq(supervisionOrder.state, state),
        page.after === null ? undefined : lt(supervisionOrder.serial, page.after),
      ),
    )
    .orderBy(desc(supervisionOrder.serial))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

/** Lets a supervisor see the license that it has an order on. */
export async function addParty(tx: Transaction, number: string, organ: string): Promise<void> {
  await tx
    .update(license)
    .set({ parties: sql`array_append(${license.parties}, ${organ}::text)` })
    .where(and(eq(license.number, number), sql`not (${license.parties} @> array[${organ}]::text[])`));
}

/** Writes what became of an order, closes its duty, and tells cases. */
export async function answerOrder(
  tx: Transaction,
  order: Pick<Order, 'id'>,
  answered: { answer: EventPayload<'OrderAnswered'>['answer']; reason: string | null; actor: string; at: Date },
): Promise<void> {
  const { answer, reason, actor, at } = answered;
  const set = { state: answer, answer: reason, answeredBy: actor, answeredAt: at };
  await tx.update(supervisionOrder).set(set).where(eq(supervisionOrder.id, order.id));
  await closeDuty(tx, dutyOf.order(order.id), at);
  const payload = { orderId: order.id, answer, reason, actor, answeredAt: at.toISOString() };
  const stream = `order:${order.id}`;
  await appendEvent(tx, messages, CONSUMERS, { type: 'OrderAnswered', stream, occurredAt: at, payload });
}
