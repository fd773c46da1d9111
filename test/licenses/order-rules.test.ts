import { describe, expect, test } from 'vitest';
import { type Order, requireNoOpenOrder, requireOwnSuspension } from '../../subgraphs/licenses/order/order.ts';

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
});
