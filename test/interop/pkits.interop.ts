import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCertificates } from '../../subgraphs/licenses/verify/format/certificate.ts';
import { findPath, PROFILE, type Purpose } from '../../subgraphs/licenses/verify/path.ts';
import { readLists } from '../../subgraphs/licenses/verify/revocation.ts';
import { Failure } from '../../subgraphs/licenses/verify/verdict.ts';
import { ACCEPTED_NUMBERS, PKITS, type PkitsTest } from './pkits.ts';

/**
 * The path profile of the verifier against NIST's PKITS (Debian: python3-cryptography-vectors).
 * It may refuse a valid path. It must not accept an invalid one.
 */

const DATA = '/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data';
const AT = new Date('2020-01-01T00:00:00Z');
/** The suite's keys have 2048 bits, its paths are longer and its certificates are for more than one use. */
const RELAXED_PROFILE = { ...PROFILE, minRsaBits: 2048, authorities: { min: 0, max: 6 } };
const ANY: Purpose = { name: '测试', hasUsage: () => true, hasPurposes: () => true, key: 'RSA' };

const readCertificateFile = (name: string) => {
  const path = ['Cert', ''].map((ending) => `${DATA}/certs/${name}${ending}.crt`).find((one) => existsSync(one));
  return readFileSync(path ?? `${DATA}/certs/${name}`);
};
const readList = (name: string) => readFileSync(`${DATA}/crls/${name}.crl`);
const readFolder = (folder: string) =>
  readdirSync(`${DATA}/${folder}`).map((name) => readFileSync(`${DATA}/${folder}/${name}`));
const ROOT = readCertificates([readCertificateFile('TrustAnchorRootCertificate')]);
const ALL_MATERIAL = { candidates: readCertificates(readFolder('certs')), lists: readLists(readFolder('crls')) };

/** Returns null if the path is accepted, else the reason. */
function judge(
  { name, authorities, lists }: PkitsTest,
  profile = RELAXED_PROFILE,
  material?: typeof ALL_MATERIAL,
): string | null {
  const [endCertificate] = readCertificates([readCertificateFile(`${name}EE`)]);
  if (!endCertificate) return 'unreadable';
  const ownMaterial = {
    candidates: readCertificates(authorities.map(readCertificateFile)),
    lists: readLists(['TrustAnchorRootCRL', ...lists].map(readList)),
  };
  const moment = { at: AT, now: AT, proven: false, claimed: null };
  try {
    findPath({ certificate: endCertificate, roots: ROOT, ...(material ?? ownMaterial), moment, purpose: ANY, profile });
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.subIndication;
    throw error;
  }
}

describe('PKITS', () => {
  test('is complete', () => {
    expect(PKITS.length).toBe(223);
    expect(new Set(PKITS.map(({ number }) => number)).size).toBe(223);
    expect(PKITS.filter(({ number }) => ACCEPTED_NUMBERS.includes(number)).every(({ valid }) => valid)).toBe(true);
  });
  test.each(PKITS)('$number $name', (one) => {
    const expected = one.valid && ACCEPTED_NUMBERS.includes(one.number);
    expect(judge(one) === null).toBe(expected);
    // All certificates and lists of the suite together must not open another path.
    expect(judge(one, RELAXED_PROFILE, ALL_MATERIAL) === null).toBe(expected);
    // The real profile accepts none of them: keys are too short, paths too long or too short, or too old.
    expect(judge(one, PROFILE)).not.toBeNull();
  });
});
