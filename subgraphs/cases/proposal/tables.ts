import { pgSchema } from 'drizzle-orm/pg-core';
import { defineProposalTables } from '../../kernel/proposal/tables.ts';

/** Acts of administration that were proposed (提议), and how each ended. */
export const { proposal, proposalOutcome } = defineProposalTables(pgSchema('cases'));
