import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  tamperAttachment,
  tamperCertificate,
  tamperPageContent,
  tamperSignedAttribute,
} from '../../scripts/demo/tamper.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { buildSealPng } from '../support/seal-png.ts';

/** Number of mutants. Long run: `MUTANTS=100000 npx vitest run test/faults/mutants.db.test.ts`. */
const MUTANTS = Number(process.env.MUTANTS ?? 10_000);
/** Seed of the mutants. A failure names the number of the mutant. */
const SEED = Number(process.env.SEED ?? 20_261_125);

/** Returns reproducible random numbers (mulberry32). */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;
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
const splice = (bytes: Buffer, at: number, deletedBytes: number, insertion: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), insertion, bytes.subarray(at + deletedBytes)]);
const randomBytes = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random(256)));

/** Each builds one mutant of a license, from it and another license of the same organ. */
const MUTATIONS: Record<string, (license: Subject, otherLicense: Subject, random: Random) => Buffer> = {
  'a bit of the file': ({ file }, _, random) => flip(file, random(file.length), random),
  'a bit of the signature': (license, _, random) =>
    withCms(license, flip(cmsOf(license), random(license.length), random)),
  'bytes of the file': ({ file }, _, random) =>
    splice(file, random(file.length), 1 + random(40), randomBytes(random, 1 + random(40))),
  'bytes of the signature': (license, _, random) => {
    const size = 1 + random(8);
    return withCms(license, splice(cmsOf(license), random(license.length - 8), size, randomBytes(random, size)));
  },
  'bytes put into the signature': (license, _, random) =>
    withCms(license, splice(cmsOf(license), random(license.length), 0, randomBytes(random, 1 + random(4)))),
  'bytes cut out of the signature': (license, _, random) =>
    withCms(license, splice(cmsOf(license), random(license.length), 1 + random(4), Buffer.alloc(0))),
  'a piece of another license': ({ file }, otherLicense, random) => {
    const [from, size] = [random(otherLicense.file.length), 1 + random(2_000)];
    return splice(file, from, size, otherLicense.file.subarray(from, from + size));
  },
  'a piece of another signature': (license, otherLicense, random) => {
    const [from, size] = [random(license.length), 1 + random(900)];
    return withCms(license, splice(cmsOf(license), from, size, cmsOf(otherLicense).subarray(from, from + size)));
  },
  'cut off': ({ file }, _, random) => file.subarray(0, random(file.length)),
  'something behind': ({ file }, _, random) => Buffer.concat([file, randomBytes(random, 1 + random(200))]),
  'something before': ({ file }, _, random) => Buffer.concat([randomBytes(random, 1 + random(20)), file]),
  'a weaker digest named': (license, _, random) => {
    const cms = cmsOf(license);
    const offsets = listOffsets(cms, '608648016503040201');
    const changed = Buffer.from(cms);
    changed.writeUInt8(2 + random(6), offsets[random(offsets.length)] ?? 0);
    return withCms(license, changed);
  },
  'a digit of the signature in capitals': ({ file, at, length }, _, random) => {
    const changed = Buffer.from(file);
    for (let i = at + random(2 * length); i < at + 2 * length; i++) {
      const digit = String.fromCharCode(changed[i] ?? 0);
      if (digit === digit.toUpperCase()) continue;
      changed.write(digit.toUpperCase(), i, 'latin1');
      break;
    }
    return changed;
  },
  'a word of the file': ({ file }, _, random) => {
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
    const word = words[random(words.length)] ?? '';
    const at = Math.max(0, file.lastIndexOf(word));
    return flip(file, at + random(word.length), random);
  },
};

/** Returns the offset of the last byte of each occurrence. */
function listOffsets(bytes: Buffer, hex: string): number[] {
  const pattern = Buffer.from(hex, 'hex');
  const offsets: number[] = [];
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1))
    offsets.push(at + pattern.length - 1);
  return offsets;
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Forgeries without randomness. */
const FORGERIES: Record<string, (license: Subject, otherLicense: Subject) => Buffer> = {
  'another image set': (_, otherLicense) =>
    splice(otherLicense.file, otherLicense.file.indexOf('/Im0'), 4, Buffer.from('/Im1')),
  'another signature': (license, otherLicense) => withCms(license, cmsOf(otherLicense)),
  'another license under this signature': (license, otherLicense) => withCms(otherLicense, cmsOf(license)),
  'a page replaced by a revision': ({ file }) => tamperPageContent(file),
  'a record replaced by a revision': ({ file }) => tamperAttachment(file),
  'another license appended': ({ file }, otherLicense) => Buffer.concat([file, otherLicense.file]),
  'a signed attribute': ({ file }) => tamperSignedAttribute(file),
  'a certificate': ({ file }) => tamperCertificate(file),
  'without its timestamp': (license) => {
    const cms = cmsOf(license);
    const at = cms.indexOf(Buffer.from('060b2a864886f70d010910020e', 'hex'));
    return withCms(license, splice(cms, at, license.length - at, Buffer.alloc(0)));
  },
};

function flip(bytes: Buffer, at: number, random: Random): Buffer {
  const mutant = Buffer.from(bytes);
  mutant.writeUInt8((mutant[at] ?? 0) ^ (1 << random(8)), at);
  return mutant;
}

describe('mutants', () => {
  let hub: TestHub;
  let subjects: (Subject & { bundle: Buffer })[];
  let root: Buffer;
  beforeAll(async () => {
    hub = await createTestHub();
    root = Buffer.from(await hub.hub.seals.rootCertificate());
    const get = async (url: string) => {
      const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
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
      if (serial === 1) await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealPicture', picture);
    }
  });
  afterAll(() => hub?.stop());

  const verifyFile = (file: Buffer, bundle: Buffer, at: Date) =>
    verify({ file, signature: null, roots: [root], bundle }, at);

  test(`none of ${MUTANTS} passes verification, and the licenses themselves do`, () => {
    const [license, otherLicense] = subjects;
    if (!license || !otherLicense) throw new Error('no licenses');
    const at = new Date();
    const names = Object.keys(MUTATIONS);
    const verdicts = new Map<string, number>();
    for (let i = 0; i < MUTANTS; i++) {
      const random = createRandom(SEED + i);
      const name = names[i % names.length] ?? '';
      const [from, donor] = random(2) === 0 ? [license, otherLicense] : [otherLicense, license];
      const mutant = MUTATIONS[name]?.(from, donor, random) ?? Buffer.alloc(0);
      if (mutant.equals(license.file) || mutant.equals(otherLicense.file)) continue;
      // The bundle names the mutant's digest, so that verification does not stop at that mismatch.
      const bundle = JSON.parse(from.bundle.toString());
      const matchingBundle = Buffer.from(JSON.stringify({ ...bundle, document: digestOf(mutant) }));
      const { verdict } = verifyFile(mutant, matchingBundle, at);
      if (verdict === 'TOTAL_PASSED') throw new Error(`mutant ${i} (${name}) was accepted`);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    for (const [name, forge] of Object.entries(FORGERIES)) {
      for (const bundle of [license.bundle, otherLicense.bundle]) {
        expect([name, verifyFile(forge(license, otherLicense), bundle, at).verdict]).not.toEqual([
          name,
          'TOTAL_PASSED',
        ]);
      }
    }
    expect([...verdicts.keys()].toSorted()).toEqual(['INDETERMINATE', 'TOTAL_FAILED']);
    for (const { file, bundle } of subjects)
      expect(verifyFile(Buffer.from(file), bundle, at).verdict).toBe('TOTAL_PASSED');
  });
});
