import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { der, extension, type Issued, issue, oid, type SealOptions, seal } from './authority.ts';
import {
  type Authority,
  type City,
  type Detached,
  identifierOf,
  makeAuthority,
  makeLicense,
  makePdf,
  ORGAN,
  openCity,
  reason,
  type TestLicense,
  wire,
} from './city.ts';

let authority: Authority;
let city: City;
let license: TestLicense;
let good: Detached;
const errors: unknown[] = [];

beforeAll(async () => {
  authority = makeAuthority();
  city = await openCity(authority, errors);
  license = makeLicense(authority, 'C001');
  good = license.version('ISSUE', 1, 1);
});
afterAll(async () => {
  const counts = await city.app().inject({ url: '/' });
  await city.close();
  expect(counts.body).toContain('尚无证照');
  expect(errors).toEqual([]);
});

/** Returns the reason code with which both validate and collect refuse a delivery. */
async function refused(delivery: object): Promise<string | undefined> {
  const body = wire(delivery as Detached);
  const validated = await city.ask('/certificates/validate', body);
  const collected = await city.ask('/certificates/collect', body);
  expect(validated).toEqual(collected);
  expect(collected).toMatchObject({ code: 0, temporary: false });
  return reason(collected);
}

const resealed = (sealed: Partial<SealOptions>) => license.version('ISSUE', 1, 1, { sealed });
const signerOf = (options: Partial<Parameters<typeof issue>[0]>): Issued =>
  issue({ organization: ORGAN, common: '测试章', issuer: authority.issuing, keys: authority.signer, ...options });

describe('documents', () => {
  it('refuses an altered document with the old and with a new digest', async () => {
    const document = Uint8Array.from(good.document);
    document[400] = (document[400] ?? 0) ^ 1;
    expect(await refused({ ...good, document })).toBe('DOCUMENT_DIGEST');
    const { createHash } = await import('node:crypto');
    const documentDigest = createHash('sha256').update(document).digest('hex');
    expect(await refused({ ...good, document, documentDigest })).toBe('SIGNATURE_OF_OTHER_DOCUMENT');
  });

  it('refuses a valid signature over another PDF', async () => {
    const other = makeLicense(authority, 'C002').version('ISSUE', 1, 1);
    expect(await refused({ ...good, signature: other.signature })).toBe('SIGNATURE_OF_OTHER_DOCUMENT');
  });

  it('refuses a statement signature over other JSON', async () => {
    const suspended = license.statement('SUSPEND', 'SUSPENDED', 2, 1);
    const cancelled = license.statement('CANCEL', 'CANCELLED', 2, 1);
    expect(await refused({ ...cancelled, signature: suspended.signature })).toBe('SIGNATURE_OF_OTHER_DOCUMENT');
  });

  it('refuses a record that differs from the one in the document', async () => {
    const record = { ...good.record, CZZT: '别人' };
    expect(await refused({ ...good, record })).toBe('RECORD_MISMATCH');
    const suspended = license.statement('SUSPEND', 'SUSPENDED', 2, 1);
    expect(await refused({ ...suspended, record: { ...suspended.record, SM: '' } })).toBe('RECORD_MISMATCH');
  });

  it('refuses a signed document sent as another license, version, act or state', async () => {
    const elsewhere = makeLicense(authority, 'C003').version('ISSUE', 1, 1);
    expect(await refused({ ...good, number: 'C003' })).toBe('RECORD_MISMATCH');
    expect(await refused({ ...good, identifier: elsewhere.identifier })).toBe('RECORD_MISMATCH');
    expect(await refused({ ...good, version: 2, identifier: identifierOf('C001', 2) })).toBe('RECORD_MISMATCH');
    expect(await refused({ ...good, version: 2 })).toBe('IDENTIFIER_INVALID');
    expect(await refused({ ...good, act: 'RENEW' })).toBe('RECORD_MISMATCH');
    expect(await refused({ ...good, state: 'SUSPENDED' })).toBe('RECORD_MISMATCH');
  });

  it('refuses an identifier with a wrong check character', async () => {
    const identifier = `${good.identifier.slice(0, -1)}${good.identifier.endsWith('A') ? 'B' : 'A'}`;
    const wrong = license.version('ISSUE', 1, 1, { record: { ZZBS: identifier } });
    expect(await refused({ ...wrong, identifier })).toBe('IDENTIFIER_INVALID');
  });

  it('refuses a signed file that is not a PDF or contains no record', async () => {
    const { createHash } = await import('node:crypto');
    const files = [Buffer.from('not a PDF at all'), good.document.subarray(0, 5000), makePdf('{ not JSON')];
    for (const document of files) {
      const signature = seal(document, { signer: authority.signer, issuer: authority.issuing });
      const documentDigest = createHash('sha256').update(document).digest('hex');
      expect(await refused({ ...good, document, documentDigest, signature })).toBe('DOCUMENT_UNREADABLE');
    }
  });
});

