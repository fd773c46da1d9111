import { type Database, transact } from '../../../../db/client.ts';
import type { Actor, Person } from '../../../kernel/actor.ts';
import type { Clock } from '../../../kernel/day.ts';
import type { Parse } from '../../../kernel/foreign/pool.ts';
import { type Loop, runItems, startLoop } from '../../../kernel/loop.ts';
import { requireAllowed } from '../../../kernel/policy.ts';
import { Refusal } from '../../../kernel/refusal.ts';
import type { PARSERS } from '../../parsers.ts';
import { type IntakeLimits, startOfIntake } from '../../reception/intake.ts';
import { MATERIAL_POLICY } from '../policy.ts';
import { requireFileName, requireMatchingType, withEnding } from './file.ts';
import { askScanner, type Scan } from './scan-client.ts';
import {
  countWaiting,
  deleteStaleUploads,
  deleteUpload,
  findUpload,
  listUnscanned,
  lockUpload,
  lockUploader,
  putFile,
  putUpload,
  readBytes,
  recordScan,
  sumUploaded,
  type Upload,
} from './store.ts';

export interface MaterialDependencies {
  db: Database;
  now: Clock;
  /** The office's scanner, or null if none is connected. */
  scan: Scan | null;
  parse: Parse<typeof PARSERS>;
  intake: IntakeLimits;
  /** Certificates of authorities whose signatures on files are trusted, PEM. */
  signatureAnchors?: readonly string[] | undefined;
}

/** Most uploads of one person that may wait for a case, and their total bytes. */
export const MAX_WAITING_UPLOADS = 50;
export const MAX_WAITING_BYTES = 200 * 1_048_576;
/** An upload that does not become part of a case is deleted after this many days. */
export const UPLOAD_LIFE_DAYS = 30;
const DAY_MS = 86_400_000;

/** Returns when an upload that still waits is deleted. */
export function expiryOf(uploadedAt: Date): Date {
  return new Date(uploadedAt.getTime() + UPLOAD_LIFE_DAYS * DAY_MS);
}

/** A file as its sender describes it. */
export interface SentFile {
  name: string;
  /** The content type it was sent with, or null. */
  contentType: string | null;
  bytes: Uint8Array;
  /** SHA-256 of the bytes, hex. */
  digest: string;
}

/**
 * Takes in a file (上传材料). A refused file is not stored.
 * Refuses ROLE_NOT_ALLOWED, FIELD_TOO_LONG, FIELD_MALFORMED, FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED,
 * FILE_TYPE_MISMATCH, FILE_BROKEN, FILE_TOO_COMPLEX, FILE_ENCRYPTED, FILE_INFECTED, UPLOADS_TOO_MANY,
 * UPLOADS_OF_DAY_TOO_LARGE.
 * Throws an Overload if examining the file takes too long.
 */
export async function receiveUpload(
  { db, now, scan, parse, intake, signatureAnchors: anchors = [] }: MaterialDependencies,
  actor: Actor,
  file: SentFile,
): Promise<Upload> {
  const uploader = requireAllowed(MATERIAL_POLICY.receiveUpload, null, actor);
  const { bytes, digest, contentType } = file;
  requireFileName(file.name);
  const mediaType = await parse('examineFile', bytes);
  requireMatchingType(mediaType, contentType, file.name);
  const scanResult = await askScanner(scan, bytes, { mediaType, digest });
  if (scanResult.verdict === 'INFECTED') throw new Refusal('FILE_INFECTED', null, scanResult.reason);
  const state = scanResult.verdict === 'CLEAN' ? 'READY' : 'PENDING_SCAN';
  const at = now();
  const signature = await parse('judgeSignature', { bytes, mediaType, anchors, at });
  return db.transaction(async (tx) => {
    await lockUploader(tx, uploader.id);
    const waitingUploads = await countWaiting(tx, uploader.id);
    if (waitingUploads.count >= MAX_WAITING_UPLOADS || waitingUploads.bytes + bytes.length > MAX_WAITING_BYTES) {
      throw new Refusal('UPLOADS_TOO_MANY');
    }
    const dayBytes = uploader.holderCode === null ? intake.staffUploadBytes : intake.applicantUploadBytes;
    if ((await sumUploaded(tx, uploader.id, startOfIntake(at))) + bytes.length > dayBytes) {
      throw new Refusal('UPLOADS_OF_DAY_TOO_LARGE');
    }
    const storedState = await putFile(tx, { digest, bytes, mediaType, state, triedAt: at });
    if (storedState === 'INFECTED') throw new Refusal('FILE_INFECTED');
    const id = crypto.randomUUID();
    const name = withEnding(file.name, mediaType);
    const { holderCode } = uploader;
    await putUpload(tx, { id, digest, name, uploaderId: uploader.id, holderCode, uploadedAt: at, signature });
    const upload = await findUpload(tx, id);
    if (!upload) throw new Error('no upload kept');
    return upload;
  });
}

/** Discards an upload that waits for a case. Only its uploader may do this. Refuses UPLOAD_UNKNOWN. */
export function discardUpload(
  { db }: MaterialDependencies,
  actor: Person,
  id: string,
  dryRun: boolean,
): Promise<Upload> {
  return transact(db, dryRun, async (tx) => {
    const upload = await lockUpload(tx, id);
    requireAllowed(MATERIAL_POLICY.discardUpload, upload, actor);
    if (!upload) throw new Refusal('UPLOAD_UNKNOWN', 'upload');
    await deleteUpload(tx, id);
    return upload;
  });
}

/** Most files that one poll scans again, and most uploads that it deletes. */
const MAX_KEEPER_BATCH = 8;
/** Most files that are with the scanner at the same time. */
const MAX_RUNNING_SCANS = 3;

/**
 * Scans files that wait, and deletes uploads that nobody handed in. A file on which the scanner hangs delays no other:
 * the turn ends when the scanner has not judged several files in a row.
 */
async function keepUploads(
  { db, now, scan }: MaterialDependencies,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  let unavailableCount = 0;
  const scanFile = async ({ digest, mediaType }: Awaited<ReturnType<typeof listUnscanned>>[number]) => {
    if (unavailableCount >= MAX_RUNNING_SCANS) return;
    const bytes = await readBytes(db, digest);
    if (!bytes) return;
    const { verdict } = await askScanner(scan, bytes, { mediaType, digest });
    const state = verdict === 'CLEAN' ? 'READY' : verdict === 'INFECTED' ? 'INFECTED' : 'PENDING_SCAN';
    unavailableCount = verdict === 'UNAVAILABLE' ? unavailableCount + 1 : 0;
    await recordScan(db, digest, state, now());
  };
  const unscanned = await listUnscanned(db, MAX_KEEPER_BATCH);
  await runItems(unscanned, scanFile, { limit: MAX_RUNNING_SCANS, onError, signal });
  await db.transaction((tx) =>
    deleteStaleUploads(tx, new Date(now().getTime() - UPLOAD_LIFE_DAYS * DAY_MS), MAX_KEEPER_BATCH),
  );
}

const KEEPER_POLL_MS = 5_000;
const MAX_KEEPER_PAUSE_MS = 60_000;

/** Runs `keepUploads` periodically. */
export function startKeeper(
  dependencies: MaterialDependencies,
  onError: (error: unknown) => void,
  pollMs = KEEPER_POLL_MS,
): Loop {
  const keep = (signal: AbortSignal) => keepUploads(dependencies, onError, signal).then(() => false);
  return startLoop(keep, { pollMs, maxPauseMs: MAX_KEEPER_PAUSE_MS, isDelayed: true, onError });
}
