import { type Actor, type Person, requireRole } from '../../kernel/actor.ts';
import type { OrganFact } from '../../kernel/events.ts';
import { type Act, type LicenseState, makesVersion } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type LicenseHead, stateAfter } from '../license.ts';

/** Supervisors' orders on licenses (监管指令): the issuing organ's approver carries each out or declines it; none is left hanging. */

export type OrderedAct = 'SUSPEND' | 'REVOKE' | 'RESTORE';
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

/** Whether the state of the license lets an order be carried out; where it does not, the order is overtaken. */
export function isPossible(act: OrderedAct, state: LicenseState): boolean {
  try {
    stateAfter(state, act);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** The open order that an act carries out. Refuses ORDER_UNKNOWN, ORDER_ANSWERED, LICENSE_ACT_NOT_ALLOWED. */
export function requireOrder(order: Order | null, number: string, act: Act): Order {
  if (order === null || order.number !== number) throw new Refusal('ORDER_UNKNOWN', 'order');
  if (order.state !== 'OPEN') throw new Refusal('ORDER_ANSWERED', 'order');
  if (order.act !== act) throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'order');
  return order;
}

/**
 * While an order is open nothing about the license changes past it: no new version, no restoration but an ordered one.
 * A suspension or an ending is allowed, for it answers the order. Refuses ORDER_OPEN.
 */
export function requireNoOpenOrder(act: Act, open: readonly Order[], named: Order | null = null): void {
  if (named !== null && act !== 'RESTORE') return;
  // An ordered restoration goes past other restorations, and past nothing that is against the license.
  const before = named === null ? open : open.filter((order) => order.act !== 'RESTORE');
  if (before.length > 0 && (makesVersion(act) || act === 'RESTORE')) throw new Refusal('ORDER_OPEN');
}

/** A supervisor lifts the suspension that its own order made: no other supervisor's, nor the issuer's. */
export function isOwnSuspension(order: Order, suspendedFor: string | null): boolean {
  return order.act !== 'RESTORE' || order.supervisor.id === suspendedFor;
}

/** Refuses LICENSE_ACT_NOT_ALLOWED where an order would lift a suspension that is not its supervisor's. */
export function requireOwnSuspension(order: Order, suspendedFor: string | null): void {
  if (isOwnSuspension(order, suspendedFor)) return;
  throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'order', '暂扣并非由该监管部门要求');
}

/** Who answers an order: approver of the organ that issued the license. Refuses ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER. */
export function requireAnswerer(actor: Actor, head: Pick<LicenseHead, 'issuer'>): Person {
  const approver = requireRole(actor, 'APPROVER');
  if (approver.organ !== head.issuer.id) throw new Refusal('ORGAN_WITHOUT_POWER');
  return approver;
}

/** Orders that a new one of the same supervisor takes back: lifting takes back a suspension that nobody has carried out. */
export function takenBackBy(order: Order, open: readonly Order[]): Order[] {
  if (order.act !== 'RESTORE') return [];
  return open.filter((one) => one.act === 'SUSPEND' && one.supervisor.id === order.supervisor.id);
}

/** What a done act makes of the orders that were open: the one it names is carried out, those it makes impossible are overtaken. */
export function answersOf(
  open: readonly Order[],
  done: { orderId: string | null; state: LicenseState },
): { order: Order; answer: 'CARRIED_OUT' | 'OVERTAKEN' }[] {
  return open.flatMap((order): { order: Order; answer: 'CARRIED_OUT' | 'OVERTAKEN' }[] => {
    if (order.id === done.orderId) return [{ order, answer: 'CARRIED_OUT' }];
    return isPossible(order.act, done.state) ? [] : [{ order, answer: 'OVERTAKEN' }];
  });
}
