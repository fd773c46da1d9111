import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import type { OwnAct } from '../../kernel/license-acts.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import { recordWithdrawal } from '../../kernel/proposal/workflow.ts';
import { LICENSE_PROPOSAL_POLICY } from './policy.ts';
import { proposalStore } from './store.ts';

/** Withdraws a waiting proposal. Only its author may. Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, NOT_YOUR_RECORD. */
export function withdrawProposal(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  { proposal: id, dryRun }: { proposal: string; dryRun: boolean },
): Promise<StoredProposal<OwnAct>> {
  const author = { rule: LICENSE_PROPOSAL_POLICY.withdrawLicenseProposal, actor, at: now() };
  return transact(db, dryRun, (tx) => recordWithdrawal(tx, proposalStore, author, id));
}
