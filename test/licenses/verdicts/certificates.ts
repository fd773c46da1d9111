import { der, oid } from '../../library/authority.ts';
import {
  asn1Null,
  createEcPair,
  createRsaPair,
  extension,
  type IssuedCertificate,
  issueCertificate,
  issueRevocationList,
} from '../../support/pki-builder.ts';
import { sampleRecord } from '../../support/record.ts';
import {
  type Authorities,
  type Changes,
  createAuthorities,
  toDay,
  VALID_AUTHORITIES,
  VERIFIED_AT,
} from '../../support/sealed-evidence.ts';
import {
  buildEntry,
  flipBit,
  policyExtension,
  sequence,
  UNKNOWN_EXTENSION,
  type Vectors,
  withAuthorities,
} from '../../support/vectors.ts';

/** Rules on certificates and on the path from a certificate to the root. */

const NAME_CONSTRAINTS = extension('2.5.29.30', false, sequence());
const FRESHEST_CRL = extension('2.5.29.46', false, sequence());
const SECOND_KEY_USAGE = extension('2.5.29.15', true, der(0x03, Buffer.from([6, 0xc0])));
const WEB_SERVER = '1.3.6.1.5.5.7.3.1';
const SHA1_RSA = sequence(oid('1.2.840.113549.1.1.5'), asn1Null);
const rsa2048Pair = createRsaPair(2048);
const exponent3Pair = createRsaPair(3072, 3);
const otherPair = createRsaPair();

const withRoots = (roots: readonly Uint8Array[]): Changes => ({ evidence: (evidence) => ({ ...evidence, roots }) });
/** A seal under an authority that the test makes. Its timestamp and its revocation lists are valid. */
const sealUnder = (issuing: IssuedCertificate): Changes => ({
  authorities: {
    ...VALID_AUTHORITIES,
    issuing,
    seal: issueCertificate({
      organisation: sampleRecord.ZZBFJG,
      common: '审批专用章',
      issuer: issuing,
      pair: VALID_AUTHORITIES.seal.pair,
    }),
  },
  token: { signer: VALID_AUTHORITIES.timestamp, issuer: VALID_AUTHORITIES.issuing },
  evidence: (evidence) => ({ ...evidence, revocation: [issueRevocationList(VALID_AUTHORITIES.issuing)] }),
});
const fakeIssuing = issueCertificate({ common: '测试签发', isCa: true, pair: otherPair });
const secondLevelAuthority = issueCertificate({
  common: '二级',
  issuer: VALID_AUTHORITIES.issuing,
  isCa: true,
  pair: otherPair,
});

