import { and, asc, desc, eq, like, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { buildCertificateLeaf, buildListLeaf } from '../log/leaf.ts';
import { insertLeaves } from '../log/store.ts';
import { LOCK_IDS } from '../store.ts';
import { authority, logLeaf, revocation, revocationList } from '../tables.ts';

export type AuthorityRow = typeof authority.$inferSelect;

export type RevocationRow = typeof revocation.$inferSelect;
export type ListRow = typeof revocationList.$inferSelect;

/** Builds the statement that selects every authority, earlier generations first. */
export function selectAuthorities(db: Reader) {
  return db.select().from(authority).orderBy(asc(authority.id), asc(authority.generation));
}

export async function findAuthorities(db: Reader): Promise<AuthorityRow[]> {
  return selectAuthorities(db);
}

export async function insertAuthority(tx: Transaction, row: AuthorityRow): Promise<void> {
  await tx.insert(authority).values(row);
  await insertLeaves(tx, [buildCertificateLeaf(row.id, row.certificatePem)]);
}

/** Lets one process at a time create the PKI or a seal. */
export async function lockPki(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_IDS.pki})`);
}

/** Lets one process at a time publish a list of an authority. */
export async function lockList(tx: Transaction, authorityId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_IDS.list}, hashtext(${authorityId}))`);
}

export async function insertRevocations(tx: Transaction, rows: readonly RevocationRow[]): Promise<void> {
  await tx.insert(revocation).values([...rows]);
}

/** Returns an authority's revocations in the order in which they were made. */
export async function listRevocations(db: Reader, authorityId: ListRow['authority']): Promise<RevocationRow[]> {
  return db
    .select()
    .from(revocation)
    .where(eq(revocation.authority, authorityId))
    .orderBy(asc(revocation.revokedAt), asc(revocation.serial));
}

export async function findNewestList(db: Reader, authorityId: ListRow['authority']): Promise<ListRow | null> {
  const [row] = await db
    .select()
    .from(revocationList)
    .where(eq(revocationList.authority, authorityId))
    .orderBy(desc(revocationList.number))
    .limit(1);
  return row ?? null;
}

/** Returns the largest number of an authority's lists, also of those that a restore has lost: the log has them. */
export async function findNewestListNumber(db: Reader, authorityId: ListRow['authority']): Promise<number> {
  const stored = (await findNewestList(db, authorityId))?.number ?? 0;
  const [row] = await db
    .select({ logged: sql<number | null>`max(split_part(${logLeaf.subject}, ' ', 2)::int)` })
    .from(logLeaf)
    .where(and(eq(logLeaf.kind, 'REVOCATION_LIST'), like(logLeaf.subject, `${authorityId} %`)));
  return Math.max(stored, row?.logged ?? 0);
}

export async function insertList(tx: Transaction, row: ListRow): Promise<void> {
  await tx.insert(revocationList).values(row);
  await insertLeaves(tx, [buildListLeaf(row)]);
}
