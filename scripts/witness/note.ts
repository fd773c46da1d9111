import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { Tree } from './tree.ts';

/** Signed checkpoints and cosignatures for a witness (C2SP signed-note, tlog-checkpoint, tlog-cosignature). */

const LOG_TYPE = 1;
const WITNESS_TYPE = 4;
const MAX_SIGNATURES = 64;
const MAX_PROOF_LINES = 63;
const SIGNATURE_LINE = /^— ([^\p{White_Space}+]+) ([A-Za-z0-9+/]+={0,2})$/u;

/** The reason why a request cannot be read. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** A key that signs notes, with its name and its key id in them. */
export interface NamedKey {
  name: string;
  id: Buffer;
  key: KeyObject;
}

/** A parsed checkpoint. Its signatures are not verified. */
export interface Checkpoint extends Tree {
  origin: string;
  /** The signed text. */
  text: string;
  signatures: { name: string; id: Buffer; value: Buffer; line: string }[];
}

function computeKeyId(name: string, type: number, raw: Uint8Array): Buffer {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([type]))
    .update(raw)
    .digest()
    .subarray(0, 4);
}

/** Parses the key of a log. Throws Malformed. */
export function parseLogKey(text: string): NamedKey {
  const [, name = '', id = '', encoded = ''] = /^([^\p{White_Space}+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text) ?? [];
  const bytes = decodeBase64(encoded);
  const raw = bytes.subarray(1);
  if (bytes.length !== 33 || bytes[0] !== LOG_TYPE || computeKeyId(name, LOG_TYPE, raw).toString('hex') !== id) {
    throw new Malformed(`not the key of a log: ${text}`);
  }
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  return { name, id: Buffer.from(id, 'hex'), key };
}

function rawPublicKey(privateKey: KeyObject): Buffer {
  return Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url');
}

/** Returns the witness's public key as text (vkey). */
export function formatWitnessKey(name: string, privateKey: KeyObject): string {
  const raw = rawPublicKey(privateKey);
  const material = Buffer.concat([Buffer.from([WITNESS_TYPE]), raw]);
  return `${name}+${computeKeyId(name, WITNESS_TYPE, raw).toString('hex')}+${material.toString('base64')}`;
}

/** Parses a request to a witness: the old size, the consistency proof and the new checkpoint. Throws Malformed. */
export function parseRequest(body: Buffer): { oldSize: number; proof: Buffer[]; checkpoint: Checkpoint } {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const bodyText = decodeOrThrow(() => text.decode(body));
  const split = bodyText.indexOf('\n\n');
  if (split < 0) throw new Malformed('no empty line');
  const [first = '', ...lines] = bodyText.slice(0, split).split('\n');
  if (!first.startsWith('old ') || lines.length > MAX_PROOF_LINES) throw new Malformed('no old size, or a long proof');
  const checkpoint = parseCheckpoint(bodyText.slice(split + 2));
  return { oldSize: parseSize(first.slice('old '.length)), proof: lines.map(parseHash), checkpoint };
}

/** Parses a checkpoint as a log publishes it. Throws Malformed. */
export function parseCheckpoint(note: string): Checkpoint {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note has none but line ends
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Malformed('a control character');
  const split = note.lastIndexOf('\n\n');
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2).split('\n');
  if (split < 0 || lines.pop() !== '' || lines.length === 0) throw new Malformed('no signatures');
  if (lines.length > MAX_SIGNATURES) throw new Malformed('too many signatures');
  const [origin, size, root, ...extensionLines] = text.slice(0, -1).split('\n');
  if (!origin || !size || !root || extensionLines.includes('')) throw new Malformed('not a checkpoint');
  const signatures = lines.map((line) => {
    const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = decodeBase64(encoded);
    if (bytes.length < 5) throw new Malformed('not a signature line');
    return { name, id: bytes.subarray(0, 4), value: bytes.subarray(4), line };
  });
  return { origin, size: parseSize(size), root: parseHash(root), text, signatures };
}

/** Returns the signature lines of this log. Returns null if there is none, or if one of them does not verify. */
export function findLogSignatures({ signatures, text }: Checkpoint, log: NamedKey): string[] | null {
  const logSignatures = signatures.filter(({ name, id }) => name === log.name && id.equals(log.id));
  const allVerify = logSignatures.every(
    ({ value }) => value.length === 64 && verify(null, Buffer.from(text), log.key, value),
  );
  return logSignatures.length > 0 && allVerify ? logSignatures.map(({ line }) => line) : null;
}

/** Signs a cosignature line: at this second, this is the largest tree of the log that the witness has seen. */
export function cosign(name: string, privateKey: KeyObject, text: string, seconds: number): string {
  const signatureBytes = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), privateKey);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds));
  const value = Buffer.concat([computeKeyId(name, WITNESS_TYPE, rawPublicKey(privateKey)), time, signatureBytes]);
  return `— ${name} ${value.toString('base64')}\n`;
}

function decodeOrThrow<Value>(run: () => Value): Value {
  try {
    return run();
  } catch {
    throw new Malformed('not UTF-8');
  }
}

function parseSize(text: string): number {
  if (!/^(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(Number(text))) throw new Malformed('not a size');
  return Number(text);
}

function parseHash(text: string): Buffer {
  const bytes = decodeBase64(text);
  if (bytes.length !== 32) throw new Malformed('not a hash');
  return bytes;
}

function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new Malformed('not base64');
  return bytes;
}
