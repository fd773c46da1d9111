import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tamperAttachment, tamperCertificate, tamperPageContent, tamperSignedAttribute } from '../../scripts/tamper.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { buildSealPng } from '../support/seal-png.ts';

/** Number of mutants. Long run: `MUTANTS=100000 npx vitest run test/faults/mutants.db.test.ts`. */
const MUTANTS = Number(process.env.MUTANTS ?? 10_000);
/** Seed of the mutants. A failure names the number of the mutant. */
const SEED = Number(process.env.SEED ?? 20_261_125);

/** Returns reproducible random numbers (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Roll = (below: number) => number;
interface Subject {
  file: Buffer;
  /** Offset of the hexadecimal digits of the CMS; `length` is its length in bytes. */
  at: number;
  length: number;
}

function subjectOf(file: Buffer): Subject {
  const at = file.lastIndexOf('/Contents <') + '/Contents <'.length;
  return { file, at, length: 4 + Number.parseInt(file.toString('latin1', at + 4, at + 8), 16) };
}

const cmsOf = ({ file, at, length }: Subject) => Buffer.from(file.toString('latin1', at, at + 2 * length), 'hex');
function withCms({ file, at, length }: Subject, cms: Buffer): Buffer {
  const changed = Buffer.from(file);
  changed.fill('0', at, at + 2 * length);
  changed.write(cms.toString('hex'), at, 'latin1');
  return changed;
}
const splice = (bytes: Buffer, at: number, cut: number, put: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
const noise = (roll: Roll, length: number) => Buffer.from(Array.from({ length }, () => roll(256)));

/** Each builds one mutant of a license, from it and another license of the same organ. */
const MUTATIONS: Record<string, (one: Subject, other: Subject, roll: Roll) => Buffer> = {
  'a bit of the file': ({ file }, _, roll) => flip(file, roll(file.length), roll),
  'a bit of the signature': (one, _, roll) => withCms(one, flip(cmsOf(one), roll(one.length), roll)),
  'bytes of the file': ({ file }, _, roll) => splice(file, roll(file.length), 1 + roll(40), noise(roll, 1 + roll(40))),
  'bytes of the signature': (one, _, roll) => {
    const size = 1 + roll(8);
    return withCms(one, splice(cmsOf(one), roll(one.length - 8), size, noise(roll, size)));
  },
  'bytes put into the signature': (one, _, roll) =>
    withCms(one, splice(cmsOf(one), roll(one.length), 0, noise(roll, 1 + roll(4)))),
  'bytes cut out of the signature': (one, _, roll) =>
    withCms(one, splice(cmsOf(one), roll(one.length), 1 + roll(4), Buffer.alloc(0))),
  'a piece of another license': ({ file }, other, roll) => {
    const [from, size] = [roll(other.file.length), 1 + roll(2_000)];
    return splice(file, from, size, other.file.subarray(from, from + size));
  },
  'a piece of another signature': (one, other, roll) => {
    const [from, size] = [roll(one.length), 1 + roll(900)];
    return withCms(one, splice(cmsOf(one), from, size, cmsOf(other).subarray(from, from + size)));
  },
  'cut off': ({ file }, _, roll) => file.subarray(0, roll(file.length)),
  'something behind': ({ file }, _, roll) => Buffer.concat([file, noise(roll, 1 + roll(200))]),
  'something before': ({ file }, _, roll) => Buffer.concat([noise(roll, 1 + roll(20)), file]),
  'a weaker digest named': (one, _, roll) => {
    const cms = cmsOf(one);
    const places = placesOf(cms, '608648016503040201');
    const changed = Buffer.from(cms);
    changed.writeUInt8(2 + roll(6), places[roll(places.length)] ?? 0);
    return withCms(one, changed);
  },
  'a digit of the signature in capitals': ({ file, at, length }, _, roll) => {
    const changed = Buffer.from(file);
    for (let i = at + roll(2 * length); i < at + 2 * length; i++) {
      const digit = String.fromCharCode(changed[i] ?? 0);
      if (digit === digit.toUpperCase()) continue;
      changed.write(digit.toUpperCase(), i, 'latin1');
      break;
    }
    return changed;
  },
  'a word of the file': ({ file }, _, roll) => {
    const words = [
      '/ByteRange',
      '/Prev',
      '/Root',
      '/Contents',
      'endobj',
      '/EmbeddedFile',
      '/Annots',
      '/AcroForm',
      '/P 1',
      '/F 132',
      '/Im0',
      '/Width',
      '/SMask',
      'xref',
    ];
    const word = words[roll(words.length)] ?? '';
    const at = Math.max(0, file.lastIndexOf(word));
    return flip(file, at + roll(word.length), roll);
  },
};

/** Returns the offset of the last byte of each occurrence. */
function placesOf(bytes: Buffer, hex: string): number[] {
  const wanted = Buffer.from(hex, 'hex');
  const places: number[] = [];
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) places.push(at + wanted.length - 1);
  return places;
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Forgeries without randomness. */
const FORGERIES: Record<string, (one: Subject, other: Subject) => Buffer> = {
  'another image set': (_, other) => splice(other.file, other.file.indexOf('/Im0'), 4, Buffer.from('/Im1')),
  'another signature': (one, other) => withCms(one, cmsOf(other)),
  'another license under this signature': (one, other) => withCms(other, cmsOf(one)),
  'a page replaced by a revision': ({ file }) => tamperPageContent(file),
  'a record replaced by a revision': ({ file }) => tamperAttachment(file),
  'another license appended': ({ file }, other) => Buffer.concat([file, other.file]),
  'a signed attribute': ({ file }) => tamperSignedAttribute(file),
  'a certificate': ({ file }) => tamperCertificate(file),
  'without its timestamp': (one) => {
    const cms = cmsOf(one);
    const at = cms.indexOf(Buffer.from('060b2a864886f70d010910020e', 'hex'));
    return withCms(one, splice(cms, at, one.length - at, Buffer.alloc(0)));
  },
};

function flip(bytes: Buffer, at: number, roll: Roll): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8((changed[at] ?? 0) ^ (1 << roll(8)), at);
  return changed;
}

