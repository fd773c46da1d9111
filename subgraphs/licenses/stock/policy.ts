import type { Policy } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, type Proposal, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import { STOCK_KEEPERS } from './stock.ts';
import type { TransferKind } from './transfer.ts';

const clause = '实施方案三.7（电子证照与实体证照同步）';

/** Who ends a transfer of blanks (空白证照调拨) that waits. The organ of the proposal is the receiving one. */
export const BLANK_TRANSFER_POLICY: Policy<
  Record<'decideBlankTransfer' | 'withdrawBlankTransfer', Proposal<TransferKind>>
> = {
  /** 确认接收或者退回, by the organ that receives them. */
  decideBlankTransfer: {
    ...decisionRule<Proposal<TransferKind>>([{ roles: STOCK_KEEPERS, place: PROPOSAL_ORGAN }]),
    clause,
  },
  /** 撤回调拨, by who sent them. */
  withdrawBlankTransfer: { ...withdrawalRule<Proposal<TransferKind>>(STOCK_KEEPERS), clause },
};
