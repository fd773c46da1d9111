import { createHash, timingSafeEqual } from 'node:crypto';
import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { currentCaller } from '../../kernel/http/caller.ts';
import { type Allowance, createAllowance } from '../../kernel/limits/allowance.ts';
import { Overload } from '../../kernel/limits/overload.ts';
import { type CaseClock, clockOf } from '../calendar/clock.ts';
import { loadCalendar } from '../calendar/store.ts';
import type { Case } from '../case.ts';
import type { ProgressLimits } from './limits.ts';
import { readCode } from './progress.ts';
import { findCase, findCodes } from './store.ts';

/** How many callers' wrong codes count by themselves. */
const MAX_COUNTED_CALLERS = 10_000;

/**
 * Creates the counter of wrong codes of this process. It counts callers, not cases: a code has 60 random bits, and
 * whoever could use up the tries of a case would lock its applicant out.
 */
export function createProgressTries({ progressTries }: ProgressLimits): Allowance {
  return createAllowance(progressTries, MAX_COUNTED_CALLERS);
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
  { db, now, tries }: { db: Database; now: Clock; tries: Allowance },
  typed: { number: string; code: string },
): Promise<Progress | null> {
  const number = foldText(typed.number);
  const caller = currentCaller();
  // The try is taken before the look-up, so that tries at the same time count too. A right code gives it back.
  const waitSeconds = tries.spend(caller, 1, performance.now());
  if (waitSeconds > 0) throw new Overload('RATE_LIMITED', waitSeconds);
  const code = readCode(typed.code);
  const isRight = (await findCodes(db, number)).filter((printed) => isSame(printed, code)).length > 0;
  const subject = isRight ? await findCase(db, number) : null;
  if (!subject) return null;
  tries.charge(caller, -1, performance.now());
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