describe('mutants', () => {
  let hub: TestHub;
  let subjects: (Subject & { bundle: Buffer })[];
  let root: Buffer;
  beforeAll(async () => {
    hub = await createTestHub();
    root = Buffer.from(await hub.hub.seals.rootCertificate());
    const get = async (url: string) => {
      const headers = { authorization: `Bearer ${await hub.token('auditor')}` };
      return (await hub.hub.app.inject({ method: 'GET', url, headers })).rawPayload;
    };
    subjects = [];
    for (const serial of [1, 2]) {
      const license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), serial);
      const bundle = await get(`/licenses/evidence/${license.identifier}`);
      subjects.push({ ...subjectOf(await get(license.document.url)), bundle });
      // The first license shows a drawn seal, the second the organ's own picture.
      const picture = {
        seal: 'yudu-lyj-license-seal',
        picture: buildSealPng().toString('base64'),
        reason: '启用新印模',
      };
      await runMutation(hub, 'yudu-lyj.keeper', 'setSealPicture', 'SealPictureInput', picture, 'seal { picture }');
    }
  });
  afterAll(() => hub?.stop());

  const judge = (file: Buffer, bundle: Buffer, at: Date) =>
    verify({ file, signature: null, roots: [root], bundle }, at);

  test(`none of ${MUTANTS} passes verification, and the licenses themselves do`, () => {
    const [one, other] = subjects;
    if (!one || !other) throw new Error('no licenses');
    const at = new Date();
    const names = Object.keys(MUTATIONS);
    const verdicts = new Map<string, number>();
    for (let i = 0; i < MUTANTS; i++) {
      const roll = dice(SEED + i);
      const name = names[i % names.length] ?? '';
      const [from, with_] = roll(2) === 0 ? [one, other] : [other, one];
      const mutant = MUTATIONS[name]?.(from, with_, roll) ?? Buffer.alloc(0);
      if (mutant.equals(one.file) || mutant.equals(other.file)) continue;
      // The bundle names the mutant's digest, so that verification does not stop at that mismatch.
      const bundle = JSON.parse(from.bundle.toString());
      const named = Buffer.from(JSON.stringify({ ...bundle, document: digestOf(mutant) }));
      const { verdict } = judge(mutant, named, at);
      if (verdict === 'TOTAL_PASSED') throw new Error(`mutant ${i} (${name}) was accepted`);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    for (const [name, forge] of Object.entries(FORGERIES)) {
      for (const bundle of [one.bundle, other.bundle]) {
        expect([name, judge(forge(one, other), bundle, at).verdict]).not.toEqual([name, 'TOTAL_PASSED']);
      }
    }
    expect([...verdicts.keys()].toSorted()).toEqual(['INDETERMINATE', 'TOTAL_FAILED']);
    for (const { file, bundle } of subjects) expect(judge(Buffer.from(file), bundle, at).verdict).toBe('TOTAL_PASSED');
  });
});
