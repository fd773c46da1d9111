import type { OrganFact } from '../../kernel/events/events.ts';
import {
  type Act,
  isActAllowed,
  LICENSE_ACTS,
  type LicenseState,
  makesVersion,
  type OrderedAct,
} from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';

/**
 * Supervisors' orders on licenses (监管指令). The issuing organ's approver carries each out or declines it.
 * Every order ends: it is carried out, declined or overtaken.
 */

export const ORDER_STATES = ['OPEN', 'CARRIED_OUT', 'DECLINED', 'OVERTAKEN'] as const;
export type OrderState = (typeof ORDER_STATES)[number];

export interface Order {
  id: string;
  /** License number. */
  number: string;
  act: OrderedAct;
  reason: string;
  supervisor: OrganFact;
  state: OrderState;
}

/** Returns the open order that an act carries out. Refuses ORDER_UNKNOWN, ORDER_ANSWERED, LICENSE_ACT_NOT_ALLOWED. */
export function requireOrder(order: Order | null, number: string, act: Act): Order {
  if (order === null || order.number !== number) throw new Refusal('ORDER_UNKNOWN', 'order');
  if (order.state !== 'OPEN') throw new Refusal('ORDER_ANSWERED', 'order');
  if (order.act !== act)
    throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'order', `该指令要求的是${LICENSE_ACTS[order.act].label}`);
  return order;
}

/**
 * Refuses ORDER_OPEN for a new version, or a restoration that nobody ordered, while an order is open.
 * Allows a suspension or an ending, because it answers the order.
 */
export function requireNoOpenOrder(act: Act, openOrders: readonly Order[], executedOrder: Order | null = null): void {
  if (executedOrder !== null && act !== 'RESTORE') return;
  // An ordered restoration is blocked by an open suspension or revocation, not by other restorations.
  const blockingOrders = executedOrder === null ? openOrders : openOrders.filter((order) => order.act !== 'RESTORE');
  if (blockingOrders.length > 0 && (makesVersion(act) || act === 'RESTORE')) throw new Refusal('ORDER_OPEN');
}

/**
 * Whether an order may lift the suspension. A supervisor lifts only a suspension that its own order made, not that of
 * another supervisor or of the issuer. Always true for an order of another act.
 */
function isOwnSuspension(order: Order, suspenderId: string | null): boolean {
  return order.act !== 'RESTORE' || order.supervisor.id === suspenderId;
}

/** Returns the first open order that an act can carry out, or null if there is none. */
export function findOrderOf<Candidate extends Order>(
  act: Act,
  openOrders: readonly Candidate[],
  suspenderId: string | null,
): Candidate | null {
  return openOrders.find((order) => order.act === act && isOwnSuspension(order, suspenderId)) ?? null;
}

/** Refuses LICENSE_ACT_NOT_ALLOWED if an order would lift a suspension that its supervisor did not order. */
export function requireOwnSuspension(order: Order, suspenderId: string | null): void {
  if (isOwnSuspension(order, suspenderId)) return;
  throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'order', '暂扣并非由该监管部门要求');
}

/**
 * Returns the open orders that a new order takes back. An order to restore takes back the same supervisor's orders to
 * suspend that nobody has carried out.
 */
export function findOrdersTakenBack(order: Order, openOrders: readonly Order[]): Order[] {
  if (order.act !== 'RESTORE') return [];
  return openOrders.filter(
    (candidate) => candidate.act === 'SUSPEND' && candidate.supervisor.id === order.supervisor.id,
  );
}

/**
 * Returns the answers that a done act gives to open orders. The order it names is carried out, and orders that have
 * become impossible are overtaken.
 */
export function decideAnswers(
  openOrders: readonly Order[],
  doneAct: { orderId: string | null; state: LicenseState },
): { order: Order; answer: 'CARRIED_OUT' | 'OVERTAKEN' }[] {
  return openOrders.flatMap((order): { order: Order; answer: 'CARRIED_OUT' | 'OVERTAKEN' }[] => {
    if (order.id === doneAct.orderId) return [{ order, answer: 'CARRIED_OUT' }];
    return isActAllowed(order.act, doneAct.state) ? [] : [{ order, answer: 'OVERTAKEN' }];
  });
}
