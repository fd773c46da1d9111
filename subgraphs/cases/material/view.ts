import { type Actor, hasRole } from '../../kernel/actor.ts';
import type { ReadingRow } from '../../kernel/privacy/reading-store.ts';
import type { FileSignature } from './signature/verdict.ts';
import type { Upload } from './upload/store.ts';
import { expiryOf } from './upload/workflow.ts';
import type { ShownMaterial } from './workflow.ts';

/** Returns the path of a file, below the hub's address. */
export function fileUrl(id: string): string {
  return `/cases/materials/${id}`;
}

/** Returns a verdict with its times. */
function viewSignature(signature: FileSignature | null) {
  if (signature === null) return null;
  const { validUntil, judgedAt } = signature;
  const end = validUntil === null ? null : new Date(validUntil);
  return { ...signature, validUntil: end, judgedAt: new Date(judgedAt) };
}

/** The parent value of Upload resolvers. @public by codegen.ts */
export type UploadView = ReturnType<typeof viewUpload>;

/** Returns an upload as its owner sees it. */
export function viewUpload(upload: Upload) {
  const { id, name, mediaType, sizeBytes, digest, state, uploadedAt, signature } = upload;
  const expiresAt = expiryOf(uploadedAt);
  const times = { uploadedAt, expiresAt };
  return {
    id,
    name,
    mediaType,
    sizeBytes,
    digest,
    state,
    ...times,
    url: fileUrl(id),
    signature: viewSignature(signature),
  };
}

/** The parent value of MaterialFile resolvers. @public by codegen.ts */
export type FileView = ReturnType<typeof viewFile>;

/** Returns the file of a material that is part of a case. */
export function viewFile({ id, name, mediaType, sizeBytes, digest, signature }: NonNullable<ShownMaterial['file']>) {
  return { id, name, mediaType, sizeBytes, digest, url: fileUrl(id), signature: viewSignature(signature) };
}

/** The parent value of CaseMaterial resolvers. @public by codegen.ts */
export type MaterialView = ReturnType<typeof viewMaterial>;

/** Returns a material as `actor` may see it. */
export function viewMaterial(material: ShownMaterial, actor: Actor) {
  const { code, name, kind, form, copies, superseded, file, addedAt } = material;
  const isOwn = actor.kind === 'person' && actor.holderCode === material.applicantCode;
  const identifier = material.licenseIdentifier;
  return {
    code,
    name,
    kind,
    form,
    copies,
    superseded,
    file: file && viewFile(file),
    license: identifier === null ? null : { identifier },
    checked:
      material.licenseState === null || material.licenseVersion === null
        ? null
        : {
            version: material.licenseVersion,
            state: material.licenseState,
            at: addedAt,
            stillGood: material.fault === null,
          },
    addedAt,
    organ: material.organ,
    // The applicant sees that an office added it. Only offices see the names of its staff.
    addedBy: isOwn && !hasRole(actor, 'AUDITOR') && material.organ !== null ? '经办人员' : material.actor,
  };
}

/** The parent value of MaterialRead resolvers. @public by codegen.ts */
export type ReadView = ReturnType<typeof viewRead>;

/** Returns a reading of a material. Its remark holds the purpose in words where an earlier release took it. */
export function viewRead(row: ReadingRow, code: string) {
  const { serial, objectId, subject, number, readerId, reader, organ, purpose, remark, at } = row;
  return {
    id: String(serial),
    file: objectId,
    code,
    caseId: subject,
    caseNumber: number,
    readerId,
    reader,
    organ: organ === null ? null : { id: organ },
    purpose,
    remark,
    at,
  };
}
