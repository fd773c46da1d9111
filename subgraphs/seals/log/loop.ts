/** A task that repeats until it is stopped. */
export interface Loop {
  stop(): Promise<void>;
}

export interface LoopOptions {
  pollMs: number;
  /** Maximum pause after failures. Each failure doubles the pause. */
  maxPauseMs: number;
  onError?: (error: unknown) => void;
}

const MAX_DOUBLINGS = 16;

/** Calls `runOnce` repeatedly: again at once if it returned true (more is left), else after a pause. */
export function startLoop(
  runOnce: (signal: AbortSignal) => Promise<boolean>,
  { pollMs, maxPauseMs, onError }: LoopOptions,
): Loop {
  const controller = new AbortController();
  const { signal } = controller;
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  const run = async () => {
    let failures = 0;
    while (!signal.aborted) {
      let hasMore = false;
      try {
        hasMore = await runOnce(signal);
        failures = 0;
      } catch (error) {
        failures++;
        if (!signal.aborted) onError?.(error);
      }
      const ms = Math.min(pollMs * 2 ** Math.min(failures, MAX_DOUBLINGS), Math.max(pollMs, maxPauseMs));
      if (!hasMore && !signal.aborted) await pause(ms);
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
