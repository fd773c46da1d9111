import { type Reader, type Transaction, transact } from '../../../db/client.ts';
import { hasRole, type Person } from '../../kernel/actor.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import type { GuideFact } from '../../kernel/events/guide-fact.ts';
import type { StatedPurpose } from '../../kernel/privacy/purpose.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { RefusalCollector } from '../../kernel/refusals/collector.ts';
import { findNamedLicenses } from '../fact/store.ts';
import { findVisibleCase, recordReading } from '../reading/workflow.ts';
import {
  checkMaterials,
  licenseFault,
  MAX_CASE_BYTES,
  MAX_MATERIALS,
  type Material,
  requireFormat,
  requireLicenseMaterial,
  type SubmittedMaterial,
} from './material.ts';
import * as store from './store.ts';
import { MEDIA_TYPES } from './upload/file.ts';
import { findUpload, lockUpload, readBytes, type Upload } from './upload/store.ts';
import type { MaterialDependencies } from './upload/workflow.ts';

/**
 * Returns the file of an upload, or null if there is none that `actor` may see.
 * Before the upload is attached only its uploader may see it, afterwards whoever may see the case.
 * Everybody but the applicant must state a purpose (用途). The reading is committed before the file is returned.
 * Refuses what `requirePurpose` refuses, FILE_NOT_SCANNED, FILE_INFECTED, to those who may see it.
 */
export function openFile(
  { db, now }: MaterialDependencies,
  actor: Person,
  { id, stated, dryRun }: { id: string; stated: StatedPurpose; dryRun: boolean },
): Promise<{ upload: Upload; bytes: Uint8Array } | null> {
  return transact(db, dryRun, async (tx) => {
    const upload = await findUpload(tx, id);
    if (!upload) return null;
    const caseId = upload.attachedAt === null ? null : await store.caseOfUpload(tx, id);
    const at = now();
    const storedCase = caseId === null ? null : await findVisibleCase(tx, actor, caseId, at);
    if (!storedCase && (caseId !== null || upload.uploaderId !== actor.id)) return null;
    if (storedCase) {
      await recordReading(tx, actor, storedCase, stated, { object: 'MATERIAL', objectId: id, at });
    }
    if (upload.state === 'PENDING_SCAN') throw new Refusal('FILE_NOT_SCANNED');
    const bytes = upload.state === 'READY' ? await readBytes(tx, upload.digest) : null;
    if (!bytes) throw new Refusal('FILE_INFECTED');
    return { upload, bytes };
  });
}

export interface HandIn {
  /** The case, or null for one that is about to be opened. */
  caseId: string | null;
  applicantCode: string;
  actor: Person;
  /** The guide that lists what may be handed in, or null if the matter has none. */
  guide: GuideFact | null;
  submitted: readonly SubmittedMaterial[];
  at: Date;
}

/**
 * Checks materials that are handed in, and returns what `addMaterials` stores with the case. Must be called in a
 * transaction that holds the case, or opens it. Locks the uploads.
 * Refuses what `requireMaterials` and `requireLicenseMaterial` refuse, and UPLOAD_UNKNOWN, FILE_NOT_SCANNED,
 * FILE_INFECTED, MATERIAL_FORMAT, MATERIALS_TOO_LARGE.
 */
export async function prepareMaterials(tx: Transaction, handIn: HandIn): Promise<store.NewMaterial[]> {
  const { caseId, applicantCode, actor, guide, submitted, at } = handIn;
  if (submitted.length === 0) return [];
  const earlierMaterials = caseId === null ? [] : await store.listMaterials(tx, [caseId]);
  if (earlierMaterials.length + submitted.length > MAX_MATERIALS) {
    throw new Refusal('FIELD_TOO_LONG', 'materials', `最多 ${MAX_MATERIALS} 项`);
  }
  const faults = new RefusalCollector();
  const materials = checkMaterials(guide, submitted, hasRole(actor, 'WINDOW_CLERK'), faults);
  let bytes = earlierMaterials.reduce((sum, { file }) => sum + (file?.sizeBytes ?? 0), 0);
  const licenses = await createLicenseFinder(
    tx,
    materials.map((material) => (material?.kind === 'LICENSE' ? material.license : null)),
  );
  const newMaterials: store.NewMaterial[] = [];
  // Lock uploads in one fixed order, so that two requests with the same uploads cannot deadlock.
  for (const [i, material] of [...materials.entries()].sort(([, a], [, b]) => byUpload(a, b))) {
    if (material?.kind !== 'UPLOAD') continue;
    const place = { actor, applicantCode, field: `materials[${i}].upload` };
    const upload = await faults.checkLater(() => lockOwnUpload(tx, material.upload, place), null);
    if (upload === null) continue;
    bytes += upload.sizeBytes;
    faults.check(() => requireFormat(material, MEDIA_TYPES[upload.mediaType].format, place.field), null);
  }
  if (bytes > MAX_CASE_BYTES) faults.add(new Refusal('MATERIALS_TOO_LARGE', 'materials'));
  for (const [i, material] of materials.entries()) {
    if (material === null) continue;
    const requireLicense = (named: Extract<Material, { kind: 'LICENSE' }>) =>
      requireLicenseMaterial(named, licenses(named.license), applicantCode, dayOf(at), `materials[${i}].license`);
    const check = material.kind === 'LICENSE' ? faults.check(() => requireLicense(material), null) : null;
    newMaterials.push({ material, check });
  }
  faults.settle();
  return newMaterials;
}

