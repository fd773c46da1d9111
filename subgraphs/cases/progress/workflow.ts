import { createHash, timingSafeEqual } from 'node:crypto';
import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { currentCaller } from '../../kernel/http/caller.ts';
import { type Allowance, createAllowance } from '../../kernel/limits/allowance.ts';
import { Overload } from '../../kernel/overload.ts';
import { type CaseClock, clockOf } from '../calendar/clock.ts';
import { loadCalendar } from '../calendar/store.ts';
import type { Case } from '../case.ts';
import type { ProgressLimits } from './limits.ts';
import { readCode } from './progress.ts';
import { findProgress } from './store.ts';

/** How many wrong codes count by themselves: of so many callers, and for so many numbers of cases. */
const MAX_COUNTED_KEYS = 10_000;

export interface ProgressTries {
  ofCaller: Allowance;
  ofCase: Allowance;
}

/** Creates the counters of wrong codes of this process. */
export function createProgressTries({ progressTries, progressTriesPerCase }: ProgressLimits): ProgressTries {
  return {
    ofCaller: createAllowance(progressTries, MAX_COUNTED_KEYS),
    ofCase: createAllowance(progressTriesPerCase, MAX_COUNTED_KEYS),
  };
}

/** A case as anybody with the code may see it, with its clock. */
export interface Progress {
  subject: Case;
  clock: CaseClock;
}

/**
 * Returns the progress of a case, or null if there is no case with this number or the code is not on its receipt: both
 * look the same and count the same. Throws Overload RATE_LIMITED after too many wrong codes, right or wrong.
 */
export async function readProgress(
  { db, now, tries }: { db: Database; now: Clock; tries: ProgressTries },
  typed: { number: string; code: string },
): Promise<Progress | null> {
  const number = foldText(typed.number);
  const keys = [
    { allowance: tries.ofCaller, key: currentCaller() },
    { allowance: tries.ofCase, key: number },
  ];
  const nowMs = performance.now();
  // Each try is taken before the look-up, so that tries at the same time count too. A right code gives it back.
  for (const { allowance, key } of keys) {
    const waitSeconds = allowance.spend(key, 1, nowMs);
    if (waitSeconds > 0) throw new Overload('RATE_LIMITED', waitSeconds);
  }
  const found = await findProgress(db, number);
  const code = readCode(typed.code);
  const isRight = (found?.codes ?? []).filter((printed) => isSame(printed, code)).length > 0;
  if (!found || !isRight) return null;
  for (const { allowance, key } of keys) allowance.charge(key, -1, performance.now());
  const { subject } = found;
  const { steps, guide, matter } = subject;
  const calendar = await loadCalendar(db);
  return {
    subject,
    clock: clockOf({ steps, guideLimits: guide, powerType: matter.powerType, calendar, now: now() }),
  };
}

/** Compares in constant time. The digests have the same length whatever somebody has typed. */
function isSame(printed: string, typed: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(printed), digest(typed));
}
