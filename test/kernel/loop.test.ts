import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type Loop, runItems, startLoop } from '../../subgraphs/kernel/loop.ts';
import { waitUntil } from '../support/until.ts';

/** The loop that all background work runs in. */

let loops: Loop[] = [];
const start = (...args: Parameters<typeof startLoop>) => {
  const loop = startLoop(...args);
  loops.push(loop);
  return loop;
};
afterEach(async () => {
  await Promise.all(loops.map((loop) => loop.stop()));
  loops = [];
});
const gapsOf = (times: number[]) => times.slice(1).map((time, i) => time - (times[i] ?? 0));
/** No test outlives this pause. */
const ENDLESS_MS = 3_600_000;
/** Timers can fire a little before their time. */
const EARLY_MS = 2;

test('runs again at once while more is left, then pauses', async () => {
  let turns = 0;
  start(async () => ++turns < 50, { pollMs: ENDLESS_MS });
  await waitUntil('the first turns have run', async () => turns >= 50);
  await pause(100);
  expect(turns).toBe(50);
});

test('each failure doubles the pause up to the maximum, and a turn that succeeds ends it', async () => {
  // Without a maximum the last pause alone would take ten minutes.
  const FAILURES = 20;
  const times: number[] = [];
  const errors: unknown[] = [];
  start(
    async () => {
      times.push(performance.now());
      if (times.length <= FAILURES) throw new Error(`turn ${times.length}`);
      return false;
    },
    { pollMs: 10, maxPauseMs: 60, onError: (error) => errors.push(error) },
  );
  await waitUntil('it goes on after the failures', async () => times.length >= FAILURES + 2);
  const gaps = gapsOf(times);
  for (const [i, least] of [20, 40, ...Array<number>(FAILURES - 2).fill(60)].entries())
    expect(gaps[i]).toBeGreaterThanOrEqual(least - EARLY_MS);
  expect(errors).toHaveLength(FAILURES);
});

test('goes on if the report of a failure fails', async () => {
  let turns = 0;
  start(
    async () => {
      turns++;
      throw new Error('turn');
    },
    {
      pollMs: 1,
      maxPauseMs: 1,
      onError: () => {
        throw new Error('no space left');
      },
    },
  );
  await waitUntil('it goes on', async () => turns >= 3);
});

test('begins at once, or after a pause', async () => {
  const turns = { atOnce: 0, delayed: 0 };
  start(async () => ++turns.atOnce < 0, { pollMs: ENDLESS_MS });
  start(async () => ++turns.delayed < 0, { pollMs: ENDLESS_MS, isDelayed: true });
  await pause(50);
  expect(turns).toEqual({ atOnce: 1, delayed: 0 });
});

test('turns never overlap, and stop waits for the one that runs', async () => {
  let running = 0;
  let maxRunning = 0;
  let ended = 0;
  const loop = start(
    async () => {
      maxRunning = Math.max(maxRunning, ++running);
      await pause(30);
      running--;
      ended++;
      return false;
    },
    { pollMs: 1 },
  );
  await waitUntil('a turn runs', async () => running === 1);
  await loop.stop();
  expect({ running, maxRunning }).toEqual({ running: 0, maxRunning: 1 });
  const before = ended;
  await pause(60);
  expect(ended).toBe(before);
});

test('stop ends a pause, tells the running turn, and its error is not reported', async () => {
  const errors: unknown[] = [];
  const paused = start(async () => false, { pollMs: ENDLESS_MS });
  const waiting = start(
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    { pollMs: 1, onError: (error) => errors.push(error) },
  );
  await pause(20);
  await Promise.all([paused.stop(), waiting.stop(), paused.stop()]);
  expect(errors).toEqual([]);
});

test('items run at the same time up to the limit, and one that hangs or fails holds up no other', async () => {
  const { promise: hanging, resolve: release } = Promise.withResolvers<void>();
  const begun: number[] = [];
  const errors: unknown[] = [];
  let running = 0;
  let mostRunning = 0;
  const run = async (item: number) => {
    begun.push(item);
    mostRunning = Math.max(mostRunning, ++running);
    if (item === 0) await hanging;
    else await pause(1);
    running--;
    if (item === 1) throw new Error('one fails');
  };
  const turn = runItems([0, 1, 2, 3, 4, 5], run, { limit: 2, onError: (error) => errors.push(error) });
  await waitUntil('the others have begun', async () => begun.length === 6);
  release();
  await turn;
  expect([begun, mostRunning, errors]).toEqual([[0, 1, 2, 3, 4, 5], 2, [new Error('one fails')]]);
  await expect(runItems([1], run, { limit: 2 })).rejects.toThrow('one fails');
});

test('no item begins after the signal', async () => {
  const controller = new AbortController();
  const begun: number[] = [];
  const run = async (item: number) => {
    begun.push(item);
    if (item === 1) controller.abort();
  };
  await runItems([0, 1, 2, 3], run, { limit: 1, signal: controller.signal });
  expect(begun).toEqual([0, 1]);
});
