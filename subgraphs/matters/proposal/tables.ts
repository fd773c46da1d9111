import { pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { defineProposalTables } from '../../kernel/proposal/tables.ts';

const schema = pgSchema('matters');

/** Imports that were proposed (拟导入), and how each ended. */
export const { proposal, proposalOutcome } = defineProposalTables(schema);

/** The file of each proposal, and what it changes. Append-only. */
export const importFile = schema.table('import_file', {
  proposalId: uuid()
    .primaryKey()
    .references(() => proposal.id),
  /** Exactly as it was sent. */
  file: text().notNull(),
  /** A sentence for each changed value, in the order of the file. */
  differences: text().array().notNull(),
});
