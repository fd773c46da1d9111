import { catchRefusal } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { type Blank, type BlankRange, type BlankState, requireInStock } from '../paper/paper.ts';

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

/** What a row of the equation of blanks counts: all blanks of an organ, those of one license type, or of one box. */
export type StockLevel = 'ORGAN' | 'TYPE' | 'BOX';

/** The members of the equation that count blanks by their state. */
export const STATE_COUNTS = {
  IN_STOCK: 'inStock',
  IN_TRANSIT: 'inTransit',
  ASSIGNED: 'assigned',
  PRINTED: 'printed',
  DELIVERED: 'delivered',
  RECALLED: 'recalled',
  LOST: 'lost',
  SPOILED: 'spoiled',
  VOIDED: 'voided',
} as const satisfies Record<BlankState, string>;
export type StateCounts = Record<(typeof STATE_COUNTS)[BlankState], number>;

/** A row of the equation. `prefix`, `digits`, `from` and `to` are null unless it is of one box. */
export interface StockCount extends StateCounts {
  key: string;
  organ: string;
  /** Type code of the licenses that are printed on the blanks. Null: of every type, or the row counts all types. */
  licenseType: string | null;
  prefix: string | null;
  digits: number | null;
  from: number | null;
  to: number | null;
  received: number;
  transferredIn: number;
  transferredOut: number;
}

/** Whether what came and went is what is there. Anything else is a finding of the audit. */
export function isBalanced(count: Omit<StockCount, 'key'>): boolean {
  const there = Object.values(STATE_COUNTS).reduce((sum, member) => sum + count[member], 0);
  return count.received + count.transferredIn - count.transferredOut === there;
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
