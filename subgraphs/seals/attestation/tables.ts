import { pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from '../../kernel/columns.ts';

const schema = pgSchema('seals');

/** Everything that the register's key stated of an act (登记声明). The id is that of the act in licenses. Append-only. */
export const registerStatement = schema.table('register_statement', {
  id: uuid().primaryKey(),
  /** Compact JWS. */
  text: text().notNull(),
  at: instant().notNull(),
});
