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
import { certificateOf, type Leaf, type LeafKind, ofCode, ofList, ofSealEvent, ofUse } from './leaf.ts';
import { enter, listUnknown } from './store.ts';

/** Adds leaves for what releases without the log recorded: once, at the first start. */

/** Maximum of rows read at once: a signature has some kilobytes. */
const BATCH = 500;

/** Adds leaves for some rows of the seal ledgers that have none. Returns false if no such row is left. */
export async function enterEarlier(tx: Transaction): Promise<boolean> {
  for (const next of [certificates, sealEvents, lists, uses, codes]) {
    const leaves = await next(tx);
    await enter(tx, leaves);
    if (leaves.length > 0) return true;
  }
  return false;
}

async function certificates(tx: Transaction): Promise<Leaf[]> {
  const held = [
    ...(await tx.select({ profile: authority.id, pem: authority.certificatePem }).from(authority)),
    ...(await tx.select({ profile: sql<string>`'seal'`, pem: sealCertificate.certificatePem }).from(sealCertificate)),
    ...(await tx.select({ profile: sql<string>`'code'`, pem: sealCodeKey.certificatePem }).from(sealCodeKey)),
  ];
  const leaves = held.map(({ profile, pem }) => certificateOf(profile, pem));
  const unknown = await listUnknown(
    tx,
    'CERTIFICATE',
    leaves.map((leaf) => leaf.subject),
  );
  return leaves.filter((leaf) => unknown.has(leaf.subject)).slice(0, BATCH);
}

/** Builds the condition for the leaf of a kind whose subject is this column's value. */
const about = (kind: LeafKind, subject: PgColumn) =>
  and(eq(logLeaf.kind, kind), eq(logLeaf.subject, sql`${subject}::text`));

async function uses(tx: Transaction): Promise<Leaf[]> {
  const rows = await tx
    .select({ row: sealUse })
    .from(sealUse)
    .leftJoin(logLeaf, about('SEAL_USE', sealUse.issuanceId))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(sealUse.serial))
    .limit(BATCH);
  return rows.map(({ row }) => ofUse(row));
}

async function codes(tx: Transaction): Promise<Leaf[]> {
  const rows = await tx
    .select({ row: sealCode })
    .from(sealCode)
    .leftJoin(logLeaf, about('CODE_USE', sealCode.issuanceId))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(sealCode.serial))
    .limit(BATCH);
  return rows.map(({ row }) => ofCode(row));
}

async function sealEvents(tx: Transaction): Promise<Leaf[]> {
  const rows = await tx
    .select({ row: sealEvent })
    .from(sealEvent)
    .leftJoin(logLeaf, about('SEAL_EVENT', sealEvent.serial))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(sealEvent.serial))
    .limit(BATCH);
  return rows.map(({ row }) => ofSealEvent(row));
}

async function lists(tx: Transaction): Promise<Leaf[]> {
  const subject = sql`${revocationList.authority} || ' ' || ${revocationList.number}`;
  const rows = await tx
    .select({ row: revocationList })
    .from(revocationList)
    .leftJoin(logLeaf, and(eq(logLeaf.kind, 'REVOCATION_LIST'), eq(logLeaf.subject, subject)))
    .where(isNull(logLeaf.serial))
    .orderBy(asc(revocationList.authority), asc(revocationList.number))
    .limit(BATCH);
  return rows.map(({ row }) => ofList(row));
}
