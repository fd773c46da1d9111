import { and, count, desc, eq, isNull, lt, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { cutPage, type Page, type PageRequest } from '../../kernel/http/page.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import type { Proposal, ProposalKind, ProposalOutcome } from './proposal.ts';
import { proposal, proposalOutcome } from './tables.ts';

type ProposalRow = typeof proposal.$inferSelect;
type OutcomeRow = typeof proposalOutcome.$inferSelect;

/** A proposal with its outcome, or null while it waits. */
export interface StoredProposal extends Proposal {
  serial: number;
  /** JSON text. */
  content: string;
  at: Date;
  ended: OutcomeRow | null;
}

const columns = { row: proposal, ended: proposalOutcome };
const isOutcomeOf = eq(proposalOutcome.proposalId, proposal.id);

function toStoredProposal({ row, ended }: { row: ProposalRow; ended: OutcomeRow | null }): StoredProposal {
  return { ...row, outcome: ended?.outcome ?? null, ended };
}

export async function findProposal(db: Reader, id: string): Promise<StoredProposal | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await db
    .select(columns)
    .from(proposal)
    .leftJoin(proposalOutcome, isOutcomeOf)
    .where(eq(proposal.id, id));
  return row ? toStoredProposal(row) : null;
}

/** Locks a proposal: two decisions on it wait for each other. A row lock would need the right to update. */
export async function lockProposal(tx: Transaction, id: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`proposal ${id}`}, 0))`);
}

/** Locks the waiting proposals of a person, so that their number holds. */
export async function lockWaiting(tx: Transaction, proposedById: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`proposals of ${proposedById}`}, 0))`);
}

/** Counts the proposals of a person that wait for a decision. */
export async function countWaiting(db: Reader, proposedById: string): Promise<number> {
  const [row] = await db
    .select({ waiting: count() })
    .from(proposal)
    .leftJoin(proposalOutcome, isOutcomeOf)
    .where(and(eq(proposal.proposedById, proposedById), isNull(proposalOutcome.proposalId)));
  return row?.waiting ?? 0;
}

export async function insertProposal(tx: Transaction, row: Omit<ProposalRow, 'serial'>): Promise<void> {
  await tx.insert(proposal).values(row);
}

export async function insertOutcome(tx: Transaction, row: OutcomeRow): Promise<void> {
  await tx.insert(proposalOutcome).values(row);
}

export interface ProposalFilter {
  /** Null: every organ's, and those that act for none. */
  organ: string | null;
  kind: ProposalKind | null;
  state: ProposalOutcome | 'WAITING' | null;
}

/** Returns a page of proposals, newest first. */
export async function listProposals(
  db: Reader,
  { organ, kind, state }: ProposalFilter,
  page: PageRequest<number>,
): Promise<Page<StoredProposal>> {
  const rows = await db
    .select(columns)
    .from(proposal)
    .leftJoin(proposalOutcome, isOutcomeOf)
    .where(
      and(
        organ === null ? undefined : eq(proposal.organ, organ),
        kind === null ? undefined : eq(proposal.kind, kind),
        state === null ? undefined : sql`coalesce(${proposalOutcome.outcome}, 'WAITING') = ${state}`,
        page.after === null ? undefined : lt(proposal.serial, page.after),
      ),
    )
    .orderBy(desc(proposal.serial))
    .limit(page.first + 1);
  return cutPage(rows.map(toStoredProposal), page.first);
}
