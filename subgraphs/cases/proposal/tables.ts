import { index, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, instant, serial } from '../../kernel/columns.ts';
import type { ProposalKind, ProposalOutcome } from './proposal.ts';

const schema = pgSchema('cases');

/** Acts of administration that were proposed (提议). Append-only. */
export const proposal = schema.table(
  'proposal',
  {
    id: uuid().primaryKey(),
    serial: serial().unique(),
    kind: text().$type<ProposalKind>().notNull(),
    /** The organ that it acts for, or null. */
    organ: text(),
    /** JSON text, exactly what the approver reads and what is carried out. */
    content: text().notNull(),
    proposedById: text().notNull(),
    proposedBy: text().notNull(),
    at: instant().notNull(),
  },
  (table) => [index().on(table.organ, table.serial)],
);

/** The outcome of each proposal: approved, rejected or withdrawn. At most one row each. Append-only. */
export const proposalOutcome = schema.table('proposal_outcome', {
  proposalId: uuid()
    .primaryKey()
    .references(() => proposal.id),
  outcome: text().$type<ProposalOutcome>().notNull(),
  ...actorColumns(),
  reason: text(),
  at: instant().notNull(),
});
