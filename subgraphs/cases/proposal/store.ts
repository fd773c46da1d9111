import { eq } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Page, PageRequest } from '../../kernel/http/page.ts';
import { createProposalStore, type ProposalFilter, type StoredProposal } from '../../kernel/proposal/store.ts';
import type { ProposalKind } from './proposal.ts';
import { proposal, proposalOutcome } from './tables.ts';

export const proposalStore = createProposalStore<ProposalKind>({ proposal, proposalOutcome });

/** Returns a page of the proposals that act for an organ, newest first. Of all proposals if `organ` is null. */
export function listProposals(
  db: Reader,
  organ: string | null,
  filter: ProposalFilter<ProposalKind>,
  page: PageRequest<number>,
): Promise<Page<StoredProposal<ProposalKind>>> {
  return proposalStore.list(db, organ === null ? undefined : eq(proposal.organ, organ), filter, page);
}
