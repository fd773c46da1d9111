import { sql } from 'drizzle-orm';
import { bigint, index, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { OrganFact } from '../../kernel/events.ts';
import type { OrderedAct, OrderState } from './order.ts';

const schema = pgSchema('licenses');

/** Supervisors' orders on licenses, from the event SupervisionOrdered, with the answer to each. */
export const supervisionOrder = schema.table(
  'supervision_order',
  {
    /** The finding's id. */
    id: uuid().primaryKey(),
    serial: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().unique(),
    number: text().notNull(),
    /** The organ that issued the license and has to answer. */
    issuer: text().notNull(),
    act: text().$type<OrderedAct>().notNull(),
    reason: text().notNull(),
    supervisor: jsonb().$type<OrganFact>().notNull(),
    supervisorId: text().notNull(),
    orderedAt: timestamp({ withTimezone: true }).notNull(),
    state: text().$type<OrderState>().notNull(),
    answer: text(),
    answeredBy: text(),
    answeredAt: timestamp({ withTimezone: true }),
  },
  (table) => [
    index().on(table.number).where(sql`state = 'OPEN'`),
    index().on(table.issuer, table.serial),
    index().on(table.supervisorId, table.serial),
  ],
);
