import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events.ts';
import type { LicenseState } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { dutyOf, openDuty, subjectOfLicense } from '../duty/store.ts';
import { requireReason } from '../license.ts';
import { findPreparedActs, lockHead } from '../store.ts';
import { answersOf, isPossible, requireAnswerer, requireOrder, takenBackBy } from './order.ts';
import * as store from './store.ts';

const SYSTEM = '电子证照系统';

/**
 * Receives a supervisor's order. The order waits for the issuing organ's approver, or is overtaken at once if the state
 * of the license does not allow it.
 */
export async function takeOrder(tx: Transaction, told: EventPayload<'SupervisionOrdered'>, at: Date): Promise<void> {
  const { orderId: id, number, act, reason, supervisor, orderedAt } = told;
  const held = await lockHead(tx, number);
  if (!held) throw new Error(`no license ${number}`);
  const open = await store.lockOpenOrders(tx, number);
  const [prepared] = await findPreparedActs(tx, [number]);
  const row = { id, number, act, reason, supervisor, supervisorId: supervisor.id, issuer: held.license.issuer.id };
  const order = await store.insertOrder(tx, { ...row, orderedAt: new Date(orderedAt), state: 'OPEN' });
  await store.addParty(tx, number, supervisor.id);
  for (const one of takenBackBy(order, open)) {
    // An order whose act is prepared cannot be taken back. Its suspension is lifted after the act is done.
    if (one.id === prepared?.orderId) continue;
    await store.answerOrder(tx, one, { answer: 'OVERTAKEN', reason: '监管部门已撤回', actor: SYSTEM, at });
  }
  if (!isPossible(act, prepared?.stateAfter ?? held.version.state)) {
    const said = { answer: 'OVERTAKEN' as const, reason: overtakenBy(held.version.state), actor: SYSTEM, at };
    return store.answerOrder(tx, order, said);
  }
  const subject = await subjectOfLicense(tx, number);
  await openDuty(tx, { id: dutyOf.order(id), kind: 'ORDER_OPEN', reason, at, ...subject });
}

const STATE_NAMES: Record<LicenseState, string> = {
  VALID: '有效',
  SUSPENDED: '暂扣',
  SUPERSEDED: '已被新版本取代',
  LAPSED: '失效',
  RESCINDED: '撤销',
  WITHDRAWN: '撤回',
  REVOKED: '吊销',
  CANCELLED: '注销',
};

function overtakenBy(state: LicenseState): string {
  return `证照已处于“${STATE_NAMES[state]}”状态`;
}

/**
 * Answers the orders that a done act settles, in the transaction that does the act.
 * The caller must hold the lock on the license's row.
 */
export async function settleOrders(
  tx: Transaction,
  done: { number: string; orderId: string | null; actor: string; reason: string | null },
  state: LicenseState,
  at: Date,
): Promise<void> {
  const open = await store.lockOpenOrders(tx, done.number);
  for (const { order, answer } of answersOf(open, { orderId: done.orderId, state })) {
    const reason = answer === 'CARRIED_OUT' ? null : overtakenBy(state);
    await store.answerOrder(tx, order, { answer, reason, actor: done.actor, at });
  }
}

/**
 * Declines an order with the reason, as an approver of the issuing organ.
 * Refuses REASON_MISSING, FIELD_TOO_LONG, FIELD_MALFORMED, ORDER_UNKNOWN, ORDER_ANSWERED, ROLE_NOT_ALLOWED,
 * ORGAN_WITHOUT_POWER, and LICENSE_BUSY while an act that carries it out waits for its seal.
 */
export function declineOrder(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  asked: { order: string; reason: string; dryRun: boolean },
): Promise<store.OrderRow> {
  return transact(db, asked.dryRun, async (tx) => {
    requireReason(asked.reason);
    const named = await store.findOrder(tx, asked.order);
    const held = named && (await lockHead(tx, named.number));
    if (!named || !held) throw new Refusal('ORDER_UNKNOWN', 'order');
    const approver = requireAnswerer(actor, held.license);
    const order = await store.lockOrder(tx, named.id);
    requireOrder(order, named.number, named.act);
    const [prepared] = await findPreparedActs(tx, [named.number]);
    if (prepared?.orderId === named.id) throw new Refusal('LICENSE_BUSY', 'order');
    await store.answerOrder(tx, named, { answer: 'DECLINED', reason: asked.reason, actor: approver.name, at: now() });
    const answered = await store.findOrder(tx, named.id);
    if (!answered) throw new Error(`no order ${named.id}`);
    return answered;
  });
}
