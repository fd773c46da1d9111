import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitSignature } from '../../scripts/split.ts';
import { tamperAttachment, tamperPageContent } from '../../scripts/tamper.ts';
import { imageOf } from '../../subgraphs/kernel/seal-image.ts';
import { insertSignature, makeSealable, type Picture } from '../../subgraphs/kernel/sealed-pdf.ts';
import type { LibraryDelivery } from '../../subgraphs/licenses/library.ts';
import { sealPng } from '../support/picture.ts';
import { seal } from './authority.ts';
import { type Authority, type City, makeAuthority, makeLicense, openCity, reason, wire } from './city.ts';

let authority: Authority;
let city: City;
beforeAll(async () => {
  authority = makeAuthority();
  city = await openCity(authority);
});
afterAll(() => city.close());

const DRAWN: Picture = { width: 10, height: 10, operators: '0 0 10 10 re f' };

/** A version with an embedded signature. `change` edits the file before it is signed, `forge` edits it afterwards. */
function inside(
  serial: string,
  change: (file: Buffer) => Buffer = (file) => file,
  forge: (file: Buffer) => Buffer = (file) => file,
  picture: Picture = DRAWN,
): LibraryDelivery {
  const plain = makeLicense(authority, serial).version('ISSUE', 1, 1);
  const at = new Date('2024-03-05T01:58:00Z');
  const place = { page: 1, x: 100, y: 100 };
  const sealable = change(Buffer.from(makeSealable(plain.document, { name: '测试章', at, picture, place })));
  const cms = seal(splitSignature(sealable).covered, {
    signer: authority.signer,
    issuer: authority.issuing,
    signingTime: new Date('2024-03-05T01:59:00Z'),
  });
  const document = forge(Buffer.from(insertSignature(sealable, cms)));
  const documentDigest = createHash('sha256').update(document).digest('hex');
  return { ...plain, document, documentDigest, signature: null };
}

/** Replaces text without moving the bytes after it. */
const replace = (from: RegExp, to: (found: string) => string) => (file: Buffer) =>
  Buffer.from(
    file.toString('latin1').replace(from, (found) => to(found).padEnd(found.length)),
    'latin1',
  );

describe('a document with an embedded signature', () => {
  it('is collected and shown unchanged', async () => {
    const delivery = inside('I001');
    const collected = await city.collect(delivery);
    expect(collected).toMatchObject({ code: 1 });
    expect((await city.collect(delivery)).receipt).toBe(collected.receipt);
    const { certificate } = await city.get(`/certificates/${delivery.identifier}`);
    expect(certificate).toMatchObject({ document: wire(delivery).document, signature: null });
  });

  it("is collected with an office's own picture of the seal", async () => {
    const asIs = (file: Buffer) => file;
    expect(await city.collect(inside('I003', asIs, asIs, imageOf(sealPng())))).toMatchObject({ code: 1 });
  });

  const asIs = (file: Buffer) => file;
  it.each([
    ['a revision appended to the page', 'SIGNATURE_UNREADABLE', asIs, tamperPageContent],
    ['a revision appended to the record', 'SIGNATURE_UNREADABLE', asIs, tamperAttachment],
    ['a changed byte', 'SIGNATURE_OF_OTHER_DOCUMENT', asIs, replace(/\/P 1 \/V/, () => '/P 2 /V')],
    ['another subfilter', 'SIGNATURE_UNREADABLE', replace(/ETSI\.CAdES\.detached/, () => 'adbe.pkcs7.detached'), asIs],
    ['a byte range without the head of the file', 'SIGNATURE_UNREADABLE', asIs, replace(/\[0 {9}/, () => '[7')],
    ['no signature field', 'SIGNATURE_UNREADABLE', replace(/\/Fields \[\d+ 0 R\]/, () => '/Fields []'), asIs],
    [
      'two signature fields',
      'SIGNATURE_UNREADABLE',
      replace(/\/Fields \[(\d+ 0 R)\] \/SigFlags 3/, (found) => found.replace(/\[(.*)\] .*/, '[$1 $1]')),
      asIs,
    ],
    ['a file that is not a PDF', 'SIGNATURE_UNREADABLE', asIs, () => Buffer.from('not a PDF')],
  ] as const)('is refused with %s', async (_what, code, change, forge) => {
    const delivery = inside('I002', change, forge);
    for (const path of ['/certificates/validate', '/certificates/collect']) {
      expect(reason(await city.ask(path, wire(delivery)))).toBe(code);
    }
  });

  it('a statement must have a detached signature', async () => {
    const statement = makeLicense(authority, 'I001').statement('SUSPEND', 'SUSPENDED', 2, 1);
    expect(reason(await city.collect({ ...statement, signature: null }))).toBe('REQUEST_MALFORMED');
    expect(await city.collect(statement)).toMatchObject({ code: 1 });
  });
});
