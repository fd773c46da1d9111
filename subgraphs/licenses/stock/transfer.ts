import { Refusal } from '../../kernel/refusal.ts';
import type { BlankRange } from '../paper/paper.ts';

/** Blanks that an organ sends to another one (空白证照调拨). */
export interface BlankTransfer extends BlankRange {
  /** The organ that sends them. */
  organ: string;
  receiver: string;
  remark: string;
}

/** The kind of the proposal of a transfer, which the receiving organ decides. */
export const TRANSFER_KIND = 'TRANSFER_BLANKS';
export type TransferKind = typeof TRANSFER_KIND;

/** Refuses TRANSFER_TO_ITSELF. */
export function requireAnotherOrgan({ organ, receiver }: Pick<BlankTransfer, 'organ' | 'receiver'>): void {
  if (organ === receiver) throw new Refusal('TRANSFER_TO_ITSELF', 'organ');
}
