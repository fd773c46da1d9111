import { catchRefusal } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { type Blank, type BlankRange, requireInStock } from '../paper/paper.ts';

/** Rules of what leaves an organ's stock of blanks (空白证照) other than onto paper. */

/** Who keeps the stock of an organ. Each change of it takes two of them. */
export const STOCK_KEEPERS = ['SEAL_KEEPER', 'SEAL_APPROVER'] as const;

/** Why blanks that nobody used are written off (核销原因). */
export const WRITE_OFF_REASONS = { DAMAGED: '损毁', LOST: '遗失', FAULTY: '印制缺陷', OBSOLETE: '停用' } as const;
export type WriteOffReason = keyof typeof WRITE_OFF_REASONS;

/** Blanks of an organ's stock that are written off (核销), as both persons state them. */
export interface WriteOff extends BlankRange {
  organ: string;
  reason: WriteOffReason;
}

/**
 * Requires that every blank of a range is in the organ's stock. Refuses what `requireInStock` refuses, each code once,
 * with the first blank that it concerns.
 */
export function requireAllInStock(numbers: readonly string[], blanks: ReadonlyMap<string, Blank>, organ: string): void {
  const firstOf = new Map<Refusal['code'], string>();
  for (const number of numbers) {
    const refusal = catchRefusal(() => requireInStock(blanks.get(number) ?? null, organ, 'from'));
    if (refusal !== null && !firstOf.has(refusal.code)) firstOf.set(refusal.code, number);
  }
  checkAll(
    ...[...firstOf].map(([code, number]) => () => {
      throw new Refusal(code, 'from', number);
    }),
  );
}
