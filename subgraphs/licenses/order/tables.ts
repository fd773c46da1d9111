import { sql } from 'drizzle-orm';
import { index, jsonb, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { instant, serial } from '../../kernel/columns.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import type { OrderedAct } from '../../kernel/license-acts.ts';
import type { OrderState } from './order.ts';

const schema = pgSchema('licenses');

/** Supervisors' orders on licenses, from the event SupervisionOrdered, with the answer to each. */
export const supervisionOrder = schema.table(
  'supervision_order',
  {
    /** The finding's id. */
    id: uuid().primaryKey(),
    serial: serial().unique(),
    number: text().notNull(),
    /** The organ that issued the license and has to answer. */
    issuer: text().notNull(),
    act: text().$type<OrderedAct>().notNull(),
    reason: text().notNull(),
    supervisor: jsonb().$type<OrganFact>().notNull(),
    supervisorId: text().notNull(),
    orderedAt: instant().notNull(),
    state: text().$type<OrderState>().notNull(),
    answer: text(),
    answeredBy: text(),
    answeredAt: instant(),
  },
  (table) => [
    index().on(table.number).where(sql`state = 'OPEN'`),
    index().on(table.issuer, table.serial),
    index().on(table.supervisorId, table.serial),
  ],
);
