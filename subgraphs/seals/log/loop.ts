/** A task that repeats until it is stopped. */
export interface Loop {
  stop(): Promise<void>;
}

export interface LoopOptions {
  pollMs: number;
  /** Maximum pause after failures. Each failure doubles the pause. */
  pauseMostMs: number;
  onError?: (error: unknown) => void;
}

const DOUBLINGS_MOST = 16;

/** Calls `runOnce` repeatedly: again at once if it returned true (more is left), else after a pause. */
export function startLoop(
  once: (signal: AbortSignal) => Promise<boolean>,
  { pollMs, pauseMostMs, onError }: LoopOptions,
): Loop {
  const stopping = new AbortController();
  const { signal } = stopping;
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
      let isMore = false;
      try {
        isMore = await once(signal);
        failures = 0;
      } catch (error) {
        failures++;
        if (!signal.aborted) onError?.(error);
      }
      const ms = Math.min(pollMs * 2 ** Math.min(failures, DOUBLINGS_MOST), Math.max(pollMs, pauseMostMs));
      if (!isMore && !signal.aborted) await pause(ms);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
