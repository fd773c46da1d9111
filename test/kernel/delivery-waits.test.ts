import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DeliveryWaits } from '../../subgraphs/kernel/events/delivery-waits.ts';

/** How long answers wait for a consumer, and that a consumer that hangs is waited for once. */

const MAX_MS = 1_000;
let waits: DeliveryWaits;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  // The clock of the waits is not at its beginning, as in a process that has run for a while.
  vi.advanceTimersByTime(1_000_000);
  waits = new DeliveryWaits('cases', MAX_MS);
});
afterEach(() => vi.useRealTimers());

test('a consumer that takes the event in time is waited for, each time', async () => {
  for (const revision of [1, 2, 3]) {
    const delayed = waits.add('s', revision);
    expect(vi.getTimerCount()).toBe(1);
    waits.settle('s', revision);
    expect(await delayed).toEqual([]);
  }
});

test('after a wait that ended at its deadline nobody waits again, until the consumer takes an event', async () => {
  const first = waits.add('s', 1);
  vi.advanceTimersByTime(MAX_MS);
  expect(await first).toEqual(['cases']);
  for (const revision of [2, 3, 4]) {
    const delayed = waits.add('s', revision);
    expect(vi.getTimerCount()).toBe(0);
    expect(await delayed).toEqual(['cases']);
  }
  waits.settle('s', 4);
  void waits.add('s', 5);
  expect(vi.getTimerCount()).toBe(1);
});

test('a while later one answer waits again, in case another copy of the relay delivers', async () => {
  const first = waits.add('s', 1);
  vi.advanceTimersByTime(MAX_MS);
  await first;
  vi.advanceTimersByTime(10 * MAX_MS);
  void waits.add('s', 2);
  expect(vi.getTimerCount()).toBe(1);
});

test('an event that was rolled back is not waited for, whether its stream has others or none', async () => {
  const [begun, empty] = [waits.add('begun', 3), waits.add('empty', 1)];
  const known = waits.add('begun', 2);
  waits.compare(['begun', 'empty'], [{ stream: 'begun', head: 2, delivered: 1, isStuck: false }]);
  expect([await begun, await empty]).toEqual([[], []]);
  // What was committed is still waited for.
  expect(vi.getTimerCount()).toBe(1);
  waits.settle('begun', 2);
  expect(await known).toEqual([]);
});
