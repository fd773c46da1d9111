/** Long enough for a machine that is busy with something else: only what never comes fails. */
const PATIENCE_MS = 120_000;
const STEP_MS = 25;

/** Waits until `check` holds or gives something; fails by name where it never does. */
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
