import { createHash } from 'node:crypto';
import { floorToSecond, readCertificate } from './certificate-fields.ts';
import { buildSignedData, type Chain } from './cms.ts';
import { algorithm, bigInteger, generalizedTime, integer, OID, octets, oid, sequence, toBytes } from './der.ts';
import { newSerial } from './pki.ts';

/** The policy of the test PKI's timestamps, in an OID arc that belongs to nobody. */
const TIMESTAMP_POLICY = '1.3.6.1.4.1.99999.1.1';

const DIGEST_BYTES = 32;

/**
 * Builds a timestamp token (RFC 3161, RFC 5816), DER: the SHA-256 `digest` was known at `at`, to the second. `chain`
 * begins with the certificate of the timestamp key. `sign` is ECDSA with SHA-256 and returns DER. Throws RangeError if
 * the digest is not a SHA-256 digest, or if the certificate is not in force at that time.
 */
export function makeTimestampToken(
  { digest, at, chain }: { digest: Uint8Array; at: Date; chain: Chain },
  sign: (data: Uint8Array) => Uint8Array,
): Uint8Array {
  if (digest.length !== DIGEST_BYTES) throw new RangeError('a SHA-256 digest has 32 bytes');
  const genTime = floorToSecond(at);
  const { validFrom, validUntil } = readCertificate(chain[0]);
  if (genTime < validFrom || genTime > validUntil) {
    throw new RangeError('the timestamp certificate is not in force at this time');
  }
  const content = toBytes(
    sequence([
      integer(1),
      oid(TIMESTAMP_POLICY),
      sequence([algorithm(OID.sha256), octets(digest)]),
      bigInteger(newSerial()),
      generalizedTime(genTime),
    ]),
  );
  const contentDigest = createHash('sha256').update(content).digest();
  const request = { contentType: OID.tstInfo, content, digest: contentDigest, chain, attributes: [] };
  return buildSignedData({ ...request, algorithm: OID.ecdsaWithSha256 }, sign);
}
