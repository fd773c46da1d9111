import { der, oid } from '../../library/authority.ts';
import { certify, extension, type Issued, listOf, newEc, newRsa, nothing } from '../../support/forge.ts';
import { record } from '../../support/record.ts';
import { entryOf, flip, inWorld, policy, sequence, UNKNOWN, type Vectors } from '../../support/vectors.ts';
import { AT, type Changes, day, GOOD, type World, world } from '../../support/world.ts';

/** Rules on certificates and on the path from a certificate to the root. */

const NAME_CONSTRAINTS = extension('2.5.29.30', false, sequence());
const FRESHEST = extension('2.5.29.46', false, sequence());
const USAGE_AGAIN = extension('2.5.29.15', true, der(0x03, Buffer.from([6, 0xc0])));
const WEB_SERVER = '1.3.6.1.5.5.7.3.1';
const SHA1_RSA = sequence(oid('1.2.840.113549.1.1.5'), nothing);
const weak = newRsa(2048);
const threes = newRsa(3072, 3);
const stranger = newRsa();

const withRoots = (roots: readonly Uint8Array[]): Changes => ({ evidence: (evidence) => ({ ...evidence, roots }) });
/** A seal under an authority that the test makes. Its timestamp and its revocation lists are valid. */
const under = (issuing: Issued): Changes => ({
  world: {
    ...GOOD,
    issuing,
    seal: certify({ organisation: record.ZZBFJG, common: '审批专用章', issuer: issuing, pair: GOOD.seal.pair }),
  },
  token: { signer: GOOD.timestamp, issuer: GOOD.issuing },
  evidence: (evidence) => ({ ...evidence, revocation: [listOf(GOOD.issuing)] }),
});
const fakeIssuing = certify({ common: '测试签发', isCa: true, pair: stranger });
const second = certify({ common: '二级', issuer: GOOD.issuing, isCa: true, pair: stranger });

