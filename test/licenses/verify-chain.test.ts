import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import {
  type CertificateOptions,
  der,
  extension,
  type Issued,
  issue,
  makeKeys,
  oid,
  type SealOptions,
  seal,
} from '../library/authority.ts';
import { record } from '../support/record.ts';

/** The narrow profile of certificates and signatures that the verifier accepts, one rule after the other. */

const AT = new Date('2026-11-23T02:00:00Z');
const SIGNED_AT = new Date('2026-11-23T01:02:03Z');
const strong = () => generateKeyPairSync('rsa', { modulusLength: 3072 });
const KEYS = { root: strong(), issuing: strong(), seal: strong() };
const PDF = Buffer.from(renderLicense(record));

type Level = keyof typeof KEYS;
type Changes = Partial<Record<Level, Partial<CertificateOptions>>>;

/** Root, issuing authority and seal as they should be, but for what a test changes. */
function chain(changes: Changes = {}): Record<Level, Issued> {
  const make = (level: Level, options: Omit<CertificateOptions, 'keys'>) =>
    issue({ keys: KEYS[level], ...options, ...changes[level] });
  const root = make('root', { organization: '测试', common: '根', issuer: null, isCa: true, pathLength: 1 });
  const issuing = make('issuing', { organization: '测试', common: '签发', issuer: root, isCa: true, pathLength: 0 });
  return { root, issuing, seal: make('seal', { organization: record.ZZBFJG, common: '审批专用章', issuer: issuing }) };
}

function judge(made: Record<Level, Issued>, changes: Partial<SealOptions> = {}, at = AT) {
  const signature = seal(PDF, { signer: made.seal, issuer: made.issuing, signingTime: SIGNED_AT, ...changes });
  return verify({ pdf: PDF, signature, roots: [made.root.certificate] }, at).subIndication;
}

const GOOD = chain();
const UNKNOWN = extension('1.2.3.4', true, der(0x05));
const NAME_CONSTRAINTS = extension('2.5.29.30', false, der(0x30));
const KEY_USAGE_AGAIN = extension('2.5.29.15', true, der(0x03, Buffer.from([0, 0xff])));
const purpose = (id: string) => extension('2.5.29.37', false, der(0x30, oid(id)));
const past = { validFrom: new Date('2020-01-01T00:00:00Z'), validUntil: new Date('2026-06-01T00:00:00Z') };

