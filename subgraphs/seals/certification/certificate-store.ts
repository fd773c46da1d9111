import { asc, eq, isNull } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { buildCertificateLeaf } from '../log/leaf.ts';
import { insertLeaves } from '../log/store.ts';
import type { CertificateRow, SealRow } from '../store.ts';
import { authority, logKey, revocation, seal, sealCertificate, sealCodeKey } from '../tables.ts';

export type CodeKeyRow = typeof sealCodeKey.$inferSelect;

/**
 * Maximum of certificates published in one file. A county and its city have some dozens of seals, each with a few
 * generations.
 */
const MAX_CERTIFICATES = 10_000;

/** Returns the certificates of a seal, oldest first. */
export async function listGenerations(db: Reader, sealId: string): Promise<CertificateRow[]> {
  return db
    .select()
    .from(sealCertificate)
    .where(eq(sealCertificate.sealId, sealId))
    .orderBy(asc(sealCertificate.generation));
}

export async function insertCertificate(tx: Transaction, row: CertificateRow): Promise<void> {
  await tx.insert(sealCertificate).values(row);
  await insertLeaves(tx, [buildCertificateLeaf('seal', row.certificatePem)]);
}

/** Returns the keys of a seal for QR codes, oldest first. */
export async function listCodeKeys(db: Reader, sealId: string): Promise<CodeKeyRow[]> {
  return db.select().from(sealCodeKey).where(eq(sealCodeKey.sealId, sealId)).orderBy(asc(sealCodeKey.generation));
}

export async function insertCodeKey(tx: Transaction, row: CodeKeyRow): Promise<void> {
  await tx.insert(sealCodeKey).values(row);
  await insertLeaves(tx, [buildCertificateLeaf('code', row.certificatePem)]);
}

/** A private key in its envelope, under the id that is bound to it. */
export interface EncryptedKey {
  id: string;
  table: 'authority' | 'sealCertificate' | 'sealCodeKey' | 'logKey';
  encryptedKey: Uint8Array;
}

export async function listKeys(db: Reader): Promise<EncryptedKey[]> {
  const authorities = await db.select({ id: authority.id, encryptedKey: authority.encryptedKey }).from(authority);
  const seals = await db
    .select({ id: sealCertificate.sealId, encryptedKey: sealCertificate.encryptedKey })
    .from(sealCertificate);
  const codes = await db.select({ id: sealCodeKey.sealId, encryptedKey: sealCodeKey.encryptedKey }).from(sealCodeKey);
  const logs = await db.select({ encryptedKey: logKey.encryptedKey }).from(logKey);
  return [
    ...logs.map((key) => ({ ...key, id: 'log', table: 'logKey' as const })),
    ...authorities.map((key) => ({ ...key, table: 'authority' as const })),
    ...seals.map((key) => ({ ...key, table: 'sealCertificate' as const })),
    ...codes.map((key) => ({ ...key, id: `${key.id} code`, table: 'sealCodeKey' as const })),
  ];
}

/** Replaces the envelope that was read. Changes nothing if the envelope has changed since. */
export async function replaceKey(
  tx: Transaction,
  { table, encryptedKey }: EncryptedKey,
  encrypted: Uint8Array,
): Promise<void> {
  const keyTable = { authority, sealCertificate, sealCodeKey, logKey }[table];
  await tx.update(keyTable).set({ encryptedKey: encrypted }).where(eq(keyTable.encryptedKey, encryptedKey));
}

/** Returns seals of earlier releases that have no key for QR codes. */
export async function listSealsWithoutCodeKey(db: Reader): Promise<SealRow[]> {
  const rows = await db
    .select({ seal })
    .from(seal)
    .leftJoin(sealCodeKey, eq(sealCodeKey.sealId, seal.id))
    .where(isNull(sealCodeKey.sealId));
  return rows.map((row) => row.seal);
}

/**
 * A published certificate of a seal or of its key for QR codes. `above` has the CA certificates that the hub did not
 * issue.
 */
export interface PublishedCertificate {
  name: string;
  sealId: string;
  generation: number;
  use: 'seal' | 'code';
  pem: string;
  above: string[];
}

/** Returns every certificate of every seal and of their keys for QR codes, ordered by seal and generation. */
export async function listCertificates(db: Reader): Promise<PublishedCertificate[]> {
  const seals = await db
    .select({
      name: seal.name,
      sealId: seal.id,
      generation: sealCertificate.generation,
      pem: sealCertificate.certificatePem,
      above: sealCertificate.above,
    })
    .from(sealCertificate)
    .innerJoin(seal, eq(seal.id, sealCertificate.sealId))
    .orderBy(asc(seal.id), asc(sealCertificate.generation))
    .limit(MAX_CERTIFICATES);
  const codes = await db
    .select({
      name: seal.name,
      sealId: seal.id,
      generation: sealCodeKey.generation,
      pem: sealCodeKey.certificatePem,
    })
    .from(sealCodeKey)
    .innerJoin(seal, eq(seal.id, sealCodeKey.sealId))
    .orderBy(asc(seal.id), asc(sealCodeKey.generation))
    .limit(MAX_CERTIFICATES);
  const codesBySeal = Map.groupBy(codes, (code) => code.sealId);
  return [...Map.groupBy(seals, (row) => row.sealId).values()].flatMap((generations) => [
    ...generations.map((row) => ({ ...row, use: 'seal' as const, above: row.above ?? [] })),
    ...(codesBySeal.get(generations[0]?.sealId ?? '') ?? []).map((row) => ({
      ...row,
      use: 'code' as const,
      above: [],
    })),
  ]);
}

/** Returns the serial numbers (hex) of a seal's revoked certificates. */
export async function listRevokedSerials(db: Reader, sealId: string): Promise<Set<string>> {
  const rows = await db.select({ serial: revocation.serial }).from(revocation).where(eq(revocation.sealId, sealId));
  return new Set(rows.map((row) => row.serial));
}
