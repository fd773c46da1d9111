import { inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { OwnAct } from '../../kernel/license-acts.ts';
import { createProposalStore } from '../../kernel/proposal/store.ts';
import { proposal, proposalLicense, proposalOutcome } from './tables.ts';

export const proposalStore = createProposalStore<OwnAct>({ proposal, proposalOutcome });

export async function insertLicense(tx: Transaction, row: typeof proposalLicense.$inferInsert): Promise<void> {
  await tx.insert(proposalLicense).values(row);
}

/** Returns the license number of each proposal, by the id of the proposal. */
export async function findNumbers(db: Reader, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select()
    .from(proposalLicense)
    .where(inArray(proposalLicense.proposalId, [...ids]));
  return new Map(rows.map(({ proposalId, number }) => [proposalId, number]));
}
