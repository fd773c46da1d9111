import { CLOCK_LEEWAY_MS, isAhead } from '../../kernel/period/freshness.ts';

/**
 * When the sweep of ended licenses (失效登记) trusts the clock. A clock that jumped would end licenses that are in force,
 * and an end that is entered is never taken back.
 */

const DAY_MS = 86_400_000;
/** The hub sweeps every few minutes. After a longer gap, as after a long holiday, it needs a person's word. */
export const MAX_GAP_MS: number = 10 * DAY_MS;

/** What the sweep knows of the clock. */
export interface ClockReading {
  now: Date;
  /** The newest recorded time, of an act or a sweep, or null if nothing is recorded. */
  newestAt: Date | null;
  /**
   * When a sweep last took the clock for right. Null before the first. Acts do not count here: whoever acts under a
   * clock that is ahead does not make it right.
   */
  sweptAt: Date | null;
  /** How long the process has run since it swept at `sweptAt`, by a clock that cannot jump. Null: another one swept. */
  ranMs?: number | null;
  /** How many licenses would be ended. Counting may stop above 0. */
  due: number;
}

/** Why nothing is swept until a person confirms the clock. */
export type ClockFault = 'CLOCK_BEHIND' | 'CLOCK_AHEAD';

/** Returns why the clock is not trusted, or null. While nothing is due, no clock can end anything. */
export function findClockFault({ now, newestAt, sweptAt, ranMs = null, due }: ClockReading): ClockFault | null {
  if (due === 0) return null;
  if (newestAt !== null && isAhead(newestAt, now)) return 'CLOCK_BEHIND';
  const lastAt = sweptAt ?? newestAt;
  if (lastAt === null) return null;
  const mostMs = ranMs === null ? MAX_GAP_MS : ranMs + CLOCK_LEEWAY_MS;
  return now.getTime() - lastAt.getTime() > mostMs ? 'CLOCK_AHEAD' : null;
}

/** Knows when this process swept last, by its clock of time of day and by one that cannot jump, in milliseconds. */
export class SweepWatch {
  readonly #monotonic: () => number;
  #last: { at: number; ms: number } | null = null;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  swept(at: Date): void {
    this.#last = { at: at.getTime(), ms: this.#monotonic() };
  }

  /** Returns how long the process has run since it swept at `sweptAt`. Null if it did not. */
  ranSince(sweptAt: Date | null): number | null {
    if (this.#last === null || sweptAt?.getTime() !== this.#last.at) return null;
    return this.#monotonic() - this.#last.ms;
  }
}
