import { type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { requireAllowed, requireOrgan } from '../../kernel/policy.ts';
import {
  type OperatorEnding,
  type ProposalDecision,
  recordDecision,
  recordProposal,
  recordWithdrawal,
  withdrawForOperator,
} from '../../kernel/proposal/workflow.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { RefusalCollector } from '../../kernel/refusals/collector.ts';
import { requireReason } from '../license.ts';
import { succeedStock } from '../organ/store.ts';
import { lockBlanks, moveBlanks } from '../paper/blank-store.ts';
import { listBlankNumbers } from '../paper/paper.ts';
import { STOCK_POLICY } from './policy.ts';
import { requireAllInStock } from './stock.ts';
import { type BlankTransfer, requireAnotherOrgan, TRANSFER_KIND } from './transfer.ts';
import { hasSeal, insertTransfer, type StoredTransfer, transferOf, transferStore } from './transfer-store.ts';
import type { StockDependencies } from './workflow.ts';

/**
 * Blanks that an organ sends to another one (空白证照调拨). They leave the stock of the sender at once, and are in that of
 * the receiver when a person there confirms them.
 */

/** Refuses ORGAN_UNKNOWN. */
async function requireReceiver(tx: Transaction, organ: string): Promise<void> {
  if (!(await hasSeal(tx, organ))) throw new Refusal('ORGAN_UNKNOWN', 'organ');
}

/**
 * Sends blanks in the stock of the person's organ to another organ. They are IN_TRANSIT until it decides. Returns the
 * transfer, or null for a rehearsal. Refuses REASON_MISSING, TRANSFER_TO_ITSELF, ORGAN_UNKNOWN, PROPOSALS_TOO_MANY, and
 * what `requireAllInStock` refuses.
 */
export async function transferBlanks(
  deps: StockDependencies,
  actor: Actor,
  { dryRun, ...request }: Omit<BlankTransfer, 'organ'> & { dryRun: boolean },
): Promise<StoredTransfer | null> {
  const person = requireAllowed(STOCK_POLICY.transferBlanks, {}, actor);
  const organ = requireOrgan(person);
  const transfer: BlankTransfer = { ...request, organ };
  const faults = new RefusalCollector();
  const numbers = faults.check(() => listBlankNumbers(transfer), []);
  faults.check(() => requireAnotherOrgan(transfer), undefined);
  faults.check(() => requireReason(transfer.remark, 'remark'), undefined);
  return transact(deps.db, dryRun, async (tx) => {
    const at = deps.now();
    await faults.checkLater(() => requireReceiver(tx, transfer.receiver), undefined);
    const blanks = await lockBlanks(tx, numbers);
    const stock = await succeedStock(tx, { organ, matterId: null, blanks }, dayOf(at));
    faults.check(() => requireAllInStock(numbers, stock.blanks, organ), undefined);
    faults.settle();
    const draft = { kind: TRANSFER_KIND, organ: transfer.receiver, content: transfer } as const;
    const stored = await recordProposal(tx, transferStore, person, draft, at);
    const { id: proposalId } = stored;
    await insertTransfer(tx, proposalId, transfer);
    const entry = { identifier: null, actId: null, proposalId, actor: person.name, at };
    await moveBlanks(tx, numbers, 'IN_TRANSIT', entry);
    return dryRun ? null : stored;
  });
}

/**
 * Confirms a transfer for the receiving organ, whose stock the blanks are then in, or gives them back with a reason.
 * Returns the transfer. Refuses what `recordDecision` refuses.
 */
export function decideTransfer(
  deps: StockDependencies,
  actor: Actor,
  { dryRun, ...decision }: ProposalDecision & { dryRun: boolean },
): Promise<StoredTransfer> {
  return transact(deps.db, dryRun, async (tx) => {
    const decider = { rule: STOCK_POLICY.decideBlankTransfer, actor, at: deps.now() };
    return endTransfer(tx, await recordDecision(tx, transferStore, decider, decision));
  });
}

/** Takes a waiting transfer back, by who sent it. Returns the transfer. Refuses what `recordWithdrawal` refuses. */
export function withdrawTransfer(
  deps: StockDependencies,
  actor: Actor,
  { proposal, dryRun }: { proposal: string; dryRun: boolean },
): Promise<StoredTransfer> {
  return transact(deps.db, dryRun, async (tx) => {
    const author = { rule: STOCK_POLICY.withdrawBlankTransfer, actor, at: deps.now() };
    return endTransfer(tx, await recordWithdrawal(tx, transferStore, author, proposal));
  });
}

/** Takes a waiting transfer back for the operator of a hub that does not run. */
export async function withdrawTransferForOperator(tx: Transaction, id: string, ending: OperatorEnding): Promise<void> {
  await withdrawForOperator(tx, transferStore, id, ending);
  const stored = await transferStore.find(tx, id);
  if (stored) await endTransfer(tx, stored);
}

/** Puts the blanks of a transfer that has ended into the stock of the receiver, or back into that of the sender. */
async function endTransfer(tx: Transaction, stored: StoredTransfer): Promise<StoredTransfer> {
  const { id: proposalId, ended } = stored;
  if (ended === null) throw new Error(`transfer ${proposalId} waits`);
  const transfer = transferOf(stored);
  const numbers = listBlankNumbers(transfer);
  const blanks = await lockBlanks(tx, numbers);
  for (const { number, state } of blanks.values())
    if (state !== 'IN_TRANSIT') throw new Error(`blank ${number} of transfer ${proposalId} is ${state}`);
  const { outcome, actor, at } = ended;
  const organ = outcome === 'APPROVED' ? transfer.receiver : undefined;
  await moveBlanks(tx, numbers, 'IN_STOCK', { identifier: null, actId: null, proposalId, organ, actor, at });
  return stored;
}