export const CERTIFICATES: Vectors = {
  PASSED: [
    [
      'a seal for signing documents',
      withAuthorities({ seal: { purposes: ['1.3.6.1.5.5.7.3.36'], purposesCritical: false } }),
    ],
    [
      'an unknown extension that is not critical',
      withAuthorities({ seal: { extra: [extension('1.2.3.4', false, asn1Null)] } }),
    ],
    ['policies that are not critical', withAuthorities({ issuing: { extra: [policyExtension('2.5.29.32')] } })],
    [
      'an unreadable root together with a readable one',
      withRoots([Buffer.from('garbage'), VALID_AUTHORITIES.root.certificate]),
    ],
    ['a key of 4096 bits', withAuthorities({ seal: { pair: createRsaPair(4096) } })],
  ],
  CHAIN_CONSTRAINTS_FAILURE: [
    ['a seal that is an authority', withAuthorities({ seal: { isCa: true, usage: 0xc6 } })],
    ['a seal that may only sign, not commit', withAuthorities({ seal: { usage: 0x80 } })],
    ['a seal that may encipher', withAuthorities({ seal: { usage: 0xe0 } })],
    [
      'a seal that may decipher only',
      withAuthorities({
        seal: { usage: null, extra: [extension('2.5.29.15', true, der(0x03, Buffer.from([7, 0xc0, 0x80])))] },
      }),
    ],
    ['a critical alternative name', withAuthorities({ seal: { extra: [extension('2.5.29.17', true, sequence())] } })],
    ['a seal without key usage', withAuthorities({ seal: { usage: null } })],
    ['a seal for web servers', withAuthorities({ seal: { purposes: [WEB_SERVER] } })],
    ['a seal with name constraints', withAuthorities({ seal: { extra: [NAME_CONSTRAINTS] } })],
    ['a seal with a duplicate extension', withAuthorities({ seal: { extra: [SECOND_KEY_USAGE] } })],
    ['a seal with delta lists', withAuthorities({ seal: { extra: [FRESHEST_CRL] } })],
    ['a seal of X.509 version 1', withAuthorities({ seal: { version: 0 } })],
    ['a seal with a negative serial number', withAuthorities({ seal: { serial: Buffer.from([0x80]) } })],
    ['a root that may have no authority below it', withAuthorities({ root: { pathLength: 0 } })],
    ['a root with an unknown critical extension', withAuthorities({ root: { extra: [UNKNOWN_EXTENSION] } })],
    ['an issuing certificate that is not an authority', withAuthorities({ issuing: { isCa: false, usage: 0x06 } })],
    ['an issuing authority that may not sign certificates', withAuthorities({ issuing: { usage: 0x02 } })],
    [
      'an issuing authority with an unknown critical extension',
      withAuthorities({ issuing: { extra: [UNKNOWN_EXTENSION] } }),
    ],
    ['an issuing authority with name constraints', withAuthorities({ issuing: { extra: [NAME_CONSTRAINTS] } })],
    ['an issuing authority for web servers', withAuthorities({ issuing: { purposes: [WEB_SERVER] } })],
    ['an issuing authority not yet in force', withAuthorities({ issuing: { from: VERIFIED_AT } })],
    ['a root not yet in force', withAuthorities({ root: { from: VERIFIED_AT } })],
    ['a timestamp certificate without its purpose', withAuthorities({ timestamp: { purposes: undefined } })],
    [
      'a timestamp certificate whose purpose is not critical',
      withAuthorities({ timestamp: { purposesCritical: false } }),
    ],
    [
      'a timestamp certificate with a second purpose',
      withAuthorities({ timestamp: { purposes: ['1.3.6.1.5.5.7.3.8', WEB_SERVER] } }),
    ],
    ['a timestamp certificate that may commit', withAuthorities({ timestamp: { usage: 0xc0 } })],
    [
      'a timestamp before its certificate',
      withAuthorities({ timestamp: { from: VERIFIED_AT, until: toDay('2060-01-01') } }),
    ],
  ],
  CRYPTO_CONSTRAINTS_FAILURE: [
    ['a certificate signed with SHA-1', withAuthorities({ issuing: { algorithm: SHA1_RSA, hash: 'sha1' } })],
    ['a seal of 2048 bits', withAuthorities({ seal: { pair: rsa2048Pair } })],
    ['an issuing authority of 2048 bits', withAuthorities({ issuing: { pair: rsa2048Pair } })],
    ['a root of 2048 bits', withAuthorities({ root: { pair: rsa2048Pair } })],
    ['a seal of exponent 3', withAuthorities({ seal: { pair: exponent3Pair } })],
    ['an issuing authority of exponent 3', withAuthorities({ issuing: { pair: exponent3Pair } })],
    ['a timestamp certificate of P-384', withAuthorities({ timestamp: { pair: createEcPair('P-384') } })],
  ],
  CERTIFICATE_CHAIN_GENERAL_FAILURE: [
    ['a changed bit in the signature on the seal’s certificate', withAuthorities({ seal: { forge: flipBit } })],
    [
      'a changed bit in the signature on the issuing authority’s certificate',
      withAuthorities({ issuing: { forge: flipBit } }),
    ],
    [
      'a changed bit in the signature on the timestamp’s certificate',
      withAuthorities({ timestamp: { forge: flipBit } }),
    ],
    ['a certificate that names the authority and its key but is not signed by it', { authorities: buildForgedPki() }],
  ],
  NO_CERTIFICATE_CHAIN_FOUND: [
    [
      'another root of the same name',
      () => withRoots([issueCertificate({ common: '测试根', isCa: true }).certificate]),
    ],
    ['no root', withRoots([])],
    ['a root that is not a root', withRoots([VALID_AUTHORITIES.issuing.certificate])],
    ['a root that cannot be read', withRoots([Buffer.from('garbage')])],
    ['a seal certified under the authority’s name by somebody else', sealUnder(fakeIssuing)],
    ['one authority too many', sealUnder(secondLevelAuthority)],
    ['a seal certified by the root itself', sealUnder(VALID_AUTHORITIES.root)],
    [
      'another certificate instead of the authority’s',
      {
        token: null,
        detached: true,
        seal: {
          enclose: [VALID_AUTHORITIES.seal.certificate, VALID_AUTHORITIES.root.certificate].sort(Buffer.compare),
        },
      },
    ],
  ],
  POLICY_PROCESSING_ERROR: [
    ['policy mappings in the authority', withAuthorities({ issuing: { extra: [policyExtension('2.5.29.33', true)] } })],
    ['policy constraints in the seal', withAuthorities({ seal: { extra: [policyExtension('2.5.29.36')] } })],
    [
      'inhibit any policy in the timestamp certificate',
      withAuthorities({ timestamp: { extra: [policyExtension('2.5.29.54', true)] } }),
    ],
    ['critical policies in the seal', withAuthorities({ seal: { extra: [policyExtension('2.5.29.32', true)] } })],
  ],
  TRY_LATER: [
    ['no revocation list', { lists: { root: null, issuing: null } }],
    ['no list of the root', { lists: { root: null } }],
    ['no list of the issuing authority', { lists: { issuing: null } }],
    ['an expired list', { lists: { issuing: { until: toDay('2026-11-22') } } }],
    ['a list from the future', { lists: { issuing: { from: toDay('2026-11-30') } } }],
    ['a list signed by another key', { lists: { issuing: { pair: otherPair } } }],
    ['a delta list', { lists: { issuing: { extra: [extension('2.5.29.27', true, der(0x02, Buffer.from([1])))] } } }],
    [
      'a partial list',
      { lists: { issuing: { extra: [extension('2.5.29.28', true, sequence(der(0x81, Buffer.from([0xff]))))] } } },
    ],
    ['a list with delta lists', { lists: { root: { extra: [FRESHEST_CRL] } } }],
    ['a list with an unknown critical extension', { lists: { issuing: { extra: [UNKNOWN_EXTENSION] } } }],
    [
      'an entry with an unknown critical extension',
      {
        lists: {
          issuing: { entries: [buildEntry(VALID_AUTHORITIES.code, VERIFIED_AT, { extra: [UNKNOWN_EXTENSION] })] },
        },
      },
    ],
    [
      'an entry of another issuer',
      {
        lists: {
          issuing: {
            entries: [
              buildEntry(VALID_AUTHORITIES.code, VERIFIED_AT, { extra: [extension('2.5.29.29', true, sequence())] }),
            ],
          },
        },
      },
    ],
    ['a list of version 1', { lists: { issuing: { version: 0 } } }],
    ['an authority that may not sign lists', withAuthorities({ issuing: { usage: 0x04 } })],
  ],
};

/** The certificate of the seal names the authority and its key as issuer, but another key signed it. */
function buildForgedPki(): Authorities {
  const issuer = { ...VALID_AUTHORITIES.issuing, pair: otherPair };
  const forgedSeal = issueCertificate({
    organisation: sampleRecord.ZZBFJG,
    common: '审批专用章',
    issuer,
    pair: VALID_AUTHORITIES.seal.pair,
  });
  return { ...createAuthorities(), seal: forgedSeal };
}
