import type { Database, Reader } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import type { ReceiptRecord } from '../../kernel/sign.ts';
import { writeCheckpoint, writeProof } from '../../kernel/tlog/checkpoint.ts';
import { KEY_TYPES, type NoteKey, rawKeyOf, requireName, writeKey, writeSignature } from '../../kernel/tlog/note.ts';
import { isSame, proveConsistency, proveInclusion } from '../../kernel/tlog/tree.ts';
import type { Signer } from '../signer/signer.ts';
import { lockPki } from '../store.ts';
import { isSameReceipt, type LeafKind, ofReceipt } from './leaf.ts';
import { enterEarlier } from './ledger.ts';
import * as store from './store.ts';
import { frontierOf, grow, hashReader, rootOfFrontier } from './tile.ts';

/** What the log needs; nothing of it is read from the environment. */
export interface LogDependencies {
  db: Database;
  now: Clock;
  signer: Signer;
  /** The log's name, the first line of its checkpoints; never changed. */
  origin: string;
}

/** The id to which the log's key is bound. */
const KEY_ID = 'log';
/** Most leaves that get a place at once. */
export const BATCH = 4_096;

/** Makes the log's key and head where they are missing, and enters what earlier releases recorded. Throws where the log has another name. */
export async function prepareLog({ db, signer, origin }: LogDependencies): Promise<void> {
  requireName(origin);
  await db.transaction(async (tx) => {
    await lockPki(tx);
    await store.makeHead(tx);
    const key = await store.findKey(tx);
    if (key && key.origin !== origin) throw new Error(`the log is ${key.origin} and cannot become ${origin}`);
    if (!key) {
      const { publicKeyPem, encrypted } = await signer.generate({ keyId: KEY_ID, kind: 'Ed25519' });
      await store.insertKey(tx, { origin, publicKeyPem, encryptedKey: encrypted });
    }
    await store.lineUpLost(tx);
  });
  // Only before the first place is given: later, a use without a leaf is one that a hand put there, and must not be given one.
  if (((await store.findHead(db))?.size ?? 0) > 0) return;
  // Step by step: a long transaction would hold up whoever reads the feed of licenses.
  const enterSome = () =>
    db.transaction(async (tx) => {
      await lockPki(tx);
      return enterEarlier(tx);
    });
  while (await enterSome());
}

/** The key by which the log's checkpoints are verified. Throws where the log is not prepared. */
export async function readLogKey(db: Reader): Promise<NoteKey> {
  const key = await store.findKey(db);
  if (!key) throw new Error('the log is not prepared');
  return noteKeyOf(key);
}

function noteKeyOf({ origin, publicKeyPem }: store.KeyRow): NoteKey {
  return { name: origin, type: KEY_TYPES.log, publicKey: rawKeyOf(publicKeyPem) };
}

/**
 * Gives waiting leaves their places, in the order in which they were written, and signs the checkpoint of the tree that has them:
 * one transaction, and one at a time over all copies of the hub. The head moves only from where it was read, and a place, like a
 * checkpoint of a size, can be given once: two copies cannot fork the log. Gives the number of leaves.
 */
export async function sequence({ db, now, signer }: LogDependencies): Promise<number> {
  if (!(await store.isAnyPending(db))) return 0;
  return db.transaction(async (tx) => {
    const waiting = await store.lockWaiting(tx, BATCH);
    if (!waiting) return 0;
    const { pending, head, key } = waiting;
    if (!head || !key) throw new Error('the log is not prepared');
    if (pending.length === 0) return 0;
    const rows = frontierOf(head.size).map(({ level, start, count }) => store.listHashes(tx, level, start, count));
    const frontier = await Promise.all(rows);
    if (!isSame(rootOfFrontier(frontier), head.root)) throw new Error('the head of the log is not that of its leaves');
    const hashes = pending.map((leaf) => leaf.hash);
    const { root, made } = grow(frontier, head.size, hashes);
    const serials = pending.map((leaf) => leaf.serial);
    const next = { size: head.size + pending.length, root };
    const isMoved = await store.insertPlaces(tx, [head, next], serials, made);
    if (!isMoved) throw new Error('the head of the log was moved by somebody else');
    const text = writeCheckpoint({ origin: key.origin, ...next });
    const signature = await signer.checkpoint({ key: { keyId: KEY_ID, encrypted: key.encryptedKey }, text });
    const note = `${text}\n${writeSignature(noteKeyOf(key), signature)}`;
    await store.insertCheckpoint(tx, { ...next, note, at: now() });
    return pending.length;
  });
}

/** Whether something stands in the log, and why: see tlog-proof; the entry itself stands in the line `extra`. */
export type Proof = { state: 'UNKNOWN' } | { state: 'PENDING' } | { state: 'PROVEN'; text: string };

/** Proves that a leaf stands in the log, under the checkpoint that most of the witnesses signed, the newest of those. */
export async function proofOf(
  db: Reader,
  witnesses: readonly string[],
  kind: LeafKind,
  subject: string,
): Promise<Proof> {
  const leaf = await store.findLeaf(db, kind, subject);
  if (!leaf) return { state: 'UNKNOWN' };
  const { index, entry } = leaf;
  const best = index === null ? null : await bestCheckpoint(db, witnesses, index);
  if (index === null || !best) return { state: 'PENDING' };
  const hashes = await proveInclusion(readerOf(db), index, best.checkpoint.size);
  return { state: 'PROVEN', text: writeProof({ extra: Buffer.from(entry), index, hashes, checkpoint: best.note }) };
}

/** What evidence holds of the log: the proof of a use of a seal, and by which keys it is verified. */
export async function proveUse(
  { db, witnesses }: { db: Reader; witnesses: readonly string[] },
  issuanceId: string | null,
): Promise<{ log: string | null; logKeys: string[] }> {
  const proof = issuanceId === null ? null : await proofOf(db, witnesses, 'SEAL_USE', issuanceId);
  const logKeys = [writeKey(await readLogKey(db)), ...witnesses];
  return { log: proof?.state === 'PROVEN' ? proof.text : null, logKeys };
}

async function bestCheckpoint(db: Reader, witnesses: readonly string[], index: number) {
  const newest = await store.findNewestCheckpoint(db);
  if (!newest || newest.size <= index) return null;
  const cosigned = await store.listNewestCosigned(db, witnesses);
  const sizes = new Set(cosigned.map((one) => one.size).filter((size) => size > index));
  let [best, most] = [newest.size, 0];
  for (const size of [...sizes].sort((one, other) => other - one)) {
    const { length } = await store.listCosignatures(db, size, witnesses);
    if (length > most) [best, most] = [size, length];
  }
  return store.findSigned(db, best, witnesses);
}

/** Why the log of `size` leaves goes on from that of `oldSize`. */
export function proveGrowth(db: Reader, oldSize: number, size: number): Promise<Uint8Array[]> {
  return proveConsistency(readerOf(db), oldSize, size);
}

function readerOf(db: Reader) {
  return hashReader((level, start, count) => store.listHashes(db, level, start, count));
}

/**
 * Enters in the log what another system answered for what the hub handed it (回执). The same once again changes nothing;
 * throws where the log holds another receipt for the same.
 */
export async function recordReceipt({ db, now }: LogDependencies, receipt: ReceiptRecord): Promise<void> {
  const leaf = ofReceipt(receipt, now());
  if (await store.enterOnce(db, leaf)) return;
  const known = await store.findLeaf(db, leaf.kind, leaf.subject);
  if (!known || !isSameReceipt(known.entry, leaf.entry)) {
    throw new Error(`the log holds another receipt of ${leaf.subject}`);
  }
}
