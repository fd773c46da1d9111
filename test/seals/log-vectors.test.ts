import { sign } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  readCheckpoint,
  readProof,
  requireCheckpoint,
  requireLoggedLeaf,
  writeCheckpoint,
  writeProof,
} from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { LogFault } from '../../subgraphs/kernel/tlog/fault.ts';
import { computeKeyId, readKey, readNote, verifySignatures, writeKey } from '../../subgraphs/kernel/tlog/note.ts';
import { requireConsistent, requireIncluded } from '../../subgraphs/kernel/tlog/tree.ts';
import { NoteSigner } from './note-signer.ts';

/** Vector files are named `<kind>.<rule>.json`. An invalid vector contains the fault code that it must raise. */

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

interface Trusted {
  origin: string;
  log: string;
  witnesses: string[];
}
const parseTrust = ({ origin, log, witnesses }: Trusted) => ({
  origin,
  log: readKey(log),
  witnesses: witnesses.map(readKey),
});

interface Kinds {
  inclusion: { index: number; size: number; root: string; leaf: string; proof: string[] };
  consistency: { oldSize: number; oldRoot: string; size: number; root: string; proof: string[] };
  vkey: { vkey: string };
  note: { note: string; keys: string[]; proven?: string[] };
  checkpoint: Trusted & { note: string; size?: number; cosigned?: number[] };
  proof: Trusted & { text: string; leaf: string };
}

const RUNNERS: { [Kind in keyof Kinds]: (vector: Kinds[Kind]) => void } = {
  inclusion: ({ index, size, root, leaf, proof }) =>
    requireIncluded({ index, size, root: bytes(root) }, bytes(leaf), proof.map(bytes)),
  consistency: ({ oldSize, oldRoot, size, root, proof }) =>
    requireConsistent({ size: oldSize, root: bytes(oldRoot) }, { size, root: bytes(root) }, proof.map(bytes)),
  vkey: ({ vkey }) => expect(writeKey(readKey(vkey))).toBe(vkey),
  note: ({ note, keys, proven }) => {
    const verified = verifySignatures(readNote(note), keys.map(readKey));
    expect(verified.map(({ key }) => key.name)).toEqual(proven);
    expect(verifySignatures(readNote(Buffer.from(note)), keys.map(readKey))).toEqual(verified);
  },
  checkpoint: (vector) => {
    const { size, origin, root, extensions, text, witnesses } = requireCheckpoint(vector.note, parseTrust(vector));
    expect([size, origin]).toEqual([vector.size, vector.origin]);
    expect(text).toBe(writeCheckpoint({ origin, size, root }) + extensions.map((line) => `${line}\n`).join(''));
    expect(witnesses.map(({ time }) => time)).toEqual(vector.cosigned);
  },
  proof: (vector) => {
    requireLoggedLeaf(vector.text, bytes(vector.leaf), parseTrust(vector));
    expect(writeProof(readProof(vector.text))).toBe(vector.text);
  },
};

function vectors(folder: 'valid' | 'invalid') {
  const home = new URL(`../vectors/tlog/${folder}/`, import.meta.url);
  return readdirSync(home).map((file) => {
    const vector = JSON.parse(readFileSync(new URL(file, home), 'utf8')) as { code?: string };
    return { file, vector, run: RUNNERS[file.split('.')[0] as keyof Kinds] as (vector: unknown) => void };
  });
}

function codeOf(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof LogFault) return error.code;
    throw error;
  }
}

describe('texts and proofs of the log', () => {
  test.each(vectors('valid'))('valid: $file', ({ vector, run }) => {
    run(vector);
  });
  test.each(vectors('invalid'))('invalid: $file', ({ vector, run }) => {
    expect(vector.code).toBeDefined();
    expect(codeOf(() => run(vector))).toBe(vector.code);
  });
  test('every fault code has a vector, except those that a text file cannot express', () => {
    const source = readFileSync(new URL('../../subgraphs/kernel/tlog/fault.ts', import.meta.url), 'utf8');
    const codes = [...source.matchAll(/\| '([A-Z_0-9]+)'/g)].map((match) => match[1]);
    const coveredCodes = new Set(vectors('invalid').map(({ vector }) => vector.code));
    expect(codes.filter((code) => !coveredCodes.has(code)).sort()).toEqual(['NOTE_NOT_UTF8', 'NOTE_TOO_LARGE']);
  });
  test('text that is not UTF-8, or is too long, is not a note', () => {
    expect(codeOf(() => readNote('\ud800\n\n— a b\n'))).toBe('NOTE_NOT_UTF8');
    expect(codeOf(() => readNote(Buffer.from([0xff, 0x0a, 0x0a])))).toBe('NOTE_NOT_UTF8');
    expect(codeOf(() => readNote('a'.repeat(262_145)))).toBe('NOTE_TOO_LARGE');
    expect(codeOf(() => readNote(Buffer.alloc(262_145)))).toBe('NOTE_TOO_LARGE');
  });
});

describe('only one encoding is accepted', () => {
  const noteSigner = new NoteSigner('log.example');
  const trust = { origin: 'log.example', log: readKey(noteSigner.vkey), witnesses: [] };
  const note = noteSigner.checkpoint(3, Buffer.alloc(32, 7));

  test('a signed checkpoint with any byte changed is rejected', () => {
    const original = Buffer.from(note);
    fc.assert(
      fc.property(fc.nat({ max: original.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(original);
        changed[at] = (changed[at] ?? 0) ^ mask;
        expect(codeOf(() => requireCheckpoint(readNote(changed), trust))).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test('a key that was read before verifies only signatures of its own bytes', () => {
    expect(codeOf(() => requireCheckpoint(note, trust))).toBeNull();
    const other = new NoteSigner('log.example');
    const { text } = readNote(note);
    const shortName = Buffer.from(computeKeyId(readKey(other.vkey)));
    const signature = Buffer.concat([shortName, sign(null, Buffer.from(text), noteSigner.privateKey)]);
    const forged = `${text}\n— log.example ${signature.toString('base64')}\n`;
    const replacedKey = readKey(noteSigner.vkey);
    replacedKey.publicKey.set(readKey(other.vkey).publicKey);
    for (const log of [readKey(other.vkey), replacedKey]) {
      expect(codeOf(() => requireCheckpoint(forged, { ...trust, log }))).toBe('SIGNATURE_WRONG');
      expect(codeOf(() => requireCheckpoint(other.checkpoint(3, Buffer.alloc(32, 7)), { ...trust, log }))).toBeNull();
    }
  });

  test('every text that reads as a checkpoint is written back unchanged', () => {
    const size = fc.oneof(fc.nat().map(String), fc.string({ maxLength: 5 }));
    const line = fc.oneof(fc.string({ maxLength: 8 }), fc.constant(Buffer.alloc(32).toString('base64')));
    fc.assert(
      fc.property(line, size, line, (origin, count, root) => {
        const text = `${origin}\n${count}\n${root}\n`;
        if (codeOf(() => readCheckpoint(text)) !== null) return;
        const { extensions: _, ...read } = readCheckpoint(text);
        expect(writeCheckpoint(read)).toBe(text);
      }),
    );
  });
});
