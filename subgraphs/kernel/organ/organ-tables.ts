import { jsonb, type PgSchema, text } from 'drizzle-orm/pg-core';
import type { EventPayload } from '../events/events.ts';

/** Defines the table of organs that a reform concerns, from the newest OrganChanged. Other organs have no row. */
export function defineOrganTable(schema: PgSchema) {
  return schema.table('organ_fact', {
    id: text().primaryKey(),
    fact: jsonb().$type<EventPayload<'OrganChanged'>>().notNull(),
  });
}

export type OrganTable = ReturnType<typeof defineOrganTable>;
