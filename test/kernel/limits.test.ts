import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEnvironment } from '../../subgraphs/kernel/environment/parse.ts';
import { createAllowance } from '../../subgraphs/kernel/limits/allowance.ts';
import { readHubLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { createPlaces } from '../../subgraphs/kernel/limits/places.ts';

const MINUTE_MS = 60_000;

describe('the allowance of a minute', () => {
  test('can be spent at once, and comes back steadily', () => {
    const allowance = createAllowance(60, 10);
    for (let i = 0; i < 60; i++) expect(allowance.spend('a', 1, 0)).toBe(0);
    expect(allowance.spend('a', 1, 0)).toBe(1);
    expect(allowance.spend('a', 1, 500)).toBe(0.5);
    expect(allowance.spend('a', 1, 1_000)).toBe(0);
    expect(allowance.spend('a', 31, 31_000)).toBe(1);
    expect(allowance.spend('a', 30, 31_000)).toBe(0);
  });

  test('is of each caller by itself', () => {
    const allowance = createAllowance(1, 10);
    expect(allowance.spend('a', 1, 0)).toBe(0);
    expect(allowance.spend('a', 1, 0)).toBe(60);
    expect(allowance.spend('b', 1, 0)).toBe(0);
  });

  test('never suffices for more than a minute', () => {
    const allowance = createAllowance(10, 10);
    expect(allowance.spend('a', 11, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(allowance.spend('a', 10, 0)).toBe(0);
  });

  test('nobody spends more than a minute’s worth and what came back', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(30_000), amount: fc.integer({ min: 1, max: 700 }) }));
    fc.assert(
      fc.property(steps, (list) => {
        let [nowMs, spent] = [0, 0];
        const allowance = createAllowance(600, 10);
        for (const { waitMs, amount } of list) {
          nowMs += waitMs;
          if (allowance.spend('a', amount, nowMs) === 0) spent += amount;
        }
        expect(spent).toBeLessThanOrEqual(600 + (nowMs * 600) / MINUTE_MS + 1e-6);
      }),
    );
  });

  test('a charge is owed, and shows in the rest', () => {
    const allowance = createAllowance(60, 10);
    expect(allowance.rest('a', 0)).toBe(60);
    allowance.charge('a', 90, 0);
    expect(allowance.rest('a', 0)).toBe(0);
    expect(allowance.spend('a', 10, 0)).toBe(40);
    expect(allowance.rest('a', 45_000)).toBe(15);
  });

  test('a clock that goes backwards gives and takes nothing', () => {
    const allowance = createAllowance(60, 10);
    expect(allowance.spend('a', 60, 1_000)).toBe(0);
    expect(allowance.spend('a', 1, 0)).toBe(1);
  });

  test('a flood of callers gives nobody a new allowance, and shares one', () => {
    const allowance = createAllowance(10, 3);
    for (const caller of ['a', 'b', 'c']) expect(allowance.spend(caller, 10, 0)).toBe(0);
    const answers = Array.from({ length: 1_000 }, (_, i) => allowance.spend(`flood ${i}`, 1, 0));
    expect(answers.filter((seconds) => seconds === 0)).toHaveLength(10);
    for (const caller of ['a', 'b', 'c']) expect(allowance.spend(caller, 1, 0)).toBe(6);
  });

  test('a caller whose allowance is whole again makes room', () => {
    const allowance = createAllowance(10, 2);
    expect(allowance.spend('a', 10, 0)).toBe(0);
    expect(allowance.spend('b', 10, MINUTE_MS / 2)).toBe(0);
    // A minute after a, c gets its entry. d does not get that of b.
    expect(allowance.spend('c', 10, MINUTE_MS)).toBe(0);
    expect(allowance.spend('d', 10, MINUTE_MS)).toBe(0);
    expect(allowance.spend('e', 1, MINUTE_MS)).toBe(6);
    expect(allowance.spend('b', 6, MINUTE_MS)).toBe(6);
  });
});

describe('places', () => {
  const limits = { maxOperations: 4, maxOperationsPerCaller: 3, maxWaiting: 6, maxWaitingPerCaller: 4 };
  /** Takes places and notes who got one, in order. */
  const open = () => {
    const places = createPlaces(limits);
    const started: string[] = [];
    const take = (caller: string) => {
      const ticket = places.take(caller);
      ticket.taken.then(
        () => started.push(caller),
        ({ code }) => started.push(`${caller} ${code}`),
      );
      return ticket;
    };
    return { places, take, started, settle: () => new Promise((resolve) => setImmediate(resolve)) };
  };

  test('one caller leaves one for others', async () => {
    const { places, take, started, settle } = open();
    for (let i = 0; i < 5; i++) take('a');
    take('b');
    await settle();
    expect(started).toEqual(['a', 'a', 'a', 'b']);
    expect(places.count()).toEqual({ taken: 4, waiting: 2 });
  });

  test('a caller with too many that wait is RATE_LIMITED, and others still wait', () => {
    const { take } = open();
    for (let i = 0; i < 7; i++) take('a');
    expect(() => take('a')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    take('b');
    take('b');
    take('b');
    expect(() => take('c')).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
  });

  test('free places go round between callers', async () => {
    const { take, started, settle } = open();
    const running = [take('a'), take('a'), take('a'), take('d')];
    for (const caller of ['a', 'a', 'a', 'b', 'b', 'c']) take(caller);
    await settle();
    started.length = 0;
    for (const ticket of running) ticket.release();
    await settle();
    expect(started).toEqual(['a', 'b', 'c', 'a']);
  });

  test('giving up frees the turn, and says whose limit it was', async () => {
    const { places, take, started, settle } = open();
    const running = [take('a'), take('a'), take('a'), take('d')];
    const own = take('a');
    const whole = take('b');
    own.giveUp();
    whole.giveUp();
    running[0]?.giveUp();
    await settle();
    expect(started.slice(4)).toEqual(['a RATE_LIMITED', 'b OVERLOADED']);
    expect(places.count()).toEqual({ taken: 4, waiting: 0 });
  });

  test('a place is freed once, however often it is released', async () => {
    const { places, take, settle } = open();
    const ticket = take('a');
    take('a');
    await settle();
    for (let i = 0; i < 3; i++) ticket.release();
    ticket.giveUp();
    expect(places.count()).toEqual({ taken: 1, waiting: 0 });
  });
});

test('what an operator sets always leaves a place, a turn and a connection for others', () => {
  const texts = { MAX_OPERATIONS_PER_CALLER: '99', MAX_OPERATIONS: '10', MAX_WAITING: '5', MAX_CONNECTIONS: '7' };
  const { operations, connections } = readHubLimits(parseEnvironment('start', texts).settings);
  expect(operations).toMatchObject({ maxOperations: 10, maxOperationsPerCaller: 9, maxWaitingPerCaller: 4 });
  expect(connections).toMatchObject({ maxConnections: 7, maxConnectionsPerAddress: 6 });
});
