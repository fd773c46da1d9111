import { and, asc, desc, eq, getTableColumns, gte, inArray, isNull, lt, max, notExists, sql } from 'drizzle-orm';
import type { Database, Reader, Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { UUID } from '../../kernel/identifier.ts';
import { cutPage, type Page, type PageRequest } from '../../kernel/page.ts';
import type { LicenseFact } from '../case.ts';
import { caseFile, licenseFact } from '../tables.ts';
import type { MediaType } from './file.ts';
import type { LicenseCheck, Material } from './material.ts';
import { caseMaterial, type FileState, materialFile, materialRead, materialUpload } from './tables.ts';

/** An upload with what is known of its file, without the bytes. */
export interface Upload {
  id: string;
  serial: number;
  digest: string;
  name: string;
  uploaderId: string;
  holderCode: string | null;
  uploadedAt: Date;
  attachedAt: Date | null;
  mediaType: MediaType;
  sizeBytes: number;
  state: FileState;
}

/** A material of a case with its file, where it has one. */
export type StoredMaterial = typeof caseMaterial.$inferSelect & {
  /** Of the case's applicant. */
  applicantCode: string;
  file: Pick<Upload, 'id' | 'name' | 'mediaType' | 'sizeBytes' | 'digest'> | null;
};

const uploadColumns = {
  id: materialUpload.id,
  serial: materialUpload.serial,
  digest: materialUpload.digest,
  name: materialUpload.name,
  uploaderId: materialUpload.uploaderId,
  holderCode: materialUpload.holderCode,
  uploadedAt: materialUpload.uploadedAt,
  attachedAt: materialUpload.attachedAt,
  mediaType: materialFile.mediaType,
  sizeBytes: materialFile.sizeBytes,
  state: materialFile.state,
};

function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Makes the uploads of one person wait for each other, so that two at once cannot both be the last that fits. */
export async function lockUploader(tx: Transaction, uploaderId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`material_upload ${uploaderId}`}, 0))`);
}

/** How many uploads of a person wait for a case, and how many bytes these are. */
export async function waitingOf(db: Reader, uploaderId: string): Promise<{ count: number; bytes: number }> {
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

export interface NewFile {
  digest: string;
  bytes: Uint8Array;
  mediaType: MediaType;
  state: Exclude<FileState, 'INFECTED'>;
  triedAt: Date;
}

/**
 * Keeps a file once, and gives the state that it then has. A clean scan settles what was open; one that could not be made
 * changes nothing that was known.
 */
export async function putFile(tx: Transaction, file: NewFile): Promise<FileState> {
  const settled = file.state === 'READY';
  const [row] = await tx
    .insert(materialFile)
    .values({ ...file, sizeBytes: file.bytes.length })
    .onConflictDoUpdate({
      target: materialFile.digest,
      // Written even where nothing changes: the row stays locked, and the sweeper cannot take it away meanwhile.
      set: settled
        ? { state: 'READY', bytes: file.bytes, triedAt: file.triedAt }
        : { triedAt: sql`${materialFile.triedAt}` },
    })
    .returning({ state: materialFile.state });
  if (!row) throw new Error('no file kept');
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

/** An upload whose row nobody else can attach or discard until the transaction ends. */
export async function lockUpload(tx: Transaction, id: string): Promise<Upload | null> {
  if (!isUuid(id)) return null;
  await tx.select({ id: materialUpload.id }).from(materialUpload).where(eq(materialUpload.id, id)).for('update');
  return findUpload(tx, id);
}

/** The uploads of a person that wait for a case, newest first. */
export async function listWaiting(db: Reader, uploaderId: string, page: PageRequest<number>): Promise<Page<Upload>> {
  const rows = await db
    .select(uploadColumns)
    .from(materialUpload)
    .innerJoin(materialFile, eq(materialFile.digest, materialUpload.digest))
    .where(
      and(
        eq(materialUpload.uploaderId, uploaderId),
        isNull(materialUpload.attachedAt),
        page.after === null ? undefined : lt(materialUpload.serial, page.after),
      ),
    )
    .orderBy(desc(materialUpload.serial))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

export async function deleteUpload(tx: Transaction, id: string): Promise<void> {
  await tx.delete(materialUpload).where(eq(materialUpload.id, id));
}

/** The bytes of a file, or null once it was found infected. */
export async function readBytes(db: Reader, digest: string): Promise<Uint8Array | null> {
  const [row] = await db
    .select({ bytes: materialFile.bytes })
    .from(materialFile)
    .where(eq(materialFile.digest, digest));
  return row?.bytes ?? null;
}

/** The case that an upload is part of, or null. */
export async function caseOfUpload(db: Reader, uploadId: string): Promise<string | null> {
  const [row] = await db
    .select({ caseId: caseMaterial.caseId })
    .from(caseMaterial)
    .where(eq(caseMaterial.uploadId, uploadId));
  return row?.caseId ?? null;
}

export async function addRead(
  db: Database,
  read: { uploadId: string; caseId: string; reader: Person; purpose: string; at: Date },
): Promise<void> {
  const { uploadId, caseId, reader, purpose, at } = read;
  await db
    .insert(materialRead)
    .values({ uploadId, caseId, readerId: reader.id, reader: reader.name, organ: reader.organ, purpose, at });
}

export type ReadRow = typeof materialRead.$inferSelect & { caseNumber: string; code: string };

export interface ReadFilter {
  person: string | null;
  caseId: string | null;
  /** Of whose people; null: of everybody's. */
  organ: string | null;
  /** From then on, and before then. */
  from: Date | null;
  to: Date | null;
}

/** Each time a file was read, newest first. */
export async function listReads(db: Reader, filter: ReadFilter, page: PageRequest<number>): Promise<Page<ReadRow>> {
  const { person, caseId, organ, from, to } = filter;
  const rows = await db
    .select({ ...getTableColumns(materialRead), caseNumber: caseFile.number, code: caseMaterial.code })
    .from(materialRead)
    .innerJoin(caseFile, eq(caseFile.id, materialRead.caseId))
    .innerJoin(caseMaterial, eq(caseMaterial.uploadId, materialRead.uploadId))
    .where(
      and(
        person === null ? undefined : eq(materialRead.readerId, person),
        caseId === null ? undefined : eq(sql`${materialRead.caseId}::text`, caseId),
        organ === null ? undefined : eq(materialRead.organ, organ),
        from === null ? undefined : gte(materialRead.at, from),
        to === null ? undefined : lt(materialRead.at, to),
        page.after === null ? undefined : lt(materialRead.serial, page.after),
      ),
    )
    .orderBy(desc(materialRead.serial))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

/** What was handed in with each of the cases, in the order it was. */
export async function listMaterials(db: Reader, caseIds: readonly string[]): Promise<StoredMaterial[]> {
  if (caseIds.length === 0) return [];
  const rows = await db
    .select({
      material: caseMaterial,
      applicantCode: caseFile.applicantCode,
      upload: { id: materialUpload.id, name: materialUpload.name, digest: materialUpload.digest },
      file: { mediaType: materialFile.mediaType, sizeBytes: materialFile.sizeBytes },
    })
    .from(caseMaterial)
    .innerJoin(caseFile, eq(caseFile.id, caseMaterial.caseId))
    .leftJoin(materialUpload, eq(materialUpload.id, caseMaterial.uploadId))
    .leftJoin(materialFile, eq(materialFile.digest, materialUpload.digest))
    .where(inArray(caseMaterial.caseId, [...caseIds]))
    .orderBy(asc(caseMaterial.caseId), asc(caseMaterial.seq));
  return rows.map(({ material, applicantCode, upload, file }) => ({
    ...material,
    applicantCode,
    file: upload && file ? { ...upload, ...file } : null,
  }));
}

export interface NewMaterial {
  material: Material;
  check: LicenseCheck | null;
}

/** Adds materials to a case whose row the caller holds, and marks their uploads as attached. */
export async function addMaterials(
  tx: Transaction,
  caseId: string,
  added: readonly NewMaterial[],
  by: { actor: Person; at: Date },
): Promise<void> {
  if (added.length === 0) return;
  const [newest] = await tx
    .select({ seq: max(caseMaterial.seq) })
    .from(caseMaterial)
    .where(eq(caseMaterial.caseId, caseId));
  const { actor, at } = by;
  const rows = added.map(({ material, check }, i) => ({
    caseId,
    seq: (newest?.seq ?? 0) + 1 + i,
    code: material.code,
    name: material.name,
    form: material.asked?.form ?? null,
    kind: material.kind,
    uploadId: material.kind === 'UPLOAD' ? material.upload : null,
    licenseIdentifier: material.kind === 'LICENSE' ? material.license : null,
    licenseVersion: check?.version ?? null,
    licenseState: check?.state ?? null,
    copies: material.kind === 'PAPER' ? material.copies : null,
    addedAt: at,
    actorId: actor.id,
    actor: actor.name,
    organ: actor.organ,
  }));
  const uploads = rows.map((row) => row.uploadId).filter((id) => id !== null);
  if (uploads.length > 0) {
    await tx.update(materialUpload).set({ attachedAt: at }).where(inArray(materialUpload.id, uploads));
  }
  await tx.insert(caseMaterial).values(rows);
}

/** Licenses by number, as their newest event tells them. */
export async function findLicenses(db: Reader, numbers: readonly string[]): Promise<Map<string, LicenseFact>> {
  if (numbers.length === 0) return new Map();
  const rows = await db
    .select()
    .from(licenseFact)
    .where(inArray(licenseFact.number, [...numbers]));
  return new Map(rows.map((row) => [row.number, row.fact]));
}

/** Files that wait for the scanner, the one that has waited longest since its last attempt first. */
export async function listUnscanned(db: Reader, most: number): Promise<{ digest: string; mediaType: MediaType }[]> {
  return db
    .select({ digest: materialFile.digest, mediaType: materialFile.mediaType })
    .from(materialFile)
    .where(eq(materialFile.state, 'PENDING_SCAN'))
    .orderBy(asc(materialFile.triedAt))
    .limit(most);
}

/** Writes what a later scan said; an infected file loses its bytes. A verdict that came meanwhile stays. */
export async function settleFile(db: Database, digest: string, state: FileState, at: Date): Promise<void> {
  await db
    .update(materialFile)
    .set({ state, triedAt: at, ...(state === 'INFECTED' ? { bytes: null } : {}) })
    .where(and(eq(materialFile.digest, digest), eq(materialFile.state, 'PENDING_SCAN')));
}

/** Deletes uploads that have waited since before `before`, at most `most` of them, and files that nothing refers to any more. */
export async function sweep(tx: Transaction, before: Date, most: number): Promise<void> {
  const expired = await tx
    .select({ id: materialUpload.id })
    .from(materialUpload)
    .where(and(isNull(materialUpload.attachedAt), lt(materialUpload.uploadedAt, before)))
    .limit(most)
    .for('update', { skipLocked: true });
  if (expired.length > 0) {
    const ids = expired.map((row) => row.id);
    await tx.delete(materialUpload).where(and(inArray(materialUpload.id, ids), isNull(materialUpload.attachedAt)));
  }
  const unused = notExists(
    tx.select({ one: sql`1` }).from(materialUpload).where(eq(materialUpload.digest, materialFile.digest)),
  );
  const orphans = await tx
    .select({ digest: materialFile.digest })
    .from(materialFile)
    .where(unused)
    .limit(most)
    .for('update', { skipLocked: true });
  if (orphans.length === 0) return;
  // Asked again now that the rows are held: an upload that came meanwhile has to be seen.
  const digests = orphans.map((row) => row.digest);
  await tx.delete(materialFile).where(and(inArray(materialFile.digest, digests), unused));
}
