import { sql } from 'drizzle-orm';
import { index, integer, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import type { Role } from '../../kernel/actor.ts';
import { day, instant } from '../../kernel/columns.ts';
import type { AnnouncedKind } from '../../kernel/proposal/announcement.ts';

const schema = pgSchema('cases');

/**
 * The last day by which somebody must handle a case at its current step.
 * It is written with each step, and calculated again when a calendar is loaded.
 * It is a separate table, so that loading a calendar does not wait for the locks of cases.
 */
export const caseRest = schema.table(
  'case_rest',
  {
    caseId: uuid().primaryKey(),
    /** Last day. Null if nobody must act, or if that year has no calendar. */
    touchBy: day(),
    missingYear: integer(),
  },
  (table) => [index().on(table.touchBy)],
);

/** Proposals of matters and licenses, waiting and ended, from the newest ProposalChanged. */
export const peerProposal = schema.table(
  'peer_proposal',
  {
    proposalId: uuid().primaryKey(),
    kind: text().$type<AnnouncedKind>().notNull(),
    /** The organ whose persons decide it, or null. */
    organ: text(),
    /** Who may decide it, never `proposedById`. */
    roles: text().array().$type<Role[]>().notNull(),
    proposedById: text().notNull(),
    subject: text().notNull(),
    caseId: uuid(),
    /** Identifier of a license version. */
    license: text(),
    proposedAt: instant().notNull(),
    lapsesAt: instant(),
    endedAt: instant(),
  },
  (table) => [index().on(table.organ, table.proposedAt).where(sql`ended_at is null`)],
);
