import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { der, extension, type IssuedCertificate, issueCertificate, oid, type SealOptions, seal } from './authority.ts';
import {
  type Authority,
  type DetachedDelivery,
  firstReasonCode,
  identifierOf,
  makeAuthority,
  makeLicense,
  makePdf,
  ORGAN,
  openTestLibrary,
  type TestLibrary,
  type TestLicense,
  toRequestBody,
} from './test-library.ts';

let authority: Authority;
let library: TestLibrary;
let license: TestLicense;
let validDelivery: DetachedDelivery;
const errors: unknown[] = [];

beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority, errors);
  license = makeLicense(authority, 'C001');
  validDelivery = license.version('ISSUE', 1, 1);
});
afterAll(async () => {
  const startPage = await library.app().inject({ url: '/' });
  await library.close();
  expect(startPage.body).toContain('尚无证照');
  expect(errors).toEqual([]);
});

/** Returns the reason code with which both validate and collect refuse a delivery. */
async function refusalCode(delivery: object): Promise<string | undefined> {
  const body = toRequestBody(delivery as DetachedDelivery);
  const validated = await library.ask('/certificates/validate', body);
  const collected = await library.ask('/certificates/collect', body);
  expect(validated).toEqual(collected);
  expect(collected).toMatchObject({ code: 0, temporary: false });
  return firstReasonCode(collected);
}

const resealDelivery = (sealed: Partial<SealOptions>) => license.version('ISSUE', 1, 1, { sealed });
const signerOf = (options: Partial<Parameters<typeof issueCertificate>[0]>): IssuedCertificate =>
  issueCertificate({
    organization: ORGAN,
    common: '测试章',
    issuer: authority.issuing,
    keys: authority.signer,
    ...options,
  });

describe('documents', () => {
  it('refuses an altered document with the old and with a new digest', async () => {
    const document = Uint8Array.from(validDelivery.document);
    document[400] = (document[400] ?? 0) ^ 1;
    expect(await refusalCode({ ...validDelivery, document })).toBe('DOCUMENT_DIGEST');
    const { createHash } = await import('node:crypto');
    const documentDigest = createHash('sha256').update(document).digest('hex');
    expect(await refusalCode({ ...validDelivery, document, documentDigest })).toBe('SIGNATURE_OF_OTHER_DOCUMENT');
  });

  it('refuses a valid signature over another PDF', async () => {
    const other = makeLicense(authority, 'C002').version('ISSUE', 1, 1);
    expect(await refusalCode({ ...validDelivery, signature: other.signature })).toBe('SIGNATURE_OF_OTHER_DOCUMENT');
  });

  it('refuses a statement signature over other JSON', async () => {
    const suspended = license.statement('SUSPEND', 'SUSPENDED', 2, 1);
    const cancelled = license.statement('CANCEL', 'CANCELLED', 2, 1);
    expect(await refusalCode({ ...cancelled, signature: suspended.signature })).toBe('SIGNATURE_OF_OTHER_DOCUMENT');
  });

  it('refuses a record that differs from the one in the document', async () => {
    const record = { ...validDelivery.record, CZZT: '别人' };
    expect(await refusalCode({ ...validDelivery, record })).toBe('RECORD_MISMATCH');
    const suspended = license.statement('SUSPEND', 'SUSPENDED', 2, 1);
    expect(await refusalCode({ ...suspended, record: { ...suspended.record, SM: '' } })).toBe('RECORD_MISMATCH');
  });

  it('refuses a signed document sent as another license, version, act or state', async () => {
    const otherDelivery = makeLicense(authority, 'C003').version('ISSUE', 1, 1);
    expect(await refusalCode({ ...validDelivery, number: 'C003' })).toBe('RECORD_MISMATCH');
    expect(await refusalCode({ ...validDelivery, identifier: otherDelivery.identifier })).toBe('RECORD_MISMATCH');
    expect(await refusalCode({ ...validDelivery, version: 2, identifier: identifierOf('C001', 2) })).toBe(
      'RECORD_MISMATCH',
    );
    expect(await refusalCode({ ...validDelivery, version: 2 })).toBe('IDENTIFIER_INVALID');
    expect(await refusalCode({ ...validDelivery, act: 'RENEW' })).toBe('RECORD_MISMATCH');
    expect(await refusalCode({ ...validDelivery, state: 'SUSPENDED' })).toBe('RECORD_MISMATCH');
  });

  it('refuses an identifier with a wrong check character', async () => {
    const identifier = `${validDelivery.identifier.slice(0, -1)}${validDelivery.identifier.endsWith('A') ? 'B' : 'A'}`;
    const wrongDelivery = license.version('ISSUE', 1, 1, { record: { ZZBS: identifier } });
    expect(await refusalCode({ ...wrongDelivery, identifier })).toBe('IDENTIFIER_INVALID');
  });

  it('refuses a signed file that is not a PDF or contains no record', async () => {
    const { createHash } = await import('node:crypto');
    const files = [Buffer.from('not a PDF at all'), validDelivery.document.subarray(0, 5000), makePdf('{ not JSON')];
    for (const document of files) {
      const signature = seal(document, { signer: authority.signer, issuer: authority.issuing });
      const documentDigest = createHash('sha256').update(document).digest('hex');
      expect(await refusalCode({ ...validDelivery, document, documentDigest, signature })).toBe('DOCUMENT_UNREADABLE');
    }
  });
});

