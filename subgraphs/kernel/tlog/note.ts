import { createHash, createPublicKey, verify } from 'node:crypto';
import { memoizeByDigest } from '../cache.ts';
import { LogFault } from './fault.ts';

/** Signed notes (C2SP signed-note) with Ed25519, and cosignatures with a time (C2SP tlog-cosignature, v1). */

/** Maximum size of a note, and maximum number of its signatures. */
const MAX_NOTE_BYTES = 262_144;
const MAX_SIGNATURES = 64;
const KEY_ID_BYTES = 4;
const ED25519_KEY_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const TIMESTAMP_BYTES = 8;
/** SubjectPublicKeyInfo of Ed25519 (RFC 8410) up to the key itself. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNATURE_MARK = '— ';

/** Signature types of the specification: a log's, and a witness's with a time. */
export const KEY_TYPES = { log: 0x01, witness: 0x04 } as const;
export type KeyType = (typeof KEY_TYPES)[keyof typeof KEY_TYPES];

/** A key that verifies notes. */
export interface NoteKey {
  name: string;
  type: KeyType;
  /** Ed25519, 32 bytes. */
  publicKey: Uint8Array;
}

/** One signature line under a note: the claimed key name, the key id, and the signature bytes. */
export interface NoteSignature {
  name: string;
  keyId: Uint8Array;
  signature: Uint8Array;
}

/** A well-formed note. Its signatures are not verified yet. */
export interface Note {
  /** The text with its last line end. */
  text: string;
  signatures: NoteSignature[];
}

/** Returns the id of a key: the first four bytes of a hash over name, type and key. */
export function computeKeyId({ name, type, publicKey }: NoteKey): Uint8Array {
  const hash = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(type)).update(publicKey);
  return new Uint8Array(hash.digest().subarray(0, KEY_ID_BYTES));
}

/** Writes a key as text (vkey): name, id in hex, type and key in base64. */
export function writeKey(key: NoteKey): string {
  const material = Buffer.concat([Uint8Array.of(key.type), key.publicKey]);
  return `${requireName(key.name)}+${Buffer.from(computeKeyId(key)).toString('hex')}+${material.toString('base64')}`;
}

