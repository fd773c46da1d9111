/**
 * Parses checkpoints and proofs of the log (C2SP tlog-checkpoint, tlog-proof), and computes roots (RFC 9162 §2.1.3.2).
 */

/**
 * @typedef {{ name: string, time: string | null }} Signer
 * @typedef {{ origin: string, size: number, root: string, signatures: Signer[] }} Checkpoint
 * @typedef {{ index: number, hashes: string[], checkpoint: Checkpoint }} Proof
 * @typedef {{ hash: string, sibling: string | null, side: 'left' | 'right' | null }} Climbed
 */

const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;
const ED25519_BYTES = 64;

/**
 * @param {string} note
 * @returns {Checkpoint}
 */
export function readCheckpoint(note) {
  const split = note.lastIndexOf('\n\n');
  const [origin = '', size = '', root = ''] = note.slice(0, split).split('\n');
  const lines = note
    .slice(split + 2)
    .trimEnd()
    .split('\n');
  const signatures = lines.map((line) => {
    const [, name = '', encoded = ''] = line.split(' ');
    const bytes = bytesOf(encoded);
    const isWitness = bytes.length === KEY_ID_BYTES + TIME_BYTES + ED25519_BYTES;
    const seconds = isWitness ? Number(new DataView(bytes.buffer).getBigUint64(KEY_ID_BYTES)) : null;
    return { name, time: seconds === null ? null : new Date(seconds * 1000).toISOString() };
  });
  return { origin, size: Number(size), root, signatures };
}

/**
 * @param {string} text
 * @returns {Proof}
 */
export function readProof(text) {
  const split = text.indexOf('\n\n');
  const lines = text.slice(0, split).split('\n').slice(1);
  const at = lines.findIndex((line) => line.startsWith('index '));
  const index = Number(lines[at]?.slice('index '.length));
  return { index, hashes: lines.slice(at + 1), checkpoint: readCheckpoint(text.slice(split + 2)) };
}

/**
 * Computes the hashes from the leaf to the root.
 * @param {object} entry
 * @param {Proof} proof
 * @returns {Promise<Climbed[]>}
 */
export async function climb(entry, { index, hashes, checkpoint }) {
  let hash = await sha256(Uint8Array.of(0), new TextEncoder().encode(canonical(entry)));
  /** @type {Climbed[]} */
  const steps = [{ hash: base64(hash), sibling: null, side: null }];
  let [node, last] = [index, checkpoint.size - 1];
  for (const encoded of hashes) {
    const sibling = bytesOf(encoded);
    const isLeft = node % 2 === 1 || node === last;
    hash = isLeft ? await sha256(Uint8Array.of(1), sibling, hash) : await sha256(Uint8Array.of(1), hash, sibling);
    steps.push({ hash: base64(hash), sibling: encoded, side: isLeft ? 'left' : 'right' });
    // The last node of a level may have no sibling. It moves up to the level where it has one.
    if (isLeft) while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return steps;
}

/**
 * Canonical JSON (RFC 8785) for log entries, which contain only strings, small integers and null.
 * @param {unknown} value
 * @returns {string}
 */
function canonical(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(',')}}`;
}

/** @param {...Uint8Array} parts */
async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
}

/** @param {string} text */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}
