import { index, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { proposal } from '../proposal/tables.ts';

const schema = pgSchema('licenses');

/** What each proposal of two equal calls is about: a case, an order, a batch of blanks. Append-only. */
export const proposalSubject = schema.table(
  'proposal_subject',
  {
    proposalId: uuid()
      .primaryKey()
      .references(() => proposal.id),
    subject: text().notNull(),
  },
  (table) => [index().on(table.subject)],
);
