import { inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { listDeciderRoles } from '../../kernel/proposal/announcement.ts';
import { announceProposal } from '../../kernel/proposal/announcement-store.ts';
import { createProposalStore, type ProposalFilter, type StoredProposal } from '../../kernel/proposal/store.ts';
import { messages } from '../store.ts';
import { IMPORT_PROPOSAL_POLICY } from './policy.ts';
import { IMPORTS, type ImportKind } from './proposal.ts';
import { importFile, proposal, proposalOutcome } from './tables.ts';

export const importStore = createProposalStore<ImportKind>(
  { proposal, proposalOutcome },
  {
    announce: (tx, stored) =>
      announceProposal(tx, messages, stored, {
        kind: 'IMPORT_PROPOSED',
        roles: listDeciderRoles(IMPORT_PROPOSAL_POLICY.decideImport, stored),
        subject: IMPORTS[stored.kind].title,
      }),
  },
);

/** The order of `importProposals`. */
export const IMPORT_PROPOSAL_ORDER = importStore.orderOf('importProposals');

/** Returns a page of proposed imports, newest first. A scope of every organ has those of none, too. */
export function listImports(
  db: Reader,
  scope: ReadScope,
  filter: ProposalFilter<ImportKind>,
  page: KeysetRequest,
): Promise<Page<StoredProposal<ImportKind>>> {
  return importStore.list(db, isInScope(proposal.organ, scope), filter, page);
}

export type ImportFileRow = typeof importFile.$inferSelect;

export async function insertFile(tx: Transaction, row: ImportFileRow): Promise<void> {
  await tx.insert(importFile).values(row);
}

/** Returns the file of each proposal, in the order of `ids`; null if there is none. */
export async function findFiles(db: Reader, ids: readonly string[]): Promise<(ImportFileRow | null)[]> {
  const rows = await db
    .select()
    .from(importFile)
    .where(inArray(importFile.proposalId, [...ids]));
  const rowById = new Map(rows.map((row) => [row.proposalId, row]));
  return ids.map((id) => rowById.get(id) ?? null);
}
