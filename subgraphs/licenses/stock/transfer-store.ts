import { and, eq, inArray, or } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { listDeciderRoles } from '../../kernel/proposal/announcement.ts';
import { announceProposal } from '../../kernel/proposal/announcement-store.ts';
import type { ProposalState } from '../../kernel/proposal/proposal.ts';
import { createProposalStore, type StoredProposal } from '../../kernel/proposal/store.ts';
import { describeRange, SERIAL_DIGITS } from '../paper/paper.ts';
import * as tables from '../tables.ts';
import { STOCK_POLICY } from './policy.ts';
import { type BlankTransfer, TRANSFER_KIND, type TransferKind } from './transfer.ts';

const { blankTransfer, proposal, proposalOutcome, sealFact } = tables;
const messages: MessageTables = tables;

export type StoredTransfer = StoredProposal<TransferKind>;

export const transferStore = createProposalStore<TransferKind>(
  { proposal, proposalOutcome },
  {
    kinds: [TRANSFER_KIND],
    async announce(tx, stored) {
      const roles = listDeciderRoles(STOCK_POLICY.decideBlankTransfer, stored);
      const subject = describeRange(transferOf(stored));
      await announceProposal(tx, messages, stored, { kind: 'BLANK_TRANSFER_PROPOSED', roles, subject });
    },
  },
);

/** The order of `blankTransfers`. */
export const TRANSFER_ORDER = transferStore.orderOf('blankTransfers');

/** Returns what a proposal transfers. Releases up to 0.4.1 stated no number of digits. */
export function transferOf({ content }: Pick<StoredTransfer, 'content'>): BlankTransfer {
  return { digits: SERIAL_DIGITS, ...(JSON.parse(content) as Omit<BlankTransfer, 'digits'>) };
}

/** Stores the range and the organs of a transfer. */
export async function insertTransfer(tx: Transaction, proposalId: string, transfer: BlankTransfer): Promise<void> {
  const { prefix, digits, from: first, to: last, organ, receiver } = transfer;
  await tx.insert(blankTransfer).values({ proposalId, prefix, digits, first, last, organ, receiver });
}

/** Finds transfers by id. */
export async function findTransfers(db: Reader, ids: readonly string[]): Promise<Map<string, StoredTransfer>> {
  const rows = await db
    .select({ row: proposal, ended: proposalOutcome })
    .from(proposal)
    .leftJoin(proposalOutcome, eq(proposalOutcome.proposalId, proposal.id))
    .where(and(eq(proposal.kind, TRANSFER_KIND), inArray(proposal.id, [...ids])));
  return new Map(rows.map((found) => [found.row.id, transferStore.toStored(found)]));
}

/** Whether an organ can use blanks: it has a seal. Licenses know no others. */
export async function hasSeal(db: Reader, organ: string): Promise<boolean> {
  const [seal] = await db.select({ id: sealFact.sealId }).from(sealFact).where(eq(sealFact.organ, organ)).limit(1);
  return seal !== undefined;
}

/** Returns a page of the transfers that organs sent or receive, newest first. Of all if `organs` is null. */
export function listTransfers(
  db: Reader,
  organs: ReadScope,
  state: ProposalState | null,
  page: KeysetRequest,
): Promise<Page<StoredTransfer>> {
  const { proposalId } = blankTransfer;
  const sent = db.select({ id: proposalId }).from(blankTransfer).where(isInScope(blankTransfer.organ, organs));
  const isVisible = organs === null ? undefined : or(isInScope(proposal.organ, organs), inArray(proposal.id, sent));
  return transferStore.list(db, isVisible, { kind: null, state }, page);
}
