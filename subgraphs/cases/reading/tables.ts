import { pgSchema } from 'drizzle-orm/pg-core';
import { defineReadingTable } from '../../kernel/privacy/reading-tables.ts';

/** Readings of applicants' data and files by others than the applicant, and their hand-over to other systems. */
export const reading = defineReadingTable(pgSchema('cases'));
