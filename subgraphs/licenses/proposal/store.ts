import { asc, eq, inArray, or } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { OWN_ACTS, type OwnAct } from '../../kernel/license-acts.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { createProposalStore, type ProposalFilter, type StoredProposal } from '../../kernel/proposal/store.ts';
import { proposal, proposalLicense, proposalOutcome } from './tables.ts';

export const proposalStore = createProposalStore<OwnAct>({ proposal, proposalOutcome }, { kinds: OWN_ACTS });

/** The order of `licenseProposals`. */
export const PROPOSAL_ORDER = proposalStore.orderOf('licenseProposals');

/** Stores the license that a proposal acts on. */
export async function insertProposalLicense(tx: Transaction, row: typeof proposalLicense.$inferInsert): Promise<void> {
  await tx.insert(proposalLicense).values(row);
}

/**
 * Returns a page of the proposals of the organs of a scope, and of those that a person prepared, newest first. Of all
 * proposals if `organs` is null.
 */
export function listProposals(
  db: Reader,
  { organs, personId }: { organs: ReadScope; personId: string },
  filter: ProposalFilter<OwnAct>,
  page: KeysetRequest,
): Promise<Page<StoredProposal<OwnAct>>> {
  const isVisible =
    organs === null ? undefined : or(isInScope(proposal.organ, organs), eq(proposal.proposedById, personId));
  return proposalStore.list(db, isVisible, filter, page);
}

/** Returns all proposals on licenses by license number, oldest first. */
export async function findProposalsOf(
  db: Reader,
  numbers: readonly string[],
): Promise<Map<string, StoredProposal<OwnAct>[]>> {
  const rows = await db
    .select()
    .from(proposalLicense)
    .innerJoin(proposal, eq(proposal.id, proposalLicense.proposalId))
    .leftJoin(proposalOutcome, eq(proposalOutcome.proposalId, proposal.id))
    .where(inArray(proposalLicense.number, [...numbers]))
    .orderBy(asc(proposal.serial));
  const byNumber = Map.groupBy(rows, (row) => row.proposal_license.number);
  return new Map(
    [...byNumber].map(([number, ofNumber]) => [
      number,
      ofNumber.map((row) => proposalStore.toStored({ row: row.proposal, ended: row.proposal_outcome })),
    ]),
  );
}