describe('signatures', () => {
  it('refuses bytes that are not a signature', async () => {
    const truncated = validDelivery.signature.subarray(0, -1);
    const extended = Buffer.concat([validDelivery.signature, Buffer.from([0])]);
    for (const signature of [
      Buffer.from('garbage'),
      truncated,
      extended,
      Buffer.alloc(300, 0x30),
      Buffer.from([0x30, 0x80, 0, 0]),
    ]) {
      expect(await refusalCode({ ...validDelivery, signature })).toBe('SIGNATURE_UNREADABLE');
    }
  });

  it('refuses every signature with one octet changed', async () => {
    const step = 7;
    for (let at = 0; at < validDelivery.signature.length; at += step) {
      const signature = Uint8Array.from(validDelivery.signature);
      signature[at] = (signature[at] ?? 0) ^ 0x01;
      expect(await refusalCode({ ...validDelivery, signature }), `octet ${at}`).toMatch(/^SIGN/);
    }
  });

  it('refuses signed attributes that are missing, duplicate or out of order', async () => {
    const drop = (index: number) => (sorted: Buffer[]) => sorted.filter((_, i) => i !== index);
    const reversed = (sorted: Buffer[]) => sorted.toReversed();
    const doubled = (sorted: Buffer[]) => [...sorted, ...sorted];
    for (const attributes of [drop(0), drop(1), drop(2), reversed, doubled]) {
      expect(await refusalCode(resealDelivery({ attributes, signingTime: undefined }))).toBe('SIGNATURE_UNREADABLE');
    }
  });

  it('refuses a signature that binds another certificate', async () => {
    expect(await refusalCode(resealDelivery({ bound: authority.issuing.certificate }))).toBe('SIGNATURE_INVALID');
    const twinSigner = signerOf({});
    const swappedDelivery = resealDelivery({
      signer: { ...twinSigner, serial: authority.signer.serial },
      bound: twinSigner.certificate,
    });
    expect(await refusalCode(swappedDelivery)).toMatch(/^SIGNATURE_/);
  });

  it('refuses a signing-time in the future', async () => {
    expect(await refusalCode(resealDelivery({ signingTime: new Date('2024-03-06T00:00:00Z') }))).toBe('SIGNER_EXPIRED');
  });
});

describe('chains', () => {
  const refusalOfSigner = async (signer: IssuedCertificate, issuer: IssuedCertificate, enclose?: Uint8Array[]) =>
    refusalCode(resealDelivery({ signer, issuer, ...(enclose ? { enclose } : {}) }));

  it('refuses a root that is not pinned, enclosed or not', async () => {
    const other = makeAuthority();
    expect(await refusalOfSigner(other.signer, other.issuing)).toBe('SIGNER_UNTRUSTED');
    const all = [other.signer, other.issuing, other.root].map(({ certificate }) => certificate);
    expect(await refusalOfSigner(other.signer, other.issuing, all)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses a chain with a missing certificate', async () => {
    expect(await refusalOfSigner(authority.signer, authority.issuing, [authority.signer.certificate])).toBe(
      'SIGNER_UNTRUSTED',
    );
  });

  it('refuses a certificate of the same names from another key', async () => {
    const forgedIssuer = { ...authority.issuing, privateKey: authority.signer.privateKey };
    expect(await refusalOfSigner(signerOf({ issuer: forgedIssuer }), authority.issuing)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses an issuer that is not an authority, and one that exceeds the path length', async () => {
    const subordinateSigner = issueCertificate({
      organization: ORGAN,
      common: '下级',
      issuer: authority.signer,
      keys: authority.signer,
    });
    const viaSeal = [subordinateSigner, authority.signer, authority.issuing].map(({ certificate }) => certificate);
    expect(await refusalOfSigner(subordinateSigner, authority.signer, viaSeal)).toBe('SIGNER_UNTRUSTED');
    const deeperAuthority = issueCertificate({
      organization: '测试',
      common: '下级',
      issuer: authority.issuing,
      isCa: true,
    });
    const signer = signerOf({ issuer: deeperAuthority });
    const viaDeeper = [signer, deeperAuthority, authority.issuing].map(({ certificate }) => certificate);
    expect(await refusalOfSigner(signer, deeperAuthority, viaDeeper)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses a signer outside its validity', async () => {
    const { issuing } = authority;
    expect(await refusalOfSigner(signerOf({ validUntil: new Date('2024-03-01T00:00:00Z') }), issuing)).toBe(
      'SIGNER_EXPIRED',
    );
    expect(await refusalOfSigner(signerOf({ validFrom: new Date('2024-04-01T00:00:00Z') }), issuing)).toBe(
      'SIGNER_EXPIRED',
    );
  });

  it('refuses a signer that may not sign, is an authority, or has an unknown critical extension', async () => {
    const { issuing } = authority;
    const purpose = (id: string) => [extension('2.5.29.37', false, der(0x30, oid(id)))];
    expect(await refusalOfSigner(signerOf({ keyUsage: 0x20 }), issuing)).toBe('SIGNER_UNTRUSTED');
    expect(await refusalOfSigner(signerOf({ isCa: true }), issuing)).toBe('SIGNER_UNTRUSTED');
    expect(await refusalOfSigner(signerOf({ extra: [extension('1.2.3.4', true, der(0x05))] }), issuing)).toBe(
      'SIGNER_UNTRUSTED',
    );
    expect(await refusalOfSigner(signerOf({ extra: purpose('1.3.6.1.5.5.7.3.1') }), issuing)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses a valid seal of another organ', async () => {
    expect(await refusalOfSigner(signerOf({ organization: '于都县林业局' }), authority.issuing)).toBe(
      'SIGNER_NOT_ISSUER',
    );
  });
});
