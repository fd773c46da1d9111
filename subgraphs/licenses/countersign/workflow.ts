import type { Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import { recordDecision, recordProposal } from '../../kernel/proposal/workflow.ts';
import { type CountersignedKind, countersignRule, countsSince } from './countersign.ts';
import { countersignStore, findWaiting, insertProposalSubject } from './store.ts';

/** What a person asks for. `subject` is the same for both persons. */
interface CountersignRequest {
  kind: CountersignedKind;
  subject: string;
  organ: string;
  /** The first person's reason, or null if the act has none. */
  reason: string | null;
}

/** Locks a subject and returns the first person's proposal of it, or null. Two persons' calls wait for each other. */
export async function lockWaiting(
  tx: Transaction,
  kind: CountersignedKind,
  subject: string,
  at: Date,
): Promise<StoredProposal<CountersignedKind> | null> {
  await countersignStore.lock(tx, `${kind} ${subject}`);
  return (await findWaiting(tx, kind, [subject], countsSince(at))).get(subject) ?? null;
}

/**
 * Records that a person asks for something. Returns true if it is the second person, who carries it out in the same
 * transaction. `first` is what `lockWaiting` returned. Refuses PROPOSALS_TOO_MANY, and what `countersignRule` refuses.
 */
export async function countersign(
  tx: Transaction,
  first: StoredProposal<CountersignedKind> | null,
  { kind, subject, organ, reason }: CountersignRequest,
  person: Person,
  at: Date,
): Promise<boolean> {
  if (first !== null) {
    const decision = { proposal: first.id, approve: true, reason: null };
    await recordDecision(tx, countersignStore, { rule: countersignRule(kind), actor: person, at }, decision);
    return true;
  }
  const content = { subject, reason };
  const { id: proposalId } = await recordProposal(tx, countersignStore, person, { kind, organ, content }, at);
  await insertProposalSubject(tx, { proposalId, subject });
  return false;
}
