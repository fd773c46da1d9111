import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCertificates } from '../../subgraphs/licenses/verify/certificate.ts';
import { findPath, PROFILE, type Purpose } from '../../subgraphs/licenses/verify/path.ts';
import { readLists } from '../../subgraphs/licenses/verify/revocation.ts';
import { Failure } from '../../subgraphs/licenses/verify/verdict.ts';
import { ACCEPTED, PKITS, type PkitsTest } from './pkits.ts';

/**
 * The path profile of the verifier against NIST's PKITS (Debian: python3-cryptography-vectors).
 * It may refuse a valid path. It must not accept an invalid one.
 */

const DATA = '/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data';
const AT = new Date('2020-01-01T00:00:00Z');
/** The suite's keys have 2048 bits, its paths are longer and its certificates are for more than one use. */
const LOWERED = { ...PROFILE, rsaBitsLeast: 2048, authorities: { least: 0, most: 6 } };
const ANY: Purpose = { name: '测试', hasUsage: () => true, hasPurposes: () => true, key: 'RSA' };

const certificate = (name: string) => {
  const path = ['Cert', ''].map((ending) => `${DATA}/certs/${name}${ending}.crt`).find((one) => existsSync(one));
  return readFileSync(path ?? `${DATA}/certs/${name}`);
};
const list = (name: string) => readFileSync(`${DATA}/crls/${name}.crl`);
const all = (folder: string) =>
  readdirSync(`${DATA}/${folder}`).map((name) => readFileSync(`${DATA}/${folder}/${name}`));
const ROOT = readCertificates([certificate('TrustAnchorRootCertificate')]);
const EVERY = { candidates: readCertificates(all('certs')), lists: readLists(all('crls')) };

/** Returns null if the path is accepted, else the reason. */
function judge({ name, authorities, lists }: PkitsTest, profile = LOWERED, given?: typeof EVERY): string | null {
  const [end] = readCertificates([certificate(`${name}EE`)]);
  if (!end) return 'unreadable';
  const own = {
    candidates: readCertificates(authorities.map(certificate)),
    lists: readLists(['TrustAnchorRootCRL', ...lists].map(list)),
  };
  const moment = { at: AT, now: AT, proven: false, claimed: null };
  try {
    findPath({ certificate: end, roots: ROOT, ...(given ?? own), moment, purpose: ANY, profile });
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
    expect(PKITS.filter(({ number }) => ACCEPTED.includes(number)).every(({ valid }) => valid)).toBe(true);
  });
  test.each(PKITS)('$number $name', (one) => {
    const expected = one.valid && ACCEPTED.includes(one.number);
    expect(judge(one) === null).toBe(expected);
    // All certificates and lists of the suite together must not open another path.
    expect(judge(one, LOWERED, EVERY) === null).toBe(expected);
    // The real profile accepts none of them: keys are too short, paths too long or too short, or too old.
    expect(judge(one, PROFILE)).not.toBeNull();
  });
});
