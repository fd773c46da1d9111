import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import {
  isActAllowed,
  LICENSE_STATE_LABELS,
  type LicenseState,
  type ValidityState,
} from '../../kernel/license-acts.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findPreparedActs } from '../act/act-store.ts';
import { countersign, lockWaiting } from '../countersign/workflow.ts';
import { requireReason } from '../license.ts';
import { dutyIds, openDuty, readLicenseSubject } from '../paper/duty-store.ts';
import { LICENSES_POLICY } from '../policy.ts';
import { lockHead, stateOfVersion } from '../store.ts';
import { decideAnswers, findOrdersTakenBack } from './order.ts';
import * as store from './store.ts';

const SYSTEM = '电子证照系统';

/**
 * Receives a supervisor's order. The order waits for the issuing organ's approver, or is overtaken at once if the state
 * of the license does not allow it.
 */
export async function receiveOrder(
  tx: Transaction,
  payload: EventPayload<'SupervisionOrdered'>,
  at: Date,
): Promise<void> {
  const { orderId: id, number, act, reason, supervisor, orderedAt } = payload;
  const storedLicense = await lockHead(tx, number);
  if (!storedLicense) throw new Error(`no license ${number}`);
  const openOrders = await store.lockOpenOrders(tx, number);
  const [prepared] = await findPreparedActs(tx, [number]);
  const row = {
    id,
    number,
    act,
    reason,
    supervisor,
    supervisorId: supervisor.id,
    issuer: storedLicense.license.issuer.id,
  };
  const order = await store.insertOrder(tx, { ...row, orderedAt: new Date(orderedAt), state: 'OPEN' });
  await store.addParty(tx, number, supervisor.id);
  for (const takenBackOrder of findOrdersTakenBack(order, openOrders)) {
    // An order whose act is prepared cannot be taken back. Its suspension is lifted after the act is done.
    if (takenBackOrder.id === prepared?.orderId) continue;
    await store.answerOrder(tx, takenBackOrder, { answer: 'OVERTAKEN', reason: '监管部门已撤回', actor: SYSTEM, at });
  }
  const state = stateOfVersion(storedLicense, dayOf(at));
  if (!isActAllowed(act, prepared?.stateAfter ?? state)) {
    const outcome = {
      answer: 'OVERTAKEN' as const,
      reason: toOvertakenReason(state),
      actor: SYSTEM,
      at,
    };
    return store.answerOrder(tx, order, outcome);
  }
  const subject = await readLicenseSubject(tx, number);
  await openDuty(tx, { id: dutyIds.order(id), kind: 'ORDER_OPEN', reason, at, ...subject });
}

function toOvertakenReason(state: ValidityState): string {
  return `证照已处于“${LICENSE_STATE_LABELS[state]}”状态`;
}

/**
 * Answers the orders that a done act settles, in the transaction that does the act.
 * The caller must hold the lock on the license's row.
 */
export async function settleOrders(
  tx: Transaction,
  doneAct: { number: string; orderId: string | null; actor: string; reason: string | null },
  state: LicenseState,
  at: Date,
): Promise<void> {
  const openOrders = await store.lockOpenOrders(tx, doneAct.number);
  for (const { order, answer } of decideAnswers(openOrders, { orderId: doneAct.orderId, state })) {
    const reason = answer === 'CARRIED_OUT' ? null : toOvertakenReason(state);
    await store.answerOrder(tx, order, { answer, reason, actor: doneAct.actor, at });
  }
}

/**
 * Declines an order with the reason, for the second person of the issuing organ who asks, an approver. For the first
 * one it records the wish. Returns the order.
 * Refuses REASON_MISSING, FIELD_TOO_LONG, FIELD_MALFORMED, ORDER_UNKNOWN, ORDER_ANSWERED, ROLE_NOT_ALLOWED,
 * ORGAN_WITHOUT_POWER, SECOND_PERSON_NEEDED, and LICENSE_BUSY while an act that carries it out waits for its seal.
 */
export function declineOrder(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  request: { order: string; reason: string; dryRun: boolean },
): Promise<store.OrderRow> {
  return transact(db, request.dryRun, async (tx) => {
    requireReason(request.reason);
    const unlockedOrder = await store.findOrder(tx, request.order);
    const storedLicense = unlockedOrder && (await lockHead(tx, unlockedOrder.number));
    if (!unlockedOrder || !storedLicense) throw new Refusal('ORDER_UNKNOWN', 'order');
    const { number } = unlockedOrder;
    const order = await store.lockOrder(tx, unlockedOrder.id);
    const [prepared = null] = await findPreparedActs(tx, [number]);
    const { issuer } = storedLicense.license;
    const { record } = storedLicense.version;
    const at = now();
    const first = await lockWaiting(tx, 'DECLINE_ORDER', unlockedOrder.id, at);
    const subject = { head: { issuer, number, record }, order, prepared, first };
    const person = requireAllowed(LICENSES_POLICY.declineOrder, subject, actor);
    const { reason } = request;
    const wish = { kind: 'DECLINE_ORDER' as const, subject: unlockedOrder.id, organ: issuer.id, reason };
    if (!(await countersign(tx, first, wish, person, at))) return unlockedOrder;
    await store.answerOrder(tx, unlockedOrder, { answer: 'DECLINED', reason, actor: person.name, at });
    const answeredOrder = await store.findOrder(tx, unlockedOrder.id);
    if (!answeredOrder) throw new Error(`no order ${unlockedOrder.id}`);
    return answeredOrder;
  });
}
