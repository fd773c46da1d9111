import { inArray, sql } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import type { Leaf } from '../log/leaf.ts';
import { insertLeavesWith } from '../log/store.ts';
import { LOCK_IDS } from '../store.ts';
import { registerStatement } from './tables.ts';

/** The ledger of what the register's key stated of acts. */

export type StatementRow = typeof registerStatement.$inferInsert;

/** Lets one transaction at a time state something of each act. Returns what was stated, by id of the act. */
export async function lockStatements(tx: Transaction, ids: readonly string[]): Promise<Map<string, string>> {
  const keys = sql.join(
    ids.map((id) => sql`(hashtext(${id}))`),
    sql`, `,
  );
  // In one order, so that no two transactions wait for each other.
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_IDS.issuance}, lock_key)
    from (select distinct lock_key from (values ${keys}) v (lock_key) order by 1) o`);
  const rows = await tx
    .select()
    .from(registerStatement)
    .where(inArray(registerStatement.id, [...ids]));
  return new Map(rows.map(({ id, text }) => [id, text]));
}

/** Enters statements and their leaves by one statement of the database. */
export async function insertStatements(
  tx: Transaction,
  rows: readonly StatementRow[],
  leaves: readonly Leaf[],
): Promise<void> {
  await insertLeavesWith(tx, tx.insert(registerStatement).values([...rows]), leaves);
}
