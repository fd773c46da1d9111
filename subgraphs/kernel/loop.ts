import { setTimeout as pause } from 'node:timers/promises';

/** A task that repeats until it is stopped. */
export interface Loop {
  /** Stops the loop. Resolves when the turn that is running has ended. */
  stop(): Promise<void>;
}

/** A loop whose pauses can be ended. */
export interface WakeableLoop extends Loop {
  /** Begins the next turn now, or as soon as the turn that is running has ended. */
  wake(): void;
}

export interface LoopOptions {
  /** Pause between two turns. */
  pollMs: number;
  /** Maximum pause after failures. Each failure doubles the pause. `pollMs` if that is longer. */
  maxPauseMs?: number;
  /** Whether the first turn comes after a pause. Without it the loop begins at once. */
  isDelayed?: boolean;
  /** Called for each turn that fails. The loop goes on, also if this throws. */
  onError?: ((error: unknown) => void) | undefined;
}

export interface ItemOptions {
  /** Maximum number of items under way at the same time. */
  limit: number;
  /** Called for each item that fails. Without it the first failure is thrown, after all items have ended. */
  onError?: ((error: unknown) => void) | undefined;
  /** When it is aborted, no further item begins. */
  signal?: AbortSignal | undefined;
}

/**
 * Runs `run` for each item of one turn, several at the same time, in list order. An item that fails or takes long holds
 * up no other. Each `run` must have a time limit of its own. Resolves when all have ended.
 */
export async function runItems<Item>(
  items: Iterable<Item>,
  run: (item: Item) => Promise<unknown>,
  { limit, onError, signal }: ItemOptions,
): Promise<void> {
  const failures: unknown[] = [];
  const report = onError ?? ((error) => failures.push(error));
  const remaining = items[Symbol.iterator]();
  const work = async () => {
    for (let next = remaining.next(); !next.done && !signal?.aborted; next = remaining.next()) {
      try {
        await run(next.value);
      } catch (error) {
        reportSafely(report, error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  if (failures.length > 0) throw failures[0];
}

const DEFAULT_MAX_PAUSE_MS = 5_000;
const MAX_DOUBLINGS = 16;

/**
 * Calls `runOnce` repeatedly, one turn after another: again at once if it returned true (more is left), else after a
 * pause. A turn can watch `signal` to end early when the loop is stopped.
 */
export function startLoop(
  runOnce: (signal: AbortSignal) => Promise<boolean>,
  { pollMs, maxPauseMs = DEFAULT_MAX_PAUSE_MS, isDelayed = false, onError }: LoopOptions,
): WakeableLoop {
  const controller = new AbortController();
  const { signal } = controller;
  let pauseEnd = new AbortController();
  let isWoken = false;
  const waitFor = async (ms: number) => {
    if (isWoken || signal.aborted) return;
    pauseEnd = new AbortController();
    await pause(ms, undefined, { signal: pauseEnd.signal }).catch(() => {});
  };
  const run = async () => {
    if (isDelayed) await waitFor(pollMs);
    let failures = 0;
    while (!signal.aborted) {
      isWoken = false;
      let hasMore = false;
      try {
        hasMore = await runOnce(signal);
        failures = 0;
      } catch (error) {
        failures++;
        if (!signal.aborted) reportSafely(onError, error);
      }
      const ms = Math.min(pollMs * 2 ** Math.min(failures, MAX_DOUBLINGS), Math.max(pollMs, maxPauseMs));
      if (!hasMore && !signal.aborted) await waitFor(ms);
    }
  };
  const loopEnd = run();
  return {
    wake: () => {
      isWoken = true;
      pauseEnd.abort();
    },
    stop: async () => {
      controller.abort();
      pauseEnd.abort();
      await loopEnd;
    },
  };
}

/** A report can fail as well, for example on a full disk. Nothing is left then that could be told about it. */
function reportSafely(onError: LoopOptions['onError'], error: unknown): void {
  try {
    onError?.(error);
  } catch {}
}