function byUpload(a: Material | null, b: Material | null): number {
  if (a?.kind !== 'UPLOAD' || b?.kind !== 'UPLOAD') return 0;
  return a.upload < b.upload ? -1 : Number(a.upload > b.upload);
}

/** Locks and returns an upload of the actor or of the case's applicant. */
async function lockOwnUpload(
  tx: Transaction,
  id: string,
  { actor, applicantCode, field }: { actor: Person; applicantCode: string; field: string },
): Promise<Upload> {
  const upload = await lockUpload(tx, id);
  const isOwn = upload !== null && (upload.uploaderId === actor.id || upload.holderCode === applicantCode);
  if (!isOwn || upload.attachedAt !== null) throw new Refusal('UPLOAD_UNKNOWN', field);
  if (upload.state === 'PENDING_SCAN') throw new Refusal('FILE_NOT_SCANNED', field, upload.name);
  if (upload.state === 'INFECTED') throw new Refusal('FILE_INFECTED', field, upload.name);
  return upload;
}

/** Returns a function that finds the newest fact of a license by the identifier of any of its versions. */
async function createLicenseFinder(db: Reader, identifiers: readonly (string | null)[]) {
  const licenses = await findNamedLicenses(
    db,
    identifiers.filter((identifier) => identifier !== null),
  );
  return (identifier: string) => licenses.get(identifier) ?? null;
}

/** A material of a case as it is shown. */
export interface ShownMaterial extends store.StoredMaterial {
  /** Whether a later material with the same code replaces it. */
  superseded: boolean;
  /** For a license: why it can no longer replace the material today, or null if it still can. */
  fault: ReturnType<typeof licenseFault>;
}

/** Returns the materials of each case in the order handed in. Runs two queries for any number of cases. */
export async function listShownMaterials(
  db: Reader,
  caseIds: readonly string[],
  today: Day,
): Promise<Map<string, ShownMaterial[]>> {
  const rows = await store.listMaterials(db, caseIds);
  const licenses = await createLicenseFinder(
    db,
    rows.map((row) => row.licenseIdentifier),
  );
  const newest = new Map(rows.map((row) => [`${row.caseId} ${row.code}`, row.seq]));
  const shownMaterials = rows.map((row) => {
    const { licenseIdentifier: identifier, applicantCode } = row;
    const fault = identifier === null ? null : licenseFault(licenses(identifier), { identifier, applicantCode, today });
    return { ...row, superseded: newest.get(`${row.caseId} ${row.code}`) !== row.seq, fault };
  });
  return Map.groupBy(shownMaterials, (row) => row.caseId);
}

/**
 * Returns the licenses of a case that can no longer replace a material: unknown, transferred, or not in force.
 * A license that has a newer version still can.
 */
async function findInvalidLicenses(tx: Reader, caseId: string, today: Day): Promise<ShownMaterial[]> {
  const materials = (await listShownMaterials(tx, [caseId], today)).get(caseId) ?? [];
  return materials.filter(({ superseded, fault }) => !superseded && fault !== null && fault !== 'LICENSE_NOT_CURRENT');
}

/** Refuses MATERIAL_NO_LONGER_GOOD with the name of each license of a case that can no longer replace a material. */
export async function requireValidLicenses(tx: Transaction, caseId: string, today: Day): Promise<void> {
  const invalidLicenses = await findInvalidLicenses(tx, caseId, today);
  if (invalidLicenses.length === 0) return;
  throw new Refusal('MATERIAL_NO_LONGER_GOOD', null, invalidLicenses.map(({ name }) => name).join('、'));
}
