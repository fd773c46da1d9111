import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tamperAttachment, tamperPageContent } from '../../scripts/demo/tamper.ts';
import { splitSignature } from '../../scripts/split.ts';
import { toSealImage } from '../../subgraphs/kernel/pdf/seal-image.ts';
import { insertSignature, makeSealable, type Picture } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { LibraryDelivery } from '../../subgraphs/licenses/library/library-client.ts';
import { buildSealPng } from '../support/seal-png.ts';
import { seal } from './authority.ts';
import {
  type Authority,
  firstReasonCode,
  makeAuthority,
  makeLicense,
  openTestLibrary,
  type TestLibrary,
  toRequestBody,
} from './test-library.ts';

let authority: Authority;
let library: TestLibrary;
beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority);
});
afterAll(() => library.close());

const DRAWN_PICTURE: Picture = { width: 10, height: 10, operators: '0 0 10 10 re f' };

/** A version with an embedded signature. `change` edits the file before it is signed, `forge` edits it afterwards. */
function embeddedDelivery(
  serial: string,
  change: (file: Buffer) => Buffer = (file) => file,
  forge: (file: Buffer) => Buffer = (file) => file,
  picture: Picture = DRAWN_PICTURE,
): LibraryDelivery {
  const detachedDelivery = makeLicense(authority, serial).version('ISSUE', 1, 1);
  const at = new Date('2024-03-05T01:58:00Z');
  const place = { page: 1, x: 100, y: 100 };
  const sealable = change(Buffer.from(makeSealable(detachedDelivery.document, { name: '测试章', at, picture, place })));
  const cms = seal(splitSignature(sealable).covered, {
    signer: authority.signer,
    issuer: authority.issuing,
    signingTime: new Date('2024-03-05T01:59:00Z'),
  });
  const document = forge(Buffer.from(insertSignature(sealable, cms)));
  const documentDigest = createHash('sha256').update(document).digest('hex');
  return { ...detachedDelivery, document, documentDigest, signature: null };
}

/** Replaces text without moving the bytes after it. */
const replace = (from: RegExp, to: (matched: string) => string) => (file: Buffer) =>
  Buffer.from(
    file.toString('latin1').replace(from, (matched) => to(matched).padEnd(matched.length)),
    'latin1',
  );

describe('a document with an embedded signature', () => {
  it('is collected and shown unchanged', async () => {
    const delivery = embeddedDelivery('I001');
    const collected = await library.collect(delivery);
    expect(collected).toMatchObject({ code: 1 });
    expect((await library.collect(delivery)).receipt).toBe(collected.receipt);
    const { certificate } = await library.get(`/certificates/${delivery.identifier}`);
    expect(certificate).toMatchObject({ document: toRequestBody(delivery).document, signature: null });
  });

  it("is collected with an office's own picture of the seal", async () => {
    const keepUnchanged = (file: Buffer) => file;
    expect(
      await library.collect(embeddedDelivery('I003', keepUnchanged, keepUnchanged, toSealImage(buildSealPng()))),
    ).toMatchObject({ code: 1 });
  });

  const keepUnchanged = (file: Buffer) => file;
  it.each([
    ['a revision appended to the page', 'SIGNATURE_UNREADABLE', keepUnchanged, tamperPageContent],
    ['a revision appended to the record', 'SIGNATURE_UNREADABLE', keepUnchanged, tamperAttachment],
    ['a changed byte', 'SIGNATURE_OF_OTHER_DOCUMENT', keepUnchanged, replace(/\/P 1 \/V/, () => '/P 2 /V')],
    [
      'another subfilter',
      'SIGNATURE_UNREADABLE',
      replace(/ETSI\.CAdES\.detached/, () => 'adbe.pkcs7.detached'),
      keepUnchanged,
    ],
    [
      'a byte range without the head of the file',
      'SIGNATURE_UNREADABLE',
      keepUnchanged,
      replace(/\[0 {9}/, () => '[7'),
    ],
    ['no signature field', 'SIGNATURE_UNREADABLE', replace(/\/Fields \[\d+ 0 R\]/, () => '/Fields []'), keepUnchanged],
    [
      'two signature fields',
      'SIGNATURE_UNREADABLE',
      replace(/\/Fields \[(\d+ 0 R)\] \/SigFlags 3/, (matched) => matched.replace(/\[(.*)\] .*/, '[$1 $1]')),
      keepUnchanged,
    ],
    ['a file that is not a PDF', 'SIGNATURE_UNREADABLE', keepUnchanged, () => Buffer.from('not a PDF')],
  ] as const)('is refused with %s', async (_what, code, change, forge) => {
    const delivery = embeddedDelivery('I002', change, forge);
    for (const path of ['/certificates/validate', '/certificates/collect']) {
      expect(firstReasonCode(await library.ask(path, toRequestBody(delivery)))).toBe(code);
    }
  });

  it('a statement must have a detached signature', async () => {
    const statement = makeLicense(authority, 'I001').statement('SUSPEND', 'SUSPENDED', 2, 1);
    expect(firstReasonCode(await library.collect({ ...statement, signature: null }))).toBe('REQUEST_MALFORMED');
    expect(await library.collect(statement)).toMatchObject({ code: 1 });
  });
});