/** Parses a key as text (vkey). Throws LogFault unless it has one of the two types and the canonical form. */
export function readKey(text: string): NoteKey {
  // Base64 may contain the separator `+`.
  const [, name = '', id = '', material = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? [];
  if (id === '') throw new LogFault('KEY_MALFORMED');
  const bytes = readBase64(material);
  const type = bytes[0];
  if (type !== KEY_TYPES.log && type !== KEY_TYPES.witness) throw new LogFault('KEY_TYPE_UNKNOWN');
  const key = { name: requireName(name), type, publicKey: bytes.subarray(1) };
  if (key.publicKey.length !== ED25519_KEY_BYTES) throw new LogFault('KEY_MALFORMED');
  if (Buffer.from(computeKeyId(key)).toString('hex') !== id) throw new LogFault('KEY_ID_WRONG');
  return key;
}

/** Reads the key of a witness. Throws LogFault, or TypeError for another key. */
export function readWitnessKey(vkey: string): NoteKey {
  const key = readKey(vkey);
  if (key.type !== KEY_TYPES.witness) throw new TypeError(`not the key of a witness: ${vkey}`);
  return key;
}

/** Returns the 32 bytes of an Ed25519 key from a SubjectPublicKeyInfo in PEM. Throws LogFault for another key type. */
export function readRawKey(publicKeyPem: string): Uint8Array {
  const spki = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  if (!spki.subarray(0, SPKI_PREFIX.length).equals(SPKI_PREFIX)) throw new LogFault('KEY_TYPE_UNKNOWN');
  return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
}

/** Parses a note without verification. Throws LogFault. */
export function readNote(note: string | Uint8Array): Note {
  const noteText = typeof note === 'string' ? note : decodeUtf8(note);
  if (!noteText.isWellFormed()) throw new LogFault('NOTE_NOT_UTF8');
  if (Buffer.byteLength(noteText) > MAX_NOTE_BYTES) throw new LogFault('NOTE_TOO_LARGE');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note has no control characters except line ends
  if (/[\u0000-\u0009\u000b-\u001f]/.test(noteText)) throw new LogFault('NOTE_CONTROL_CHARACTER');
  const separator = noteText.lastIndexOf('\n\n');
  if (separator < 0) throw new LogFault('NOTE_WITHOUT_TEXT');
  const signatureLines = noteText.slice(separator + 2);
  if (signatureLines === '') throw new LogFault('NOTE_WITHOUT_SIGNATURE');
  return { text: noteText.slice(0, separator + 1), signatures: readSignatures(signatureLines) };
}

/** Parses signature lines, from under a note or from a witness's answer. Throws LogFault. */
export function readSignatures(lines: string): NoteSignature[] {
  if (!lines.endsWith('\n')) throw new LogFault('SIGNATURE_LINE_MALFORMED');
  const signatureLines = lines.slice(0, -1).split('\n');
  if (signatureLines.length > MAX_SIGNATURES) throw new LogFault('SIGNATURES_TOO_MANY');
  return signatureLines.map((line) => {
    const parts = line.startsWith(SIGNATURE_MARK) ? line.slice(SIGNATURE_MARK.length).split(' ') : [];
    const [name, encoded] = parts;
    if (name === undefined || encoded === undefined || parts.length !== 2)
      throw new LogFault('SIGNATURE_LINE_MALFORMED');
    const bytes = readBase64(encoded);
    if (bytes.length <= KEY_ID_BYTES) throw new LogFault('SIGNATURE_LINE_MALFORMED');
    const [keyId, signature] = [bytes.subarray(0, KEY_ID_BYTES), bytes.subarray(KEY_ID_BYTES)];
    return { name: requireName(name), keyId, signature };
  });
}

/** Writes one signature line with its line end. */
export function writeSignature(key: NoteKey, signature: Uint8Array): string {
  const bytes = Buffer.concat([computeKeyId(key), signature]);
  return `${SIGNATURE_MARK}${requireName(key.name)} ${bytes.toString('base64')}\n`;
}

/** A verified signature. `time` is the witness's time in seconds since 1970, or null for a log's signature. */
export interface VerifiedSignature {
  key: NoteKey;
  time: number | null;
  signature: Uint8Array;
}

/**
 * Verifies the signatures of a note with the known keys. Ignores signatures by other keys.
 * Throws LogFault if a signature names a known key but does not verify.
 */
export function verifySignatures({ text, signatures }: Note, keys: readonly NoteKey[]): VerifiedSignature[] {
  return signatures.flatMap(({ name, keyId, signature }) => {
    const key = keys.find(
      (candidate) => candidate.name === name && Buffer.compare(computeKeyId(candidate), keyId) === 0,
    );
    if (!key) return [];
    const time = requireVerified(key, text, signature);
    return [{ key, time, signature }];
  });
}

function requireVerified(key: NoteKey, text: string, signature: Uint8Array): number | null {
  const isWitness = key.type === KEY_TYPES.witness;
  const length = ED25519_SIGNATURE_BYTES + (isWitness ? TIMESTAMP_BYTES : 0);
  if (signature.length !== length) throw new LogFault('SIGNATURE_WRONG');
  const time = isWitness ? Number(Buffer.from(signature).readBigUInt64BE()) : null;
  if (time !== null && (time === 0 || !Number.isSafeInteger(time))) throw new LogFault('TIMESTAMP_OUT_OF_RANGE');
  const signedText = time === null ? text : buildCosignedText(text, time);
  const rawSignature = signature.subarray(length - ED25519_SIGNATURE_BYTES);
  if (!verify(null, Buffer.from(signedText), importPublicKey(key.publicKey), rawSignature))
    throw new LogFault('SIGNATURE_WRONG');
  return time;
}

/** Imports a key from its 32 bytes. Cached: an import costs a third of a verification, and a verifier has few keys. */
const importPublicKey = memoizeByDigest((publicKey) =>
  createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' }),
);

/** Returns the text that a witness signs: the checkpoint and the time at which it saw it. */
function buildCosignedText(text: string, time: number): string {
  return `cosignature/v1\ntime ${time}\n${text}`;
}

/** Returns a key's name. Throws LogFault if it is empty or has white space or a plus. */
export function requireName(name: string): string {
  if (name === '' || /[\p{White_Space}+]/u.test(name)) throw new LogFault('KEY_NAME_MALFORMED');
  return name;
}

/** Decodes base64 (RFC 4648 §4). Throws LogFault unless the text is in canonical form. */
export function readBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new LogFault('BASE64_MALFORMED');
  return new Uint8Array(bytes);
}

function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length > MAX_NOTE_BYTES) throw new LogFault('NOTE_TOO_LARGE');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new LogFault('NOTE_NOT_UTF8');
  }
}
