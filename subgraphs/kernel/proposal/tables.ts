import { index, type PgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, instant, serial } from '../columns.ts';
import type { ProposalOutcome } from './proposal.ts';

/** Defines the tables in which a subgraph keeps its proposals. Both are append-only. */
export function defineProposalTables(schema: PgSchema) {
  /** What was proposed (提议). */
  const proposal = schema.table(
    'proposal',
    {
      id: uuid().primaryKey(),
      serial: serial().unique(),
      kind: text().notNull(),
      /** The organ that it acts for, or null. */
      organ: text(),
      /** JSON text, exactly what the decider reads and what is carried out. */
      content: text().notNull(),
      proposedById: text().notNull(),
      proposedBy: text().notNull(),
      at: instant().notNull(),
    },
    (table) => [index().on(table.organ, table.serial)],
  );
  /** The outcome of each proposal: approved, rejected or withdrawn. At most one row each. */
  const proposalOutcome = schema.table('proposal_outcome', {
    proposalId: uuid()
      .primaryKey()
      .references(() => proposal.id),
    outcome: text().$type<ProposalOutcome>().notNull(),
    ...actorColumns(),
    reason: text(),
    at: instant().notNull(),
  });
  return { proposal, proposalOutcome };
}

export type ProposalTables = ReturnType<typeof defineProposalTables>;