export const CERTIFICATES: Vectors = {
  PASSED: [
    ['a seal for signing documents', inWorld({ seal: { purposes: ['1.3.6.1.5.5.7.3.36'], purposesCritical: false } })],
    ['an unknown extension that is not critical', inWorld({ seal: { extra: [extension('1.2.3.4', false, nothing)] } })],
    ['policies that are not critical', inWorld({ issuing: { extra: [policy('2.5.29.32')] } })],
    ['an unreadable root together with a readable one', withRoots([Buffer.from('garbage'), GOOD.root.certificate])],
    ['a key of 4096 bits', inWorld({ seal: { pair: newRsa(4096) } })],
  ],
  CHAIN_CONSTRAINTS_FAILURE: [
    ['a seal that is an authority', inWorld({ seal: { isCa: true, usage: 0xc6 } })],
    ['a seal that may only sign, not commit', inWorld({ seal: { usage: 0x80 } })],
    ['a seal that may encipher', inWorld({ seal: { usage: 0xe0 } })],
    [
      'a seal that may decipher only',
      inWorld({
        seal: { usage: null, extra: [extension('2.5.29.15', true, der(0x03, Buffer.from([7, 0xc0, 0x80])))] },
      }),
    ],
    ['a critical alternative name', inWorld({ seal: { extra: [extension('2.5.29.17', true, sequence())] } })],
    ['a seal without key usage', inWorld({ seal: { usage: null } })],
    ['a seal for web servers', inWorld({ seal: { purposes: [WEB_SERVER] } })],
    ['a seal with name constraints', inWorld({ seal: { extra: [NAME_CONSTRAINTS] } })],
    ['a seal with a duplicate extension', inWorld({ seal: { extra: [USAGE_AGAIN] } })],
    ['a seal with delta lists', inWorld({ seal: { extra: [FRESHEST] } })],
    ['a seal of X.509 version 1', inWorld({ seal: { version: 0 } })],
    ['a seal with a negative serial number', inWorld({ seal: { serial: Buffer.from([0x80]) } })],
    ['a root that may have no authority below it', inWorld({ root: { pathLength: 0 } })],
    ['a root with an unknown critical extension', inWorld({ root: { extra: [UNKNOWN] } })],
    ['an issuing certificate that is not an authority', inWorld({ issuing: { isCa: false, usage: 0x06 } })],
    ['an issuing authority that may not sign certificates', inWorld({ issuing: { usage: 0x02 } })],
    ['an issuing authority with an unknown critical extension', inWorld({ issuing: { extra: [UNKNOWN] } })],
    ['an issuing authority with name constraints', inWorld({ issuing: { extra: [NAME_CONSTRAINTS] } })],
    ['an issuing authority for web servers', inWorld({ issuing: { purposes: [WEB_SERVER] } })],
    ['an issuing authority not yet in force', inWorld({ issuing: { from: AT } })],
    ['a root not yet in force', inWorld({ root: { from: AT } })],
    ['a timestamp certificate without its purpose', inWorld({ timestamp: { purposes: undefined } })],
    ['a timestamp certificate whose purpose is not critical', inWorld({ timestamp: { purposesCritical: false } })],
    [
      'a timestamp certificate with a second purpose',
      inWorld({ timestamp: { purposes: ['1.3.6.1.5.5.7.3.8', WEB_SERVER] } }),
    ],
    ['a timestamp certificate that may commit', inWorld({ timestamp: { usage: 0xc0 } })],
    ['a timestamp before its certificate', inWorld({ timestamp: { from: AT, until: day('2060-01-01') } })],
  ],
  CRYPTO_CONSTRAINTS_FAILURE: [
    ['a certificate signed with SHA-1', inWorld({ issuing: { algorithm: SHA1_RSA, hash: 'sha1' } })],
    ['a seal of 2048 bits', inWorld({ seal: { pair: weak } })],
    ['an issuing authority of 2048 bits', inWorld({ issuing: { pair: weak } })],
    ['a root of 2048 bits', inWorld({ root: { pair: weak } })],
    ['a seal of exponent 3', inWorld({ seal: { pair: threes } })],
    ['an issuing authority of exponent 3', inWorld({ issuing: { pair: threes } })],
    ['a timestamp certificate of P-384', inWorld({ timestamp: { pair: newEc('P-384') } })],
  ],
  CERTIFICATE_CHAIN_GENERAL_FAILURE: [
    ['a changed bit in the signature on the seal’s certificate', inWorld({ seal: { forge: flip } })],
    ['a changed bit in the signature on the issuing authority’s certificate', inWorld({ issuing: { forge: flip } })],
    ['a changed bit in the signature on the timestamp’s certificate', inWorld({ timestamp: { forge: flip } })],
    ['a certificate that names the authority and its key but is not signed by it', { world: forgedWorld() }],
  ],
  NO_CERTIFICATE_CHAIN_FOUND: [
    ['another root of the same name', () => withRoots([certify({ common: '测试根', isCa: true }).certificate])],
    ['no root', withRoots([])],
    ['a root that is not a root', withRoots([GOOD.issuing.certificate])],
    ['a root that cannot be read', withRoots([Buffer.from('garbage')])],
    ['a seal certified under the authority’s name by somebody else', under(fakeIssuing)],
    ['one authority too many', under(second)],
    ['a seal certified by the root itself', under(GOOD.root)],
    [
      'another certificate instead of the authority’s',
      {
        token: null,
        detached: true,
        seal: { enclose: [GOOD.seal.certificate, GOOD.root.certificate].sort(Buffer.compare) },
      },
    ],
  ],
  POLICY_PROCESSING_ERROR: [
    ['policy mappings in the authority', inWorld({ issuing: { extra: [policy('2.5.29.33', true)] } })],
    ['policy constraints in the seal', inWorld({ seal: { extra: [policy('2.5.29.36')] } })],
    ['inhibit any policy in the timestamp certificate', inWorld({ timestamp: { extra: [policy('2.5.29.54', true)] } })],
    ['critical policies in the seal', inWorld({ seal: { extra: [policy('2.5.29.32', true)] } })],
  ],
  TRY_LATER: [
    ['no revocation list', { lists: { root: null, issuing: null } }],
    ['no list of the root', { lists: { root: null } }],
    ['no list of the issuing authority', { lists: { issuing: null } }],
    ['an expired list', { lists: { issuing: { until: day('2026-11-22') } } }],
    ['a list from the future', { lists: { issuing: { from: day('2026-11-30') } } }],
    ['a list signed by another key', { lists: { issuing: { pair: stranger } } }],
    ['a delta list', { lists: { issuing: { extra: [extension('2.5.29.27', true, der(0x02, Buffer.from([1])))] } } }],
    [
      'a partial list',
      { lists: { issuing: { extra: [extension('2.5.29.28', true, sequence(der(0x81, Buffer.from([0xff]))))] } } },
    ],
    ['a list with delta lists', { lists: { root: { extra: [FRESHEST] } } }],
    ['a list with an unknown critical extension', { lists: { issuing: { extra: [UNKNOWN] } } }],
    [
      'an entry with an unknown critical extension',
      { lists: { issuing: { entries: [entryOf(GOOD.code, AT, { extra: [UNKNOWN] })] } } },
    ],
    [
      'an entry of another issuer',
      {
        lists: {
          issuing: { entries: [entryOf(GOOD.code, AT, { extra: [extension('2.5.29.29', true, sequence())] })] },
        },
      },
    ],
    ['a list of version 1', { lists: { issuing: { version: 0 } } }],
    ['an authority that may not sign lists', inWorld({ issuing: { usage: 0x04 } })],
  ],
};

/** The certificate of the seal names the authority and its key as issuer, but another key signed it. */
function forgedWorld(): World {
  const issuer = { ...GOOD.issuing, pair: stranger };
  const forged = certify({ organisation: record.ZZBFJG, common: '审批专用章', issuer, pair: GOOD.seal.pair });
  return { ...world(), seal: forged };
}
