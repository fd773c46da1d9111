import { pgSchema } from 'drizzle-orm/pg-core';
import { defineMessageTables } from '../kernel/events/outbox-tables.ts';

export * from './agreement/tables.ts';
export * from './attention/tables.ts';
export * from './calendar/tables.ts';
export * from './exception/tables.ts';
export * from './fact/tables.ts';
export * from './file/tables.ts';
export * from './material/tables.ts';
export * from './notice/tables.ts';
export * from './person/tables.ts';
export * from './platform/tables.ts';
export * from './proposal/tables.ts';
export * from './reading/tables.ts';
export * from './statistics/tables.ts';
export * from './supervision/tables.ts';

export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = defineMessageTables(
  pgSchema('cases'),
);
