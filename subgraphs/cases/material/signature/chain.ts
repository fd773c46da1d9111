import type { X509Certificate } from 'node:crypto';

/** The path from a signer's certificate to a trusted one (RFC 5280 §6, without policies, name constraints, lists). */

const MAX_PATH = 6;
/** Larger keys take long to verify. */
const MAX_MODULUS_BITS = 8_192;
const MAX_EXPONENT = 4_294_967_295n;

/** Returns whether the key of a certificate is one that the hub verifies with: RSA or of a curve, of common size. */
export function hasCommonKey({ publicKey }: X509Certificate): boolean {
  const { modulusLength, publicExponent } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === 'ec') return true;
  const isModest = (modulusLength ?? 0) <= MAX_MODULUS_BITS && (publicExponent ?? 0n) <= MAX_EXPONENT;
  return publicKey.asymmetricKeyType === 'rsa' && isModest;
}

/**
 * Returns the path from `signer` to one of `anchors`, both included, or null. Each certificate is signed by the next
 * one, which is an authority. The time is not looked at.
 */
export function findPath(
  signer: X509Certificate,
  candidates: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): X509Certificate[] | null {
  const path = [signer];
  const isAnchor = (one: X509Certificate) =>
    anchors.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256);
  while (path.length <= MAX_PATH) {
    const top = path.at(-1) ?? signer;
    if (isAnchor(top)) return path;
    const next = [...anchors, ...candidates].find((one) => !path.includes(one) && hasIssued(one, top));
    if (!next) return null;
    path.push(next);
  }
  return null;
}

function hasIssued(authority: X509Certificate, certificate: X509Certificate): boolean {
  if (!authority.ca || !hasCommonKey(authority) || !certificate.checkIssued(authority)) return false;
  return certificate.verify(authority.publicKey);
}

/** Whether every certificate of a path is valid at `at`. */
export function isPathInForce(path: readonly X509Certificate[], at: Date): boolean {
  return path.every(({ validFromDate, validToDate }) => validFromDate <= at && at <= validToDate);
}
