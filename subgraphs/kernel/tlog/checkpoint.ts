import { LogFault } from './fault.ts';
import { type Note, type NoteKey, readBase64, readNote, type VerifiedSignature, verifySignatures } from './note.ts';
import { HASH_BYTES, requireIncluded, type TreeHead } from './tree.ts';

/** Checkpoints (C2SP tlog-checkpoint) and proofs that carry one (C2SP tlog-proof). */

const PROOF_HEADER = 'c2sp.org/tlog-proof@v1';
/** Enough for a tree of 2 ** 63 leaves. */
const MAX_PROOF_HASHES = 63;

/** The first three lines of a checkpoint. `extensions` are the lines after them. */
export interface Checkpoint extends TreeHead {
  origin: string;
  extensions: string[];
}

/** Writes the text of a checkpoint, to be signed. Throws LogFault if the origin is empty or has a line break. */
export function writeCheckpoint({ origin, size, root }: Omit<Checkpoint, 'extensions'>): string {
  if (origin === '' || origin.includes('\n')) throw new LogFault('ORIGIN_WRONG');
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Reads the text of a checkpoint. Throws LogFault. */
export function readCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw new LogFault('LINES_MISSING');
  const lines = text.slice(0, -1).split('\n');
  const [origin, size, root, ...extensions] = lines;
  if (origin === undefined || size === undefined || root === undefined) throw new LogFault('LINES_MISSING');
  if (lines.includes('')) throw new LogFault('LINE_EMPTY');
  return { origin, size: readNumber(size, 'SIZE_MALFORMED'), root: readHash(root), extensions };
}

/** The keys that a verifier trusts: of a log, and of known witnesses. */
export interface LogTrust {
  origin: string;
  log: NoteKey;
  witnesses: readonly NoteKey[];
}

/** A checkpoint signed by the log, with the verified signatures of witnesses. */
export interface SignedCheckpoint extends Checkpoint {
  text: string;
  witnesses: VerifiedSignature[];
}

/** Reads a checkpoint and verifies its origin and its signature with the log's key. Throws LogFault. */
export function requireCheckpoint(signedNote: string | Note, { origin, log, witnesses }: LogTrust): SignedCheckpoint {
  const note = typeof signedNote === 'string' ? readNote(signedNote) : signedNote;
  const checkpoint = readCheckpoint(note.text);
  if (checkpoint.origin !== origin) throw new LogFault('ORIGIN_WRONG');
  if (verifySignatures(note, [log]).length === 0) throw new LogFault('SIGNATURE_BY_NOBODY_KNOWN');
  return { ...checkpoint, text: note.text, witnesses: verifySignatures(note, witnesses) };
}

/** A proof in transit: the leaf's index, its siblings, the signed checkpoint. `extra` is data that the maker adds. */
export interface ProofText {
  extra: Uint8Array | null;
  index: number;
  hashes: Uint8Array[];
  /** The signed note, byte for byte. */
  checkpoint: string;
}

export function writeProof({ extra, index, hashes, checkpoint }: ProofText): string {
  const lines = [PROOF_HEADER, ...(extra === null ? [] : [`extra ${toBase64(extra)}`]), `index ${index}`];
  return `${[...lines, ...hashes.map(toBase64)].join('\n')}\n\n${checkpoint}`;
}

/** Parses a proof without verification. Throws LogFault. */
export function readProof(text: string): ProofText {
  const separator = text.indexOf('\n\n');
  if (separator < 0) throw new LogFault('LINES_MISSING');
  const [header, ...lines] = text.slice(0, separator).split('\n');
  if (header !== PROOF_HEADER) throw new LogFault('PROOF_HEADER_WRONG');
  const extra = lines[0]?.startsWith('extra ') ? readBase64(lines.shift()?.slice('extra '.length) ?? '') : null;
  const indexLine = lines.shift();
  if (!indexLine?.startsWith('index ')) throw new LogFault('PROOF_INDEX_LINE');
  if (lines.length > MAX_PROOF_HASHES) throw new LogFault('PROOF_TOO_LONG');
  const index = readNumber(indexLine.slice('index '.length), 'INDEX_MALFORMED');
  return { extra, index, hashes: lines.map(readHash), checkpoint: text.slice(separator + 2) };
}

/** Verifies that the log contains a leaf: form, checkpoint and hashes. Throws LogFault. */
export function requireLoggedLeaf(
  text: string,
  leaf: Uint8Array,
  trust: LogTrust,
): SignedCheckpoint & { index: number } {
  const { index, hashes, checkpoint } = readProof(text);
  const signedCheckpoint = requireCheckpoint(checkpoint, trust);
  requireIncluded({ index, ...signedCheckpoint }, leaf, hashes);
  return { ...signedCheckpoint, index };
}

/** Parses a safe integer without leading zeroes. Throws LogFault. */
function readNumber(text: string, code: 'SIZE_MALFORMED' | 'INDEX_MALFORMED'): number {
  const value = Number(text);
  if (!/^(0|[1-9]\d*)$/.test(text) || !Number.isSafeInteger(value)) throw new LogFault(code);
  return value;
}

function readHash(text: string): Uint8Array {
  const hash = readBase64(text);
  if (hash.length !== HASH_BYTES) throw new LogFault('HASH_LENGTH');
  return hash;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
