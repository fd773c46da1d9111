import { and, asc, eq, gt, inArray, isNull } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { createProposalStore, type StoredProposal } from '../../kernel/proposal/store.ts';
import { proposal, proposalOutcome } from '../proposal/tables.ts';
import { COUNTERSIGNED_KINDS, type CountersignedKind } from './countersign.ts';
import { proposalSubject } from './tables.ts';

export const countersignStore = createProposalStore({ proposal, proposalOutcome }, COUNTERSIGNED_KINDS);

/** Stores what a proposal is about. */
export async function insertProposalSubject(tx: Transaction, row: typeof proposalSubject.$inferInsert): Promise<void> {
  await tx.insert(proposalSubject).values(row);
}

/** Returns the proposals of a kind that wait for their second person, by subject. Earlier ones than `since` are out. */
export async function findWaiting(
  db: Reader,
  kind: CountersignedKind,
  subjects: readonly string[],
  since: Date,
): Promise<Map<string, StoredProposal<CountersignedKind>>> {
  const rows = await db
    .select({ subject: proposalSubject.subject, row: proposal })
    .from(proposalSubject)
    .innerJoin(proposal, eq(proposal.id, proposalSubject.proposalId))
    .leftJoin(proposalOutcome, eq(proposalOutcome.proposalId, proposal.id))
    .where(
      and(
        inArray(proposalSubject.subject, [...subjects]),
        eq(proposal.kind, kind),
        gt(proposal.at, since),
        isNull(proposalOutcome.proposalId),
      ),
    )
    .orderBy(asc(proposal.serial));
  return new Map(rows.map(({ subject, row }) => [subject, countersignStore.toStored({ row, ended: null })]));
}
