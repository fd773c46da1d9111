import type { Database, Reader } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import type { ReceiptRecord } from '../../kernel/sealing/sign.ts';
import { writeCheckpoint, writeProof } from '../../kernel/tlog/checkpoint.ts';
import { KEY_TYPES, type NoteKey, readRawKey, requireName, writeKey, writeSignature } from '../../kernel/tlog/note.ts';
import { isSame, proveConsistency, proveInclusion } from '../../kernel/tlog/tree.ts';
import { lockPki } from '../certification/authority-store.ts';
import type { Signer } from '../signer/signer.ts';

import { buildReceiptLeaf, buildVerifierLeaf, isSameReceipt, type LeafKind, type VerifierFile } from './leaf.ts';
import { addEarlierLeaves } from './ledger-store.ts';
import * as store from './store.ts';
import { createHashReader, growTree, listFrontierRows, rootOfFrontier } from './tile.ts';

/** Dependencies of the log. It reads nothing from the environment. */
export interface LogDependencies {
  db: Database;
  now: Clock;
  signer: Signer;
  /** The log's name: the first line of its checkpoints. It cannot change. */
  origin: string;
}

/** The id to which the log's key is bound. */
const KEY_ID = 'log';
/** Maximum of leaves that get a place in one transaction. */
export const MAX_BATCH_LEAVES = 4_096;

/**
 * Creates the log's key and head if they are missing, and adds leaves for what earlier releases recorded. Throws if the
 * log has another name.
 */
export async function prepareLog({ db, signer, origin }: LogDependencies): Promise<void> {
  requireName(origin);
  await db.transaction(async (tx) => {
    await lockPki(tx);
    await store.createHead(tx);
    const key = await store.findKey(tx);
    if (key && key.origin !== origin) throw new Error(`the log is ${key.origin} and cannot become ${origin}`);
    if (!key) {
      const { publicKeyPem, encrypted } = await signer.generate({ keyId: KEY_ID, kind: 'Ed25519' });
      await store.insertKey(tx, { origin, publicKeyPem, encryptedKey: encrypted });
    }
    await store.insertLostPending(tx);
  });
  // Do this only before the first place is assigned. Later, a use without a leaf was inserted by hand and must not get
  // a leaf.
  if (((await store.findHead(db))?.size ?? 0) > 0) return;
  // Use short transactions: a long one would block readers of the feed of licenses.
  const addSomeLeaves = () =>
    db.transaction(async (tx) => {
      await lockPki(tx);
      return addEarlierLeaves(tx);
    });
  while (await addSomeLeaves());
}

/** Returns the key that verifies the log's checkpoints. Throws if the log is not prepared. */
export async function readLogKey(db: Reader): Promise<NoteKey> {
  const key = await store.findKey(db);
  if (!key) throw new Error('the log is not prepared');
  return toNoteKey(key);
}

function toNoteKey({ origin, publicKeyPem }: store.KeyRow): NoteKey {
  return { name: origin, type: KEY_TYPES.log, publicKey: readRawKey(publicKeyPem) };
}

/**
 * Assigns places to waiting leaves in the order in which they were written, and signs the checkpoint of the new tree.
 * It is one transaction, and only one copy of the hub runs it at a time. Returns the number of leaves.
 *
 * The head moves only from the state that was read. A place can be inserted only once, and so can a checkpoint of a
 * size. So two copies cannot fork the log.
 */
export async function assignPlaces({ db, now, signer }: LogDependencies): Promise<number> {
  if (!(await store.hasPending(db))) return 0;
  return db.transaction(async (tx) => {
    const batch = await store.lockPlacement(tx, MAX_BATCH_LEAVES);
    if (!batch) return 0;
    const { pending, head, key } = batch;
    if (!head || !key) throw new Error('the log is not prepared');
    if (pending.length === 0) return 0;
    const hashRows = listFrontierRows(head.size).map(({ level, start, count }) =>
      store.listHashes(tx, level, start, count),
    );
    const frontier = await Promise.all(hashRows);
    if (!isSame(rootOfFrontier(frontier), head.root)) throw new Error('the head of the log is not that of its leaves');
    const hashes = pending.map((leaf) => leaf.hash);
    const { root, fullTiles } = growTree(frontier, head.size, hashes);
    const serials = pending.map((leaf) => leaf.serial);
    const newHead = { size: head.size + pending.length, root };
    const isMoved = await store.insertPlaces(tx, [head, newHead], serials, fullTiles);
    if (!isMoved) throw new Error('the head of the log was moved by somebody else');
    const text = writeCheckpoint({ origin: key.origin, ...newHead });
    const signature = await signer.checkpoint({ key: { keyId: KEY_ID, encrypted: key.encryptedKey }, text });
    const note = `${text}\n${writeSignature(toNoteKey(key), signature)}`;
    await store.insertCheckpoint(tx, { ...newHead, note, at: now() });
    return pending.length;
  });
}

