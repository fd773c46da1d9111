/** Long enough for a busy machine, so that only a condition that never holds fails. */
const PATIENCE_MS = 120_000;
const STEP_MS = 25;

/** Waits until `check` returns a truthy value, and returns it. Throws an error with the description on timeout. */
export async function until<Value>(
  what: string,
  check: () => Promise<Value | false | null | undefined>,
): Promise<Value> {
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  throw new Error(`never: ${what}`);
}
