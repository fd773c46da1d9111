/** Which signed words a clock may take: lists, statements, stamps and receipts that tell when they were made. */

/** How far the clock of another machine may be ahead. */
export const CLOCK_LEEWAY_MS = 300_000;

/** Whether something was made in the future of this clock, by a clock that was wrong. It counts for nothing. */
export function isAhead(madeAt: Date, now: Date): boolean {
  return madeAt.getTime() > now.getTime() + CLOCK_LEEWAY_MS;
}

/** Whether something that was made at `madeAt` may be handed out once more: it is young, and not from the future. */
export function isFresh(madeAt: Date, now: Date, maxAgeMs: number): boolean {
  return !isAhead(madeAt, now) && now.getTime() - madeAt.getTime() <= maxAgeMs;
}
