import { and, desc, eq, gt, isNotNull, lt, or, sql } from 'drizzle-orm';
import type { Database, Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import type { ValidityState } from '../../kernel/license-acts.ts';
import * as tables from '../tables.ts';
import { buildStateOn } from '../validity/store.ts';

const { act, evidenceBundle, licenseVersion, stateStatement, statusList } = tables;

/**
 * Advisory locks: only one process at a time publishes a list or makes stamps. The ids are global in the database, so
 * no other subgraph may use them.
 */
const LOCK_IDS = { publish: 7_310_011, stamp: 7_310_012 } as const;

export async function lock(tx: Transaction, lockName: keyof typeof LOCK_IDS): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_IDS[lockName]})`);
}

export async function findNewestList(db: Reader): Promise<{ text: string; publishedAt: Date } | null> {
  const [row] = await db.select().from(statusList).orderBy(desc(statusList.publishedAt)).limit(1);
  return row ?? null;
}

/** Stores a new list, and deletes lists published before `since`, and those from the future. */
export async function putList(tx: Transaction, text: string, publishedAt: Date, since: Date): Promise<void> {
  await tx.insert(statusList).values({ text, publishedAt }).onConflictDoNothing();
  await tx.delete(statusList).where(or(lt(statusList.publishedAt, since), gt(statusList.publishedAt, publishedAt)));
}

/** Lists the index of every version in the status list, and its state on a day. */
export function listStates(db: Reader, day: Day): Promise<{ place: number; state: ValidityState }[]> {
  const state = buildStateOn(licenseVersion, day);
  return db
    .select({ place: sql<number>`${licenseVersion.statusIndex}`.mapWith(Number), state })
    .from(licenseVersion)
    .where(isNotNull(licenseVersion.statusIndex));
}

export interface VersionProof {
  identifier: string;
  version: number;
  /** State on the day of the question. */
  state: ValidityState;
  /** First day of the version that takes its place, if that one waits for it. */
  supersededFrom: Day | null;
  documentDigest: string;
  /** License number. */
  number: string;
  /** Whether the record has a random element. Releases up to 0.4 made none. */
  isSalted: boolean;
  code: string | null;
  /** Id of the act that made the version. The seal use has the same id. */
  actId: string | null;
  /** The newest stamped bundle, or null. */
  stamped: { seq: number; bundle: string; stampedAt: Date } | null;
}

/** Finds a version with the data for its evidence and its state on a day, or null. */
export async function findVersionProof(db: Reader, identifier: string, day: Day): Promise<VersionProof | null> {
  const [row] = await db
    .select({
      identifier: licenseVersion.identifier,
      version: licenseVersion.version,
      state: buildStateOn(licenseVersion, day),
      supersededFrom: licenseVersion.supersededFrom,
      documentDigest: licenseVersion.documentDigest,
      number: licenseVersion.number,
      isSalted: sql<boolean>`${licenseVersion.record} ? 'KZ_SJS'`,
      code: licenseVersion.code,
      actId: act.id,
    })
    .from(licenseVersion)
    .leftJoin(act, and(eq(act.number, licenseVersion.number), eq(act.documentDigest, licenseVersion.documentDigest)))
    .where(eq(licenseVersion.identifier, identifier));
  if (!row) return null;
  const [stamped] = await db
    .select()
    .from(evidenceBundle)
    .where(eq(evidenceBundle.identifier, identifier))
    .orderBy(desc(evidenceBundle.seq))
    .limit(1);
  return { ...row, stamped: stamped ?? null };
}

/** Finds the newest statement about the state of a version, or null. */
export async function findStatement(db: Reader, identifier: string): Promise<string | null> {
  const [row] = await db.select().from(stateStatement).where(eq(stateStatement.identifier, identifier));
  return row?.text ?? null;
}

export async function putStatement(db: Database, row: typeof stateStatement.$inferInsert): Promise<void> {
  const { text } = row;
  await db.insert(stateStatement).values(row).onConflictDoUpdate({ target: stateStatement.identifier, set: { text } });
}

/** Lists sealed versions whose newest proof is older than `before`, oldest first. */
export async function listVersionsToStamp(db: Database, before: Date, limit: number): Promise<string[]> {
  const rows = await db.execute<{ identifier: string }>(sql`
    select v.identifier from ${licenseVersion} v
    left join lateral (select max(stamped_at) as at from ${evidenceBundle} e where e.identifier = v.identifier) e on true
    where v.seal_id is not null and coalesce(e.at, v.signed_at) < ${before.toISOString()} order by coalesce(e.at, v.signed_at), v.identifier limit ${limit}`);
  return rows.map((row) => row.identifier);
}

/** Stores a bundle with its newest stamp. Keeps an existing row with the same number. */
export async function putBundle(tx: Transaction, row: typeof evidenceBundle.$inferInsert): Promise<void> {
  await tx.insert(evidenceBundle).values(row).onConflictDoNothing();
}
