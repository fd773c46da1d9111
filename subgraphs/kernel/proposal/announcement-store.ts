import type { Transaction } from '../../../db/client.ts';
import { appendEvent } from '../events/outbox-store.ts';
import type { MessageTables } from '../events/outbox-tables.ts';
import type { Announcement } from './announcement.ts';

const CONSUMERS = { cases: ['ProposalChanged'] } as const;

/** What a subgraph says of its proposal; the proposal itself says the rest. */
export type AnnouncementDetails = Pick<Announcement, 'kind' | 'roles' | 'subject'> &
  Partial<Pick<Announcement, 'caseId' | 'license'>> & { lapsesAt?: Date };

/** What an announcement needs of a proposal, or of what waits for a second person like one. */
export interface Announced {
  id: string;
  organ: string | null;
  proposedById: string;
  at: Date;
  ended: { at: Date } | null;
}

/** Tells cases that a proposal waits, or that it waits no more, from `endedAt` on or by its outcome. */
export async function announceProposal(
  tx: Transaction,
  tables: MessageTables,
  { id, organ, proposedById, at, ended }: Announced,
  { caseId = null, license = null, lapsesAt, ...details }: AnnouncementDetails,
  endedAt: Date | null = ended?.at ?? null,
): Promise<void> {
  const payload = {
    ...{ proposalId: id, organ, proposedById, caseId, license, ...details },
    proposedAt: at.toISOString(),
    lapsesAt: lapsesAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
  };
  const stream = `proposal:${id}`;
  await appendEvent(tx, tables, CONSUMERS, { type: 'ProposalChanged', stream, occurredAt: endedAt ?? at, payload });
}
