import { setTimeout as pause } from 'node:timers/promises';

/** A task that repeats until it is stopped. */
export interface Loop {
  /** Stops the loop. Resolves when the turn that is running has ended. */
  stop(): Promise<void>;
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

const DEFAULT_MAX_PAUSE_MS = 5_000;
const MAX_DOUBLINGS = 16;

/**
 * Calls `runOnce` repeatedly, one turn after another: again at once if it returned true (more is left), else after a
 * pause. A turn can watch `signal` to end early when the loop is stopped.
 */
export function startLoop(
  runOnce: (signal: AbortSignal) => Promise<boolean>,
  { pollMs, maxPauseMs = DEFAULT_MAX_PAUSE_MS, isDelayed = false, onError }: LoopOptions,
): Loop {
  const controller = new AbortController();
  const { signal } = controller;
  const waitFor = (ms: number) => pause(ms, undefined, { signal }).catch(() => {});
  const run = async () => {
    if (isDelayed) await waitFor(pollMs);
    let failures = 0;
    while (!signal.aborted) {
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
    stop: async () => {
      controller.abort();
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
