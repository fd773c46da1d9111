import { describe, expect, test } from 'vitest';
import { type Order, requireNoOpenOrder, requireOwnSuspension } from '../../subgraphs/licenses/order/order.ts';

const refused = (code: string) => expect.objectContaining({ code });
const order = (act: Order['act'], organ = 'yudu-lyj'): Order => ({
  id: `${act} ${organ}`,
  number: '3607310000000001',
  act,
  reason: '检查发现问题',
  supervisor: { id: organ } as Order['supervisor'],
  state: 'OPEN',
});

describe("a supervisor's order to restore a license", () => {
  const restore = order('RESTORE');
  test('is refused while an order to suspend or revoke the license is open', () => {
    expect(requireNoOpenOrder('RESTORE', [restore, order('RESTORE', 'ganzhou-lyj')], restore)).toBeUndefined();
    for (const act of ['SUSPEND', 'REVOKE'] as const) {
      const open = [order(act, 'ganzhou-lyj'), restore];
      expect(() => requireNoOpenOrder('RESTORE', open, restore)).toThrow(refused('ORDER_OPEN'));
    }
    expect(() => requireNoOpenOrder('RESTORE', [restore])).toThrow(refused('ORDER_OPEN'));
    expect(requireNoOpenOrder('SUSPEND', [order('SUSPEND'), restore], order('SUSPEND'))).toBeUndefined();
  });

  test("lifts only a suspension that the same supervisor ordered, not another supervisor's or the issuer's own", () => {
    expect(requireOwnSuspension(restore, 'yudu-lyj')).toBeUndefined();
    for (const other of ['ganzhou-lyj', null]) {
      expect(() => requireOwnSuspension(restore, other)).toThrow(refused('LICENSE_ACT_NOT_ALLOWED'));
    }
    expect(requireOwnSuspension(order('REVOKE'), null)).toBeUndefined();
  });
});
