import { inArray } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { createProposalStore, type ProposalFilter, type StoredProposal } from '../../kernel/proposal/store.ts';
import type { ProposalKind } from './proposal.ts';
import { proposal, proposalOutcome } from './tables.ts';

export const proposalStore = createProposalStore<ProposalKind>({ proposal, proposalOutcome });

/** The order of `proposals`. */
export const PROPOSAL_ORDER = proposalStore.orderOf('proposals');

/** Returns the proposals with these ids, in any order. */
export async function findProposals(
  db: Reader,
  ids: readonly string[],
): Promise<readonly StoredProposal<ProposalKind>[]> {
  const page = { order: PROPOSAL_ORDER, count: ids.length, isBackward: false, cursor: null };
  const all = { kind: null, state: null };
  return (await proposalStore.list(db, inArray(proposal.id, [...ids]), all, page)).rows;
}

/** Returns a page of the proposals that act for organs of a scope, newest first. */
export function listProposals(
  db: Reader,
  scope: ReadScope,
  filter: ProposalFilter<ProposalKind>,
  page: KeysetRequest,
): Promise<Page<StoredProposal<ProposalKind>>> {
  return proposalStore.list(db, isInScope(proposal.organ, scope), filter, page);
}
