import { createHash } from 'node:crypto';
import { and, asc, eq, gt, inArray, isNull, lt, notExists, sql } from 'drizzle-orm';
import type { Database, Reader, Transaction } from '../../../../db/client.ts';
import { UUID_PATTERN } from '../../../kernel/identifier.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../../kernel/list/keyset-store.ts';
import type { Page } from '../../../kernel/list/page.ts';
import type { FileSignature } from '../signature/verdict.ts';
import { type FileState, materialFile, materialUpload } from '../tables.ts';
import type { MediaType } from './file.ts';

/** An upload with the data of its file, without the bytes. */
export interface Upload {
  id: string;
  serial: number;
  digest: string;
  name: string;
  uploaderId: string;
  holderCode: string | null;
  uploadedAt: Date;
  attachedAt: Date | null;
  signature: FileSignature | null;
  mediaType: MediaType;
  sizeBytes: number;
  state: FileState;
}

const uploadColumns = {
  id: materialUpload.id,
  serial: materialUpload.serial,
  digest: materialUpload.digest,
  name: materialUpload.name,
  uploaderId: materialUpload.uploaderId,
  holderCode: materialUpload.holderCode,
  uploadedAt: materialUpload.uploadedAt,
  attachedAt: materialUpload.attachedAt,
  signature: materialUpload.signature,
  mediaType: materialFile.mediaType,
  sizeBytes: materialFile.sizeBytes,
  state: materialFile.state,
};

function isUuid(text: string): boolean {
  return UUID_PATTERN.test(text);
}

/**
 * Makes uploads of one person wait for each other, so that two concurrent ones cannot both use the last free place.
 */
