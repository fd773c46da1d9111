import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Transaction } from '../../../db/client.ts';
import {
  authority,
  logLeaf,
  revocationList,
  sealCertificate,
  sealCode,
  sealCodeKey,
  sealEvent,
  sealUse,
} from '../tables.ts';
import {
  buildCertificateLeaf,
  buildCodeLeaf,
  buildEventLeaf,
  buildListLeaf,
  buildUseLeaf,
  type Leaf,
  type LeafKind,
} from './leaf.ts';
import { findMissingSubjects, insertLeaves } from './store.ts';

/** Adds leaves for what releases without the log recorded: once, at the first start. */

/** Maximum of rows read at once: a signature has some kilobytes. */
const MAX_BATCH_ROWS = 500;

/** Adds leaves for some rows of the seal ledgers that have none. Returns false if no such row is left. */
export async function addEarlierLeaves(tx: Transaction): Promise<boolean> {
  for (const listLeaves of [
    listCertificateLeaves,
    listEventLeaves,
    listRevocationListLeaves,
    listUseLeaves,
    listCodeLeaves,
  ]) {
    const leaves = await listLeaves(tx);
    await insertLeaves(tx, leaves);
    if (leaves.length > 0) return true;
  }
  return false;
}

async function listCertificateLeaves(tx: Transaction): Promise<Leaf[]> {
  const certificateRows = [
    ...(await tx.select({ profile: authority.id, pem: authority.certificatePem }).from(authority)),
    ...(await tx.select({ profile: sql<string>`'seal'`, pem: sealCertificate.certificatePem }).from(sealCertificate)),
    ...(await tx.select({ profile: sql<string>`'code'`, pem: sealCodeKey.certificatePem }).from(sealCodeKey)),
  ];
  const leaves = certificateRows.map(({ profile, pem }) => buildCertificateLeaf(profile, pem));
  const missingSubjects = await findMissingSubjects(
    tx,
    'CERTIFICATE',
    leaves.map((leaf) => leaf.subject),
  );
  return leaves.filter((leaf) => missingSubjects.has(leaf.subject)).slice(0, MAX_BATCH_ROWS);
}

/** Builds the condition for the leaf of a kind whose subject is this column's value. */
const isLeafOf = (kind: LeafKind, subject: PgColumn) =>
  and(eq(logLeaf.kind, kind), eq(logLeaf.subject, sql`${subject}::text`));

async function listUseLeaves(tx: Transaction): Promise<Leaf[]> {
  const rows = await tx
    .select({ row: sealUse })
    .from(sealUse)
    .leftJoin(logLeaf, isLeafOf('SEAL_USE', sealUse.issuanceId))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(sealUse.serial))
    .limit(MAX_BATCH_ROWS);
  return rows.map(({ row }) => buildUseLeaf(row));
}

async function listCodeLeaves(tx: Transaction): Promise<Leaf[]> {
  const rows = await tx
    .select({ row: sealCode })
    .from(sealCode)
    .leftJoin(logLeaf, isLeafOf('CODE_USE', sealCode.issuanceId))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(sealCode.serial))
    .limit(MAX_BATCH_ROWS);
  return rows.map(({ row }) => buildCodeLeaf(row));
}

async function listEventLeaves(tx: Transaction): Promise<Leaf[]> {
  const rows = await tx
    .select({ row: sealEvent })
    .from(sealEvent)
    .leftJoin(logLeaf, isLeafOf('SEAL_EVENT', sealEvent.serial))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(sealEvent.serial))
    .limit(MAX_BATCH_ROWS);
  return rows.map(({ row }) => buildEventLeaf(row));
}

async function listRevocationListLeaves(tx: Transaction): Promise<Leaf[]> {
  const subject = sql`${revocationList.authority} || ' ' || ${revocationList.number}`;
  const rows = await tx
    .select({ row: revocationList })
    .from(revocationList)
    .leftJoin(logLeaf, and(eq(logLeaf.kind, 'REVOCATION_LIST'), eq(logLeaf.subject, subject)))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(revocationList.authority), asc(revocationList.number))
    .limit(MAX_BATCH_ROWS);
  return rows.map(({ row }) => buildListLeaf(row));
}
