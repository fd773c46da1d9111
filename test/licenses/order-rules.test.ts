import { describe, expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import type { LicenseHead } from '../../subgraphs/licenses/license.ts';
import {
  findOrderOf,
  type Order,
  requireNoOpenOrder,
  requireOwnSuspension,
} from '../../subgraphs/licenses/order/order.ts';
import { policyOfAct } from '../../subgraphs/licenses/policy.ts';

const refusalWith = (code: string) => expect.objectContaining({ code });
const buildOrder = (act: Order['act'], organ = 'yudu-lyj'): Order => ({
  id: `${act} ${organ}`,
  number: '3607310000000001',
  act,
  reason: '检查发现问题',
  supervisor: { id: organ } as Order['supervisor'],
  state: 'OPEN',
});

describe("a supervisor's order to restore a license", () => {
  const restoreOrder = buildOrder('RESTORE');
  test('is refused while an order to suspend or revoke the license is open', () => {
    expect(
      requireNoOpenOrder('RESTORE', [restoreOrder, buildOrder('RESTORE', 'ganzhou-lyj')], restoreOrder),
    ).toBeUndefined();
    for (const act of ['SUSPEND', 'REVOKE'] as const) {
      const openOrders = [buildOrder(act, 'ganzhou-lyj'), restoreOrder];
      expect(() => requireNoOpenOrder('RESTORE', openOrders, restoreOrder)).toThrow(refusalWith('ORDER_OPEN'));
    }
    expect(() => requireNoOpenOrder('RESTORE', [restoreOrder])).toThrow(refusalWith('ORDER_OPEN'));
    expect(requireNoOpenOrder('SUSPEND', [buildOrder('SUSPEND'), restoreOrder], buildOrder('SUSPEND'))).toBeUndefined();
  });

  test("lifts only a suspension that the same supervisor ordered, not another supervisor's or the issuer's own", () => {
    expect(requireOwnSuspension(restoreOrder, 'yudu-lyj')).toBeUndefined();
    for (const suspendedBy of ['ganzhou-lyj', null]) {
      expect(() => requireOwnSuspension(restoreOrder, suspendedBy)).toThrow(refusalWith('LICENSE_ACT_NOT_ALLOWED'));
    }
    expect(requireOwnSuspension(buildOrder('REVOKE'), null)).toBeUndefined();
  });

  test('is asked by the policy row of the act, which mutation and actions share', () => {
    const head = { state: 'SUSPENDED' } as LicenseHead;
    const approver = { kind: 'person' } as Person;
    const refusalOf = (suspenderId: string | null, isBusy = false) => {
      const orders = { open: [restoreOrder], answered: restoreOrder, suspenderId };
      const prepared = isBusy ? { caseId: null, orderId: null } : null;
      return policyOfAct('RESTORE').state?.({ head, task: null, orders, prepared }, approver)?.code ?? null;
    };
    expect(refusalOf('yudu-lyj')).toBeNull();
    expect(refusalOf('ganzhou-lyj')).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(refusalOf(null)).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(refusalOf('yudu-lyj', true)).toBe('LICENSE_BUSY');
    expect(findOrderOf('RESTORE', [restoreOrder], 'ganzhou-lyj')).toBeNull();
    expect(findOrderOf('RESTORE', [restoreOrder], 'yudu-lyj')).toBe(restoreOrder);
  });
});