export async function lockUploader(tx: Transaction, uploaderId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`material_upload ${uploaderId}`}, 0))`);
}

/** Returns the number of a person's uploads that wait for a case, and their total bytes. */
export async function countWaiting(db: Reader, uploaderId: string): Promise<{ count: number; bytes: number }> {
  const [row] = await db
    .select({
      count: sql<number>`count(*)::int`,
      bytes: sql<number>`coalesce(sum(${materialFile.sizeBytes}), 0)::float8`,
    })
    .from(materialUpload)
    .innerJoin(materialFile, eq(materialFile.digest, materialUpload.digest))
    .where(and(eq(materialUpload.uploaderId, uploaderId), isNull(materialUpload.attachedAt)));
  return row ?? { count: 0, bytes: 0 };
}

/** Returns the total bytes that a person has uploaded since `since`, whatever became of the uploads. */
export async function sumUploaded(db: Reader, uploaderId: string, since: Date): Promise<number> {
  const [row] = await db
    .select({ bytes: sql<number>`coalesce(sum(${materialFile.sizeBytes}), 0)::float8` })
    .from(materialUpload)
    .innerJoin(materialFile, eq(materialFile.digest, materialUpload.digest))
    .where(and(eq(materialUpload.uploaderId, uploaderId), gt(materialUpload.uploadedAt, since)));
  return row?.bytes ?? 0;
}

export interface NewFile {
  digest: string;
  bytes: Uint8Array;
  mediaType: MediaType;
  state: Exclude<FileState, 'INFECTED'>;
  triedAt: Date;
}

/**
 * The driver writes bytes as hexadecimal text while nothing else runs. In one piece, a file of 20 MiB would hold this
 * process for a quarter of a second.
 */
const PIECE_BYTES = 2_097_152;

/**
 * Stores a file once, in pieces, and returns its resulting state.
 * A clean scan makes the file READY. If the scan was not possible, a known state does not change.
 */
export async function putFile(tx: Transaction, { bytes, ...facts }: NewFile): Promise<FileState> {
  const isClean = facts.state === 'READY';
  const [row] = await tx
    .insert(materialFile)
    .values({ ...facts, bytes: bytes.subarray(0, PIECE_BYTES), sizeBytes: bytes.length })
    .onConflictDoUpdate({
      target: materialFile.digest,
      // This writes even if nothing changes. It locks the row, so that the sweeper cannot delete it meanwhile.
      set: isClean
        ? { state: 'READY', bytes: sql`coalesce(${materialFile.bytes}, excluded.bytes)`, triedAt: facts.triedAt }
        : { triedAt: sql`${materialFile.triedAt}` },
    })
    .returning({ state: materialFile.state, storedBytes: sql<number | null>`octet_length(${materialFile.bytes})` });
  if (!row) throw new Error('no file kept');
  for (let at = row.storedBytes ?? bytes.length; at < bytes.length; at += PIECE_BYTES) {
    await tx
      .update(materialFile)
      .set({
        bytes: sql`${materialFile.bytes} || ${sql.param(bytes.subarray(at, at + PIECE_BYTES), materialFile.bytes)}`,
      })
      .where(eq(materialFile.digest, facts.digest));
  }
  return row.state;
}

export async function putUpload(
  tx: Transaction,
  upload: Omit<typeof materialUpload.$inferInsert, 'serial'>,
): Promise<void> {
  await tx.insert(materialUpload).values(upload);
}

export async function findUpload(db: Reader, id: string): Promise<Upload | null> {
  if (!isUuid(id)) return null;
  const [row] = await db
    .select(uploadColumns)
    .from(materialUpload)
    .innerJoin(materialFile, eq(materialFile.digest, materialUpload.digest))
    .where(eq(materialUpload.id, id));
  return row ?? null;
}

/** Returns an upload and locks its row. Nobody else can attach or discard it until the transaction ends. */
export async function lockUpload(tx: Transaction, id: string): Promise<Upload | null> {
  if (!isUuid(id)) return null;
  await tx.select({ id: materialUpload.id }).from(materialUpload).where(eq(materialUpload.id, id)).for('update');
  return findUpload(tx, id);
}

/** The order of `uploads`. */
export const UPLOAD_ORDER = bySerial('uploads', materialUpload.serial, 'DESC');

/** Returns a page of a person's uploads that wait for a case, newest first. */
export function listWaiting(db: Reader, uploaderId: string, page: KeysetRequest): Promise<Page<Upload>> {
  return selectPage(page, (keyset) =>
    db
      .select(uploadColumns)
      .from(materialUpload)
      .innerJoin(materialFile, eq(materialFile.digest, materialUpload.digest))
      .where(and(eq(materialUpload.uploaderId, uploaderId), isNull(materialUpload.attachedAt), keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

export async function deleteUpload(tx: Transaction, id: string): Promise<void> {
  await tx.delete(materialUpload).where(eq(materialUpload.id, id));
}

/**
 * Returns the bytes of a file, or null if it was found infected. Reads and checks it in pieces, as it is written.
 * Throws if it is not what its digest says.
 */
export async function readBytes(db: Reader, digest: string): Promise<Buffer | null> {
  const hash = createHash('sha256');
  let bytes = Buffer.alloc(0);
  for (let at = 0; at === 0 || at < bytes.length; at += PIECE_BYTES) {
    const [row] = await db
      .select({
        sizeBytes: materialFile.sizeBytes,
        piece: sql<Uint8Array | null>`substring(${materialFile.bytes} from ${at + 1} for ${PIECE_BYTES})`,
      })
      .from(materialFile)
      .where(eq(materialFile.digest, digest));
    if (!row?.piece) return null;
    if (at === 0) bytes = Buffer.alloc(row.sizeBytes);
    bytes.set(row.piece, at);
    hash.update(row.piece);
  }
  if (hash.digest('hex') !== digest) throw new Error(`file ${digest} is not what its digest says`);
  return bytes;
}

/** Returns files that wait for the scanner, the one with the oldest last attempt first. */
export async function listUnscanned(db: Reader, limit: number): Promise<{ digest: string; mediaType: MediaType }[]> {
  return db
    .select({ digest: materialFile.digest, mediaType: materialFile.mediaType })
    .from(materialFile)
    .where(eq(materialFile.state, 'PENDING_SCAN'))
    .orderBy(asc(materialFile.triedAt))
    .limit(limit);
}

/** Writes the result of a later scan. An infected file loses its bytes. A verdict that was written meanwhile stays. */
export async function recordScan(db: Database, digest: string, state: FileState, at: Date): Promise<void> {
  await db
    .update(materialFile)
    .set({ state, triedAt: at, ...(state === 'INFECTED' ? { bytes: null } : {}) })
    .where(and(eq(materialFile.digest, digest), eq(materialFile.state, 'PENDING_SCAN')));
}

/** Deletes uploads that have waited since before `before`, at most `limit` of them, and files without any upload. */
export async function deleteStaleUploads(tx: Transaction, before: Date, limit: number): Promise<void> {
  const expiredUploads = await tx
    .select({ id: materialUpload.id })
    .from(materialUpload)
    .where(and(isNull(materialUpload.attachedAt), lt(materialUpload.uploadedAt, before)))
    .limit(limit)
    .for('update', { skipLocked: true });
  if (expiredUploads.length > 0) {
    const ids = expiredUploads.map((row) => row.id);
    await tx.delete(materialUpload).where(and(inArray(materialUpload.id, ids), isNull(materialUpload.attachedAt)));
  }
  const isUnused = notExists(
    tx.select({ one: sql`1` }).from(materialUpload).where(eq(materialUpload.digest, materialFile.digest)),
  );
  const orphanedFiles = await tx
    .select({ digest: materialFile.digest })
    .from(materialFile)
    .where(isUnused)
    .limit(limit)
    .for('update', { skipLocked: true });
  if (orphanedFiles.length === 0) return;
  // The condition is checked again now that the rows are locked, because an upload may have arrived meanwhile.
  const digests = orphanedFiles.map((row) => row.digest);
  await tx.delete(materialFile).where(and(inArray(materialFile.digest, digests), isUnused));
}
