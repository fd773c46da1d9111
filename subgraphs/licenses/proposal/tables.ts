import { index, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { defineProposalTables } from '../../kernel/proposal/tables.ts';

const schema = pgSchema('licenses');

/** Acts on licenses that were proposed (拟办), and how each ended. */
export const { proposal, proposalOutcome } = defineProposalTables(schema);

/** The license of each proposal. Append-only. */
export const proposalLicense = schema.table(
  'proposal_license',
  {
    proposalId: uuid()
      .primaryKey()
      .references(() => proposal.id),
    number: text().notNull(),
  },
  (table) => [index().on(table.number)],
);
