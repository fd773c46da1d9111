import type { Transaction } from '../../../db/client.ts';
import type { Actor, Person } from '../actor.ts';
import { type PolicyRule, requireAllowed } from '../policy.ts';
import { Refusal } from '../refusal.ts';
import { requireReason } from '../text.ts';
import { MAX_DECISION_CHARS, MAX_WAITING_PROPOSALS, type Proposal } from './proposal.ts';
import type { ProposalStore, StoredProposal } from './store.ts';

/** Steps of proposals. Each must be called inside a transaction. */

/** Records a proposal of a person and returns it. Refuses PROPOSALS_TOO_MANY. */
export async function recordProposal<Kind extends string>(
  tx: Transaction,
  store: ProposalStore<Kind>,
  proposer: Person,
  { kind, organ, content }: { kind: Kind; organ: string | null; content: object },
  at: Date,
): Promise<StoredProposal<Kind>> {
  await store.lockWaiting(tx, proposer.id);
  if ((await store.countWaiting(tx, proposer.id)) >= MAX_WAITING_PROPOSALS) throw new Refusal('PROPOSALS_TOO_MANY');
  const id = crypto.randomUUID();
  const person = { proposedById: proposer.id, proposedBy: proposer.name };
  await store.insert(tx, { id, kind, organ, content: JSON.stringify(content), ...person, at });
  return announceChange(tx, store, id);
}

/** A person's answer to a proposal. */
export interface ProposalDecision {
  /** Id of the proposal. */
  proposal: string;
  approve: boolean;
  /** Required if it is not approved. */
  reason: string | null;
}

/**
 * Records the decision of `actor` on a proposal and returns the proposal with it. The caller carries out what was
 * approved in the same transaction. Refuses PROPOSAL_UNKNOWN, REASON_MISSING, and what `rule` refuses.
 */
export async function recordDecision<Kind extends string>(
  tx: Transaction,
  store: ProposalStore<Kind>,
  { rule, actor, at }: { rule: PolicyRule<Proposal<Kind>>; actor: Actor; at: Date },
  { proposal: id, approve, reason }: ProposalDecision,
): Promise<StoredProposal<Kind>> {
  const { id: actorId, name } = requireAllowed(rule, await lockProposal(tx, store, id), actor);
  if (!approve || reason !== null) requireReason(reason ?? '', MAX_DECISION_CHARS);
  const outcome = approve ? 'APPROVED' : 'REJECTED';
  await store.insertOutcome(tx, { proposalId: id, outcome, actorId, actor: name, reason, at });
  return announceChange(tx, store, id);
}

/** Withdraws a waiting proposal and returns it. Refuses PROPOSAL_UNKNOWN, and what `rule` refuses. */
export async function recordWithdrawal<Kind extends string>(
  tx: Transaction,
  store: ProposalStore<Kind>,
  { rule, actor, at }: { rule: PolicyRule<Proposal<Kind>>; actor: Actor; at: Date },
  id: string,
): Promise<StoredProposal<Kind>> {
  const { id: actorId, name } = requireAllowed(rule, await lockProposal(tx, store, id), actor);
  await store.insertOutcome(tx, { proposalId: id, outcome: 'WITHDRAWN', actorId, actor: name, reason: null, at });
  return announceChange(tx, store, id);
}

/** Who ends something at a hub that does not run, and why: the operator of the machine. */
export interface OperatorEnding {
  /** Name with the account on the machine. */
  operator: string;
  reason: string;
  at: Date;
}

/** The id of the operator in records of acts. */
export const OPERATOR_ID = 'operator';

/** Withdraws a waiting proposal for the operator. Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED. */
export async function withdrawForOperator<Kind extends string>(
  tx: Transaction,
  store: ProposalStore<Kind>,
  id: string,
  { operator, reason, at }: OperatorEnding,
): Promise<void> {
  const { ended } = await lockProposal(tx, store, id);
  if (ended !== null) throw new Refusal('PROPOSAL_DECIDED', 'proposal');
  const person = { actorId: OPERATOR_ID, actor: operator };
  await store.insertOutcome(tx, { proposalId: id, outcome: 'WITHDRAWN', ...person, reason, at });
  await announceChange(tx, store, id);
}

async function lockProposal<Kind extends string>(
  tx: Transaction,
  store: ProposalStore<Kind>,
  id: string,
): Promise<StoredProposal<Kind>> {
  await store.lock(tx, id);
  const proposal = await store.find(tx, id);
  if (!proposal) throw new Refusal('PROPOSAL_UNKNOWN', 'proposal');
  return proposal;
}

/** Announces a proposal as it is now, and returns it. */
async function announceChange<Kind extends string>(
  tx: Transaction,
  store: ProposalStore<Kind>,
  id: string,
): Promise<StoredProposal<Kind>> {
  const proposal = await store.find(tx, id);
  if (!proposal) throw new Error(`no proposal ${id}`);
  await store.announce(tx, proposal);
  return proposal;
}
