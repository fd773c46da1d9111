import type { Transaction } from '../../../db/client.ts';
import { dayOf } from '../../kernel/day.ts';
import type { Parse } from '../../kernel/foreign/pool.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { SignatureVerdict } from '../material/signature/verdict.ts';
import { caseOfUpload } from '../material/store.ts';
import { findUpload, readBytes, type Upload } from '../material/upload/store.ts';
import { listShownMaterials, type ShownMaterial } from '../material/workflow.ts';
import type { PARSERS } from '../parsers.ts';
import { recordReading } from '../reading/workflow.ts';
import { act, type WorkflowDependencies } from '../workflow.ts';
import { deriveLinkKey, type FileLink, LINK_SECONDS, readFileLink, writeFileLink } from './file-link.ts';
import { type MaterialsMessage, personOf } from './message.ts';
import { type Platform, requireAtOrgan } from './platform.ts';
import * as store from './store.ts';

/** Materials of a case for the platform of the organ that decides it (protocol 2): a list, and files by links. */

type FileDependencies = WorkflowDependencies & { parse: Parse<typeof PARSERS> };

/** A material as the hub lists it. */
export interface ListedMaterial {
  code: string;
  name: string;
  kind: ShownMaterial['kind'];
  form: ShownMaterial['form'];
  copies: number | null;
  /** Identifier of the electronic license that replaces it (免提交), or null. */
  license: string | null;
  /** Whether a later material with the same code replaces it. */
  superseded: boolean;
  addedAt: string;
  file: ListedFile | null;
}

interface ListedFile {
  name: string;
  mediaType: string;
  sizeBytes: number;
  /** SHA-256, hex. */
  digest: string;
  /** The verdict on the signature in it, or null for a format without one. */
  signature: SignatureVerdict | null;
  /** Serves until `until`. */
  url: string;
  until: string;
}

/** Lists the materials of a case that is with the platform's organ, each file with a link. */
export async function listMaterialsFor(
  tx: Transaction,
  { publicUrl, derivationKey }: Pick<WorkflowDependencies, 'publicUrl' | 'derivationKey'>,
  platform: Platform,
  { id: messageId }: MaterialsMessage,
  { caseId, at }: { caseId: string; at: Date },
): Promise<ListedMaterial[]> {
  const materials = (await listShownMaterials(tx, [caseId], dayOf(at))).get(caseId) ?? [];
  const key = deriveLinkKey(derivationKey);
  const until = Math.floor(at.getTime() / 1000) + LINK_SECONDS;
  const base = publicUrl.replace(/(?<!\/)\/+$/, '');
  const toFile = ({ id, name, mediaType, sizeBytes, digest, signature }: NonNullable<ShownMaterial['file']>) => {
    const path = writeFileLink(key, { platformId: platform.id, messageId, upload: id, until });
    const time = new Date(until * 1000).toISOString();
    const verdict = signature?.verdict ?? null;
    return { name, mediaType, sizeBytes, digest, signature: verdict, url: `${base}${path}`, until: time };
  };
  return materials.map(({ code, name, kind, form, copies, superseded, addedAt, licenseIdentifier, file }) => {
    const listed = { code, name, kind, form, copies, license: licenseIdentifier, superseded };
    return { ...listed, addedAt: addedAt.toISOString(), file: file && toFile(file) };
  });
}

/**
 * Returns the file of a link, or null if the link does not serve. The case must still be with the platform's organ, and
 * the platform registered. The reading is committed before the file is returned: person and purpose are those of the
 * message that asked for the list.
 * Refuses what `requireAtOrgan` and `requirePurpose` refuse, FILE_INFECTED.
 */
export async function openListedFile(
  deps: FileDependencies,
  upload: string,
  query: Readonly<Record<string, unknown>>,
): Promise<{ upload: Upload; bytes: Uint8Array } | null> {
  const link = readFileLink(deriveLinkKey(deps.derivationKey), upload, query, deps.now());
  const stored = link && (await store.findMessage(deps.db, link.platformId, link.messageId));
  if (!link || stored?.verdict !== 'DONE') return null;
  const message = await deps.parse('parseMessageV2', stored.raw);
  if (message.type !== 'MATERIALS') return null;
  return deps.db.transaction((tx) => readListedFile(tx, deps, link, message));
}

async function readListedFile(
  tx: Transaction,
  deps: FileDependencies,
  { platformId, upload: uploadId }: FileLink,
  message: MaterialsMessage,
): Promise<{ upload: Upload; bytes: Uint8Array } | null> {
  const platform = (await store.holdPlatform(tx, platformId)) ? await store.findPlatform(tx, platformId) : null;
  const caseId = await store.findCaseId(tx, message.caseNumber);
  if (!platform || caseId === null || (await caseOfUpload(tx, uploadId)) !== caseId) return null;
  const actor = personOf(platform.id, platform.organ, message);
  const stated = { purpose: message.purpose, remark: null };
  await act({ ...deps, db: tx }, { actor, id: caseId, dryRun: false }, async (inner, subject, at) => {
    requireAtOrgan(subject, platform.organ);
    await recordReading(inner, actor, { subject }, stated, { object: 'MATERIAL', objectId: uploadId, at });
    return subject;
  });
  const upload = await findUpload(tx, uploadId);
  const bytes = upload?.state === 'READY' ? await readBytes(tx, upload.digest) : null;
  if (!upload || !bytes) throw new Refusal('FILE_INFECTED');
  return { upload, bytes };
}