describe('the chain', () => {
  test('is seal, issuing authority and pinned root, as they should be', () => {
    expect(judge(GOOD)).toBeNull();
  });
  test.each<[string, Changes]>([
    ['a seal that is an authority', { seal: { isCa: true, keyUsage: 0xc6 } }],
    ['a root that may have no authority below it', { root: { pathLength: 0 } }],
    ['a seal certificate with an unknown critical extension', { seal: { extra: [UNKNOWN] } }],
    ['a seal certificate with name constraints', { seal: { extra: [NAME_CONSTRAINTS] } }],
    ['a seal certificate with an extension twice', { seal: { extra: [KEY_USAGE_AGAIN] } }],
    ['a seal for web servers', { seal: { extra: [purpose('1.3.6.1.5.5.7.3.1')] } }],
    ['an issuing authority not yet in force when it was signed', { issuing: { validFrom: AT } }],
    ['a root not yet in force when it was signed', { root: { validFrom: AT } }],
  ])('%s: CHAIN_CONSTRAINTS_FAILURE', (_, changes) => {
    expect(judge(chain(changes))).toBe('CHAIN_CONSTRAINTS_FAILURE');
  });
  test('a seal for signing documents is accepted', () => {
    expect(judge(chain({ seal: { extra: [purpose('1.3.6.1.5.5.7.3.36')] } }))).toBeNull();
  });
  test.each<[string, Changes]>([
    ['an issuing authority that is none', { issuing: { isCa: false } }],
    ['an issuing authority that may not sign certificates', { issuing: { keyUsage: 0x02 } }],
    ['an issuing authority with an unknown critical extension', { issuing: { extra: [UNKNOWN] } }],
    ['an issuing authority with name constraints', { issuing: { extra: [NAME_CONSTRAINTS] } }],
    ['a root with an unknown critical extension', { root: { extra: [UNKNOWN] } }],
  ])('%s: no way is found', (_, changes) => {
    expect(judge(chain(changes))).toMatch(/^(NO_CERTIFICATE_CHAIN_FOUND|CHAIN_CONSTRAINTS_FAILURE)$/);
  });
  test.each(['seal', 'issuing', 'root'] as const)(
    'a key of 2048 bits in the %s: CRYPTO_CONSTRAINTS_FAILURE',
    (level) => {
      expect(judge(chain({ [level]: { keys: makeKeys() } }))).toBe('CRYPTO_CONSTRAINTS_FAILURE');
    },
  );
  test.each(['seal', 'issuing', 'root'] as const)(
    '%s at its end without a timestamp: OUT_OF_BOUNDS_NO_POE',
    (level) => {
      const made = chain({ [level]: { validUntil: new Date('2027-01-01T00:00:00Z') } });
      expect(judge(made)).toBeNull();
      expect(judge(made, {}, new Date('2027-06-01T00:00:00Z'))).toBe('OUT_OF_BOUNDS_NO_POE');
    },
  );
  test('a seal expired before it signed: EXPIRED', () => {
    expect(judge(chain({ seal: past }))).toBe('EXPIRED');
  });
  test('no authority carried along, one too many, or none between: NO_CERTIFICATE_CHAIN_FOUND', () => {
    expect(judge(GOOD, { enclose: [GOOD.seal.certificate] })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
    const second = issue({
      organization: '测试',
      common: '二级',
      issuer: GOOD.issuing,
      isCa: true,
      keys: KEYS.issuing,
    });
    const deep = issue({ organization: record.ZZBFJG, common: '章', issuer: second, keys: KEYS.seal });
    const enclose = [deep.certificate, second.certificate, GOOD.issuing.certificate];
    expect(judge({ ...GOOD, seal: deep, issuing: second }, { enclose })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
    const direct = issue({ organization: record.ZZBFJG, common: '章', issuer: GOOD.root, keys: KEYS.seal });
    expect(judge({ ...GOOD, seal: direct, issuing: GOOD.root })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
  });
  test('a certificate signed by somebody else under the authority’s name: NO_CERTIFICATE_CHAIN_FOUND', () => {
    const fake = issue({ organization: '测试', common: '签发', issuer: null, isCa: true, keys: strong() });
    const forged = issue({ organization: record.ZZBFJG, common: '章', issuer: fake, keys: KEYS.seal });
    expect(judge({ ...GOOD, seal: forged })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
  });
  test('a root that cannot be read is no root, and hides none behind it', () => {
    const signature = seal(PDF, { signer: GOOD.seal, issuer: GOOD.issuing, signingTime: SIGNED_AT });
    const judged = (roots: Uint8Array[]) => verify({ pdf: PDF, signature, roots }, AT).subIndication;
    expect(judged([Buffer.from('garbage')])).toBe('NO_CERTIFICATE_CHAIN_FOUND');
    expect(judged([Buffer.from('garbage'), GOOD.root.certificate])).toBeNull();
    expect(judged([GOOD.issuing.certificate])).toBe('NO_CERTIFICATE_CHAIN_FOUND');
  });
});

describe('the signed attributes', () => {
  const change = (attributes: SealOptions['attributes']) => judge(GOOD, { attributes });
  test.each([0, 1, 2, 3])('without attribute %i: FORMAT_FAILURE', (index) => {
    expect(change((sorted) => sorted.filter((_, i) => i !== index))).toBe('FORMAT_FAILURE');
  });
  test('out of DER order, or one twice: FORMAT_FAILURE', () => {
    expect(change((sorted) => sorted.toReversed())).toBe('FORMAT_FAILURE');
    expect(change((sorted) => sorted.flatMap((one) => [one, one]))).toBe('FORMAT_FAILURE');
  });
  test('one more, unknown here: SIG_CONSTRAINTS_FAILURE', () => {
    const more = der(0x30, oid('1.2.3.4'), der(0x31, der(0x05)));
    expect(change((sorted) => [...sorted, more].sort(Buffer.compare))).toBe('SIG_CONSTRAINTS_FAILURE');
  });
  test('signing-certificate-v2 of another certificate: NO_SIGNING_CERTIFICATE_FOUND', () => {
    expect(judge(GOOD, { bound: GOOD.root.certificate })).toBe('NO_SIGNING_CERTIFICATE_FOUND');
    expect(judge(GOOD, { bound: GOOD.issuing.certificate })).toBe('NO_SIGNING_CERTIFICATE_FOUND');
  });
  test('another certificate of the same key and name in its place: NO_SIGNING_CERTIFICATE_FOUND', () => {
    const again = issue({ organization: record.ZZBFJG, common: '审批专用章', issuer: GOOD.issuing, keys: KEYS.seal });
    const enclose = [again.certificate, GOOD.issuing.certificate];
    expect(judge(GOOD, { enclose })).toBe('NO_SIGNING_CERTIFICATE_FOUND');
  });
  test('signed by another key: SIG_CRYPTO_FAILURE', () => {
    const signer = { ...GOOD.seal, privateKey: KEYS.root.privateKey };
    expect(judge(GOOD, { signer })).toBe('SIG_CRYPTO_FAILURE');
  });
  test('a time that is none: FORMAT_FAILURE', () => {
    const time = Buffer.from('261123', 'latin1');
    const wrong = (sorted: Buffer[]) =>
      sorted.map((one) =>
        one.includes(time) ? Buffer.from(one.toString('latin1').replace('261123', '261399'), 'latin1') : one,
      );
    expect(change((sorted) => wrong(sorted).sort(Buffer.compare))).toBe('FORMAT_FAILURE');
  });
});

describe('an organ’s name', () => {
  test('cannot be slipped in by a common name of two lines', () => {
    const common = `章\nO=${record.ZZBFJG}`;
    expect(judge(chain({ seal: { organization: '另一机关', common } }))).toBe('SIG_CONSTRAINTS_FAILURE');
  });
  test('is shown on one line', () => {
    const made = chain({ seal: { common: '章\u001b[31m\n假' } });
    const signature = seal(PDF, { signer: made.seal, issuer: made.issuing, signingTime: SIGNED_AT });
    const { steps } = verify({ pdf: PDF, signature, roots: [made.root.certificate] }, AT);
    expect(steps[3]?.detail).toBe('章�[31m�假');
  });
});
