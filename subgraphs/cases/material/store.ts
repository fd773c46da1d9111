import { asc, eq, inArray, max } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { caseFile } from '../tables.ts';
import type { LicenseCheck, Material } from './material.ts';
import { caseMaterial, materialFile, materialUpload } from './tables.ts';
import type { Upload } from './upload/store.ts';

/** A material of a case, with its file if it has one. */
export type StoredMaterial = typeof caseMaterial.$inferSelect & {
  /** Of the case's applicant. */
  applicantCode: string;
  file: Pick<Upload, 'id' | 'name' | 'mediaType' | 'sizeBytes' | 'digest' | 'signature'> | null;
};

/** Returns the id of the case that an upload is part of, or null. */
export async function caseOfUpload(db: Reader, uploadId: string): Promise<string | null> {
  const [row] = await db
    .select({ caseId: caseMaterial.caseId })
    .from(caseMaterial)
    .where(eq(caseMaterial.uploadId, uploadId));
  return row?.caseId ?? null;
}

/** Returns the code of the material as which each of these uploads was handed in. */
export async function findMaterialCodes(db: Reader, uploadIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ uploadId: caseMaterial.uploadId, code: caseMaterial.code })
    .from(caseMaterial)
    .where(inArray(caseMaterial.uploadId, [...uploadIds]));
  return new Map(rows.map(({ uploadId, code }) => [uploadId ?? '', code]));
}

/** Returns the materials of the cases, in the order in which they were handed in. */
export async function listMaterials(db: Reader, caseIds: readonly string[]): Promise<StoredMaterial[]> {
  if (caseIds.length === 0) return [];
  const rows = await db
    .select({
      material: caseMaterial,
      applicantCode: caseFile.applicantCode,
      upload: {
        ...{ id: materialUpload.id, name: materialUpload.name, digest: materialUpload.digest },
        signature: materialUpload.signature,
      },
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

/** Adds materials to a case and marks their uploads as attached. The caller must hold the lock on the case's row. */
export async function addMaterials(
  tx: Transaction,
  caseId: string,
  newMaterials: readonly NewMaterial[],
  author: { actor: Person; at: Date },
): Promise<void> {
  if (newMaterials.length === 0) return;
  const [newestRow] = await tx
    .select({ seq: max(caseMaterial.seq) })
    .from(caseMaterial)
    .where(eq(caseMaterial.caseId, caseId));
  const { actor, at } = author;
  const rows = newMaterials.map(({ material, check }, i) => ({
    caseId,
    seq: (newestRow?.seq ?? 0) + 1 + i,
    code: material.code,
    name: material.name,
    form: material.requirement?.form ?? null,
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