describe('signatures', () => {
  it('refuses bytes that are not a signature', async () => {
    const cut = good.signature.subarray(0, -1);
    const longer = Buffer.concat([good.signature, Buffer.from([0])]);
    for (const signature of [
      Buffer.from('garbage'),
      cut,
      longer,
      Buffer.alloc(300, 0x30),
      Buffer.from([0x30, 0x80, 0, 0]),
    ]) {
      expect(await refused({ ...good, signature })).toBe('SIGNATURE_UNREADABLE');
    }
  });

  it('refuses every signature with one octet changed', async () => {
    const step = 7;
    for (let at = 0; at < good.signature.length; at += step) {
      const signature = Uint8Array.from(good.signature);
      signature[at] = (signature[at] ?? 0) ^ 0x01;
      expect(await refused({ ...good, signature }), `octet ${at}`).toMatch(/^SIGN/);
    }
  });

  it('refuses signed attributes that are missing, duplicate or out of order', async () => {
    const drop = (index: number) => (sorted: Buffer[]) => sorted.filter((_, i) => i !== index);
    const reversed = (sorted: Buffer[]) => sorted.toReversed();
    const doubled = (sorted: Buffer[]) => [...sorted, ...sorted];
    for (const attributes of [drop(0), drop(1), drop(2), reversed, doubled]) {
      expect(await refused(resealed({ attributes, signingTime: undefined }))).toBe('SIGNATURE_UNREADABLE');
    }
  });

  it('refuses a signature that binds another certificate', async () => {
    expect(await refused(resealed({ bound: authority.issuing.certificate }))).toBe('SIGNATURE_INVALID');
    const twin = signerOf({});
    const swapped = resealed({ signer: { ...twin, serial: authority.signer.serial }, bound: twin.certificate });
    expect(await refused(swapped)).toMatch(/^SIGNATURE_/);
  });

  it('refuses a signing-time in the future', async () => {
    expect(await refused(resealed({ signingTime: new Date('2024-03-06T00:00:00Z') }))).toBe('SIGNER_EXPIRED');
  });
});

describe('chains', () => {
  const untrusted = async (signer: Issued, issuer: Issued, enclose?: Uint8Array[]) =>
    refused(resealed({ signer, issuer, ...(enclose ? { enclose } : {}) }));

  it('refuses a root that is not pinned, enclosed or not', async () => {
    const other = makeAuthority();
    expect(await untrusted(other.signer, other.issuing)).toBe('SIGNER_UNTRUSTED');
    const all = [other.signer, other.issuing, other.root].map(({ certificate }) => certificate);
    expect(await untrusted(other.signer, other.issuing, all)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses a chain with a missing certificate', async () => {
    expect(await untrusted(authority.signer, authority.issuing, [authority.signer.certificate])).toBe(
      'SIGNER_UNTRUSTED',
    );
  });

  it('refuses a certificate of the same names from another key', async () => {
    const forged = { ...authority.issuing, privateKey: authority.signer.privateKey };
    expect(await untrusted(signerOf({ issuer: forged }), authority.issuing)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses an issuer that is not an authority, and one that exceeds the path length', async () => {
    const below = issue({ organization: ORGAN, common: '下级', issuer: authority.signer, keys: authority.signer });
    const viaSeal = [below, authority.signer, authority.issuing].map(({ certificate }) => certificate);
    expect(await untrusted(below, authority.signer, viaSeal)).toBe('SIGNER_UNTRUSTED');
    const deeper = issue({ organization: '测试', common: '下级', issuer: authority.issuing, isCa: true });
    const signer = signerOf({ issuer: deeper });
    const viaDeeper = [signer, deeper, authority.issuing].map(({ certificate }) => certificate);
    expect(await untrusted(signer, deeper, viaDeeper)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses a signer outside its validity', async () => {
    const { issuing } = authority;
    expect(await untrusted(signerOf({ validUntil: new Date('2024-03-01T00:00:00Z') }), issuing)).toBe('SIGNER_EXPIRED');
    expect(await untrusted(signerOf({ validFrom: new Date('2024-04-01T00:00:00Z') }), issuing)).toBe('SIGNER_EXPIRED');
  });

  it('refuses a signer that may not sign, is an authority, or has an unknown critical extension', async () => {
    const { issuing } = authority;
    const purpose = (id: string) => [extension('2.5.29.37', false, der(0x30, oid(id)))];
    expect(await untrusted(signerOf({ keyUsage: 0x20 }), issuing)).toBe('SIGNER_UNTRUSTED');
    expect(await untrusted(signerOf({ isCa: true }), issuing)).toBe('SIGNER_UNTRUSTED');
    expect(await untrusted(signerOf({ extra: [extension('1.2.3.4', true, der(0x05))] }), issuing)).toBe(
      'SIGNER_UNTRUSTED',
    );
    expect(await untrusted(signerOf({ extra: purpose('1.3.6.1.5.5.7.3.1') }), issuing)).toBe('SIGNER_UNTRUSTED');
  });

  it('refuses a valid seal of another organ', async () => {
    expect(await untrusted(signerOf({ organization: '于都县林业局' }), authority.issuing)).toBe('SIGNER_NOT_ISSUER');
  });
});
