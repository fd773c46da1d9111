/** What the demo prints. */

export function say(text = ''): void {
  console.log(text);
}

/** Says a claim that holds. Throws if it does not. */
export function check(claim: string, holds: boolean): void {
  if (!holds) throw new Error(`未做到：${claim}`);
  say(`  ✓ ${claim}`);
}
