import type { Place, Policy, PolicyRule } from '../../kernel/policy.ts';
import { decisionRule, PROPOSAL_ORGAN, type Proposal, withdrawalRule } from '../../kernel/proposal/proposal.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Countersigned, refuseCountersign } from '../countersign/countersign.ts';
import { STOCK_KEEPERS } from './stock.ts';
import type { TransferKind } from './transfer.ts';

/** Who changes the stock of blanks (空白证照库存) of an organ. Each change of it takes two persons. */

type Transfer = Proposal<TransferKind>;
interface StockChange {
  /** What the first person asked for. Absent: nobody has looked. */
  first?: Countersigned | null;
}

const clause = '实施方案三.7（电子证照与实体证照同步）';

/** Any organ. */
const AN_ORGAN: Place<unknown> = {
  name: 'AN_ORGAN',
  includes: (_, person) => person.organ !== null,
  refuse: () => new Refusal('ORGAN_WITHOUT_POWER'),
};

const OF_OWN_STOCK: PolicyRule<StockChange> = {
  grants: [{ roles: STOCK_KEEPERS, place: AN_ORGAN }],
  state: ({ first }, person) => refuseCountersign(first, person),
};

export const STOCK_POLICY: Policy<
  Record<'receiveBlanks' | 'writeOffBlanks' | 'transferBlanks', StockChange> &
    Record<'decideBlankTransfer' | 'withdrawBlankTransfer', Transfer>
> = {
  /** 空白证照入库, for the own organ, by two persons who state the same numbers. */
  receiveBlanks: OF_OWN_STOCK,
  /** 空白证照核销, of the own organ's stock, by two persons who state the same numbers and reason. */
  writeOffBlanks: OF_OWN_STOCK,
  /** 空白证照调拨, out of the own organ's stock. */
  transferBlanks: OF_OWN_STOCK,
  /** 确认接收或者退回, by the organ that receives them: it is that of the proposal. */
  decideBlankTransfer: { ...decisionRule<Transfer>([{ roles: STOCK_KEEPERS, place: PROPOSAL_ORGAN }]), clause },
  /** 撤回调拨, by who sent them. */
  withdrawBlankTransfer: { ...withdrawalRule<Transfer>(STOCK_KEEPERS), clause },
};
