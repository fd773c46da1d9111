/** Long enough for a busy machine, so that only a condition that never holds fails. */
const MAX_WAIT_MS = 120_000;
const POLL_MS = 25;

/** Waits until `check` returns a truthy value, and returns it. Throws an error with the description on timeout. */
export async function waitUntil<Value>(
  description: string,
  check: () => Promise<Value | false | null | undefined>,
): Promise<Value> {
  const end = performance.now() + MAX_WAIT_MS;
  while (performance.now() < end) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`never: ${description}`);
}
