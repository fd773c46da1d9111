/**
 * When the sweep of ended licenses (失效登记) trusts the clock. A clock that jumped would end licenses that are in force,
 * and an end that is entered is never taken back.
 */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** How far the clock may be behind the newest recorded time. */
export const CLOCK_LEEWAY_MS: number = 5 * MINUTE_MS;
/** The hub sweeps every few minutes. After a longer gap, more than a few ended licenses need a person's word. */
export const MAX_GAP_MS: number = 31 * DAY_MS;
/** Maximum of licenses that are swept after such a gap without a person's word. */
export const MAX_AFTER_GAP = 10;

/** What the sweep knows of the clock. */
export interface ClockReading {
  now: Date;
  /** The newest recorded time, or null if nothing is recorded. */
  newestAt: Date | null;
  /** How many licenses would be ended. Counting may stop above MAX_AFTER_GAP. */
  due: number;
}

/** Why nothing is swept until a person confirms the clock. */
export type ClockFault = 'CLOCK_BEHIND' | 'CLOCK_AHEAD';

/** Returns why the clock is not trusted, or null. */
export function findClockFault({ now, newestAt, due }: ClockReading): ClockFault | null {
  if (newestAt === null || due === 0) return null;
  const gapMs = now.getTime() - newestAt.getTime();
  if (gapMs < -CLOCK_LEEWAY_MS) return 'CLOCK_BEHIND';
  return gapMs > MAX_GAP_MS && due > MAX_AFTER_GAP ? 'CLOCK_AHEAD' : null;
}
