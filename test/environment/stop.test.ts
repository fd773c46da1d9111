import { expect, test, vi } from 'vitest';
import { createEnd } from '../../subgraphs/kernel/environment/stop.ts';

/** How a process ends. `test/faults/orphans.db.test.ts` ends real ones. */

const SIGINT_CODE = 130;

function createInterrupted(stop: () => Promise<unknown>, timeoutMs?: number) {
  const exit = vi.fn();
  const clock = { ms: 0 };
  const ending = createEnd(stop, { exit, now: () => clock.ms, ...(timeoutMs !== undefined && { timeoutMs }) });
  return { exit, clock, ...ending };
}

test('the first Ctrl-C waits for the stop, a later one ends at once', async () => {
  const stop = vi.fn(() => new Promise(() => {}));
  const { exit, clock, interrupt } = createInterrupted(stop);
  interrupt(SIGINT_CODE);
  await Promise.resolve();
  expect(exit).not.toHaveBeenCalled();
  clock.ms = 501;
  interrupt(SIGINT_CODE);
  expect(exit).toHaveBeenCalledExactlyOnceWith(SIGINT_CODE);
  expect(stop).toHaveBeenCalledOnce();
});

test('the Ctrl-C that npm passes on is the one that the terminal has sent already', async () => {
  const { exit, clock, interrupt } = createInterrupted(() => new Promise(() => {}));
  interrupt(SIGINT_CODE);
  clock.ms = 500;
  interrupt(SIGINT_CODE);
  expect(exit).not.toHaveBeenCalled();
});

test.each([
  ['0 after the stop', 0, async () => {}, 0],
  ['the code of the reason', 3, async () => {}, 3],
  ['1 if the stop fails', 0, () => Promise.reject(new Error('no')), 1],
  ['the code of the reason if the stop fails', 3, () => Promise.reject(new Error('no')), 3],
])('exits with %s', async (_name, code, stop, exitCode) => {
  const { exit, end } = createInterrupted(stop);
  end(code);
  end(code);
  await vi.waitFor(() => expect(exit).toHaveBeenCalledExactlyOnceWith(exitCode));
});

test('exits with 1 at the deadline of a stop that hangs', async () => {
  const { exit, end } = createInterrupted(() => new Promise(() => {}), 1);
  end(0);
  await vi.waitFor(() => expect(exit).toHaveBeenCalledExactlyOnceWith(1));
});
