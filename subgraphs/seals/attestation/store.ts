import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import type { Leaf } from '../log/leaf.ts';
import { insertLeafWith } from '../log/store.ts';
import { LOCK_IDS } from '../store.ts';
import { registerStatement } from './tables.ts';

/** The ledger of what the register's key stated of acts. */

/** Lets one transaction at a time state something of an act. Returns what was stated of it, or null. */
export async function lockStatement(tx: Transaction, id: string): Promise<string | null> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_IDS.issuance}, hashtext(${id}))`);
  const [row] = await tx.select().from(registerStatement).where(eq(registerStatement.id, id));
  return row?.text ?? null;
}

/** Enters a statement and its leaf by one statement of the database. */
export async function insertStatement(
  tx: Transaction,
  row: typeof registerStatement.$inferInsert,
  leaf: Leaf,
): Promise<void> {
  await insertLeafWith(tx, tx.insert(registerStatement).values(row), leaf);
}