/**
 * Whether the log contains an entry, with the proof (C2SP tlog-proof). The line `extra` of the proof holds the entry.
 */
export type Proof = { state: 'UNKNOWN' } | { state: 'PENDING' } | { state: 'PROVEN'; text: string; entry: string };

/**
 * Proves that the log contains a leaf. Uses the checkpoint that most of the witnesses signed, and the newest of those.
 */
export async function proveLeaf(
  db: Reader,
  witnesses: readonly string[],
  kind: LeafKind,
  subject: string,
): Promise<Proof> {
  const leaf = await store.findLeaf(db, kind, subject);
  if (!leaf) return { state: 'UNKNOWN' };
  const { index, entry } = leaf;
  const best = index === null ? null : await findBestCheckpoint(db, witnesses, index);
  if (index === null || !best) return { state: 'PENDING' };
  const hashes = await proveInclusion(createReader(db), index, best.checkpoint.size);
  const text = writeProof({ extra: Buffer.from(entry), index, hashes, checkpoint: best.note });
  return { state: 'PROVEN', text, entry };
}

/** Returns the log's part of evidence: the proof of a use of a seal, and the keys that verify it. */
export async function proveUse(
  { db, witnesses }: { db: Reader; witnesses: readonly string[] },
  issuanceId: string | null,
): Promise<{ log: string | null; logKeys: string[] }> {
  const proof = issuanceId === null ? null : await proveLeaf(db, witnesses, 'SEAL_USE', issuanceId);
  const logKeys = [writeKey(await readLogKey(db)), ...witnesses];
  return { log: proof?.state === 'PROVEN' ? proof.text : null, logKeys };
}

async function findBestCheckpoint(db: Reader, witnesses: readonly string[], index: number) {
  const newest = await store.findNewestCheckpoint(db);
  if (!newest || newest.size <= index) return null;
  const cosigned = await store.listNewestCosigned(db, witnesses);
  const sizes = new Set(cosigned.map((one) => one.size).filter((size) => size > index));
  let [bestSize, maxSignatures] = [newest.size, 0];
  for (const size of [...sizes].sort((one, other) => other - one)) {
    const { length } = await store.listCosignatures(db, size, witnesses);
    if (length > maxSignatures) [bestSize, maxSignatures] = [size, length];
  }
  return store.findSigned(db, bestSize, witnesses);
}

/** Returns the consistency proof between the log of `oldSize` leaves and that of `size` leaves. */
export function proveGrowth(db: Reader, oldSize: number, size: number): Promise<Uint8Array[]> {
  return proveConsistency(createReader(db), oldSize, size);
}

function createReader(db: Reader) {
  return createHashReader((level, start, count) => store.listHashes(db, level, start, count));
}

/** Adds a leaf for the offline verifier that the hub hands out. Each file has one, however often the hub starts. */
export async function recordVerifier({ db, now }: LogDependencies, verifier: VerifierFile): Promise<void> {
  await store.insertLeafOnce(db, buildVerifierLeaf(verifier, now()));
}

/**
 * Adds a leaf for a receipt (回执): another system's answer to what the hub sent it. The same receipt again changes
 * nothing. Throws if the log holds another receipt for the same subject.
 */
export async function recordReceipt({ db, now }: LogDependencies, receipt: ReceiptRecord): Promise<void> {
  const leaf = buildReceiptLeaf(receipt, now());
  if (await store.insertLeafOnce(db, leaf)) return;
  const existing = await store.findLeaf(db, leaf.kind, leaf.subject);
  if (!existing || !isSameReceipt(existing.entry, leaf.entry)) {
    throw new Error(`the log holds another receipt of ${leaf.subject}`);
  }
}
