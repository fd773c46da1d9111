import { index, integer, jsonb, pgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, count, digest, instant } from '../../kernel/columns.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { proposal } from '../proposal/tables.ts';
import type { RegisteredRecord } from './record.ts';

const schema = pgSchema('licenses');

/** Matters, from the newest DelegationChanged: who issues which license. */
export const matterFact = schema.table('matter_fact', {
  matterId: text().primaryKey(),
  fact: jsonb().$type<MatterFact>().notNull(),
});

/** The ledgers of existing paper (存量台账) that were proposed, exactly as they were sent. Append-only. */
export const registrationFile = schema.table(
  'registration_file',
  {
    proposalId: uuid()
      .primaryKey()
      .references(() => proposal.id),
    /** SHA-256 of the bytes as sent. */
    digest: digest().notNull(),
    bytes: bytea().notNull(),
  },
  (table) => [index().on(table.digest)],
);

/** The licenses of an approved ledger: what is entered of each, fixed when it was approved. Append-only. */
export const registrationLine = schema.table(
  'registration_line',
  {
    proposalId: uuid()
      .notNull()
      .references(() => proposal.id),
    /** Place in the ledger, from 1, without a gap. */
    place: integer().notNull(),
    /** Id of the act, and of what the register states. */
    actId: uuid().notNull().unique(),
    number: text().notNull().unique(),
    identifier: text().notNull(),
    record: jsonb().$type<RegisteredRecord>().notNull(),
    recordDigest: digest().notNull(),
  },
  (table) => [primaryKey({ columns: [table.proposalId, table.place] })],
);

/** How far an approved ledger is entered. A batch and its progress are one transaction. */
export const registrationProgress = schema.table('registration_progress', {
  proposalId: uuid()
    .primaryKey()
    .references(() => proposal.id),
  approvedAt: instant().notNull(),
  /** The issuer when it was approved, and the organs that may see its licenses. */
  organs: jsonb().$type<{ issuer: OrganFact; parties: string[] }>().notNull(),
  total: count().notNull(),
  entered: count().notNull(),
  doneAt: instant(),
});
