import { and, asc, eq, gt, inArray, isNull } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import { listDeciderRoles } from '../../kernel/proposal/announcement.ts';
import { type AnnouncementDetails, announceProposal } from '../../kernel/proposal/announcement-store.ts';
import { createProposalStore, type StoredProposal } from '../../kernel/proposal/store.ts';
import * as tables from '../tables.ts';
import {
  COUNTERSIGNED_KINDS,
  type Countersigned,
  type CountersignedKind,
  countersignRule,
  countsSince,
  describeBox,
  describeWriteOff,
  lapseOf,
  WISH_ANNOUNCEMENTS,
} from './countersign.ts';
import { proposalSubject } from './tables.ts';

const { certificateTask, license, licenseVersion, proposal, proposalOutcome, supervisionOrder } = tables;
const messages: MessageTables = tables;

export const countersignStore = createProposalStore<CountersignedKind>(
  { proposal, proposalOutcome },
  { kinds: COUNTERSIGNED_KINDS, announce: (tx, stored) => announceWish(tx, stored) },
);

/** Tells cases that a wish waits for its second person, or waits no more. `endedAt`: its subject ended otherwise. */
async function announceWish(tx: Transaction, stored: StoredProposal<CountersignedKind>, endedAt?: Date) {
  const { kind, at, content } = stored;
  const { subject } = JSON.parse(content) as { subject: string };
  const details = {
    kind: WISH_ANNOUNCEMENTS[kind],
    roles: listDeciderRoles(countersignRule(kind), stored),
    ...(await readSubject(tx, kind, subject)),
    lapsesAt: lapseOf(at),
  };
  await announceProposal(tx, messages, stored, details, endedAt);
}

async function readSubject(
  tx: Transaction,
  kind: Countersigned['kind'],
  subject: string,
): Promise<Pick<AnnouncementDetails, 'subject' | 'caseId' | 'license'>> {
  if (kind === 'RECEIVE_BLANKS') return { subject: describeBox(subject) };
  if (kind === 'WRITE_OFF_BLANKS') return { subject: describeWriteOff(subject) };
  if (kind === 'VOID_TASK') {
    const { caseId, caseNumber } = certificateTask;
    const [task] = await tx.select({ caseNumber }).from(certificateTask).where(eq(caseId, subject));
    if (!task) throw new Error(`no task of case ${subject}`);
    return { subject: task.caseNumber, caseId: subject };
  }
  const [row] = await tx
    .select({ identifier: licenseVersion.identifier, record: licenseVersion.record })
    .from(supervisionOrder)
    .innerJoin(license, eq(license.number, supervisionOrder.number))
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, license.headIdentifier))
    .where(eq(supervisionOrder.id, subject));
  if (!row) throw new Error(`no license of order ${subject}`);
  return { subject: row.record.ZZMC, license: row.identifier };
}

/** Tells cases that nobody can decide the wishes on a subject any more, because it ended otherwise. */
export async function announceMootWishes(
  tx: Transaction,
  kind: CountersignedKind,
  subject: string,
  at: Date,
): Promise<void> {
  const waiting = await findWaiting(tx, kind, [subject], countsSince(at));
  for (const stored of waiting.values()) await announceWish(tx, stored, at);
}

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
