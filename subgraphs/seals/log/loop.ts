/** A thing done again and again until it is stopped. */
export interface Loop {
  stop(): Promise<void>;
}

export interface LoopOptions {
  pollMs: number;
  /** Longest pause after failures, each of which doubles it. */
  pauseMostMs: number;
  onError?: (error: unknown) => void;
}

const DOUBLINGS_MOST = 16;

/** Runs `once` over and over: at once where it gives true, for there is more to do, else after a pause. */
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
