import { pgSchema } from 'drizzle-orm/pg-core';
import { defineReadingTable } from '../../kernel/privacy/reading-tables.ts';

/** Readings of holders' data and of license files by others than the holder, and their hand-over to the library. */
export const reading = defineReadingTable(pgSchema('licenses'));
