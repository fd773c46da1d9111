import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { memoizeByDigest } from '../../kernel/cache.ts';
import { children, OID, parse, readOid } from './der.ts';

/** Reads certificates and public keys (X.509, RFC 5280). Pure functions. */

const KID_LENGTH = 16;

/** Bits of keyUsage within its first octet (RFC 5280 §4.2.1.3). */
export const KEY_USAGE = { digitalSignature: 0x80, nonRepudiation: 0x40, keyCertSign: 0x04 } as const;

/** Returns the first octet of the keyUsage of a DER certificate, or null if it has none. */
export function readKeyUsage(certificate: Uint8Array): number | null {
  const [body] = children(parse(certificate));
  // [3] EXPLICIT, the last of a TBSCertificate of version 3.
  const extensions = children(children(children(body).at(-1))[0]);
  const usageExtension = extensions.find((extension) => readOid(children(extension)[0]) === OID.keyUsage);
  const value = children(usageExtension).at(-1)?.value;
  if (typeof value !== 'string') return null;
  const bitString = parse(Buffer.from(value, 'binary')).value;
  // The first octet of a BIT STRING counts unused bits.
  return typeof bitString === 'string' ? bitString.charCodeAt(1) : null;
}

/**
 * Returns what each use of a key needs of its PEM certificate: the DER and the validity. Parses each certificate once.
 */
export function readCertificate(pem: string): Readonly<{ raw: Buffer; validFrom: Date; validUntil: Date }> {
  return parseOnce(Buffer.from(pem));
}

const parseOnce = memoizeByDigest((pem) => {
  const { raw, validFromDate: validFrom, validToDate: validUntil } = new X509Certificate(pem);
  return { raw, validFrom, validUntil };
});

/** Returns the serial number of a PEM certificate, hex. */
export function readSerial(pem: string): string {
  return new X509Certificate(pem).serialNumber.toLowerCase();
}

/** Returns the id by which a code names its DER certificate. */
export function computeKid(certificate: Uint8Array): string {
  return createHash('sha256').update(certificate).digest('hex').slice(0, KID_LENGTH);
}

/**
 * Returns the SHA-1 of the public key bits (RFC 5280 §4.2.1.2, method 1). It identifies the key and protects nothing.
 */
export function computeKeyIdentifier(publicKeyPem: string): Buffer {
  const [, key] = children(parse(exportSpki(publicKeyPem)));
  // The first octet of a BIT STRING counts unused bits.
  return createHash('sha1')
    .update(Buffer.from(String(key?.value), 'binary').subarray(1))
    .digest();
}

export function exportSpki(publicKeyPem: string): Buffer {
  return createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
}

/**
 * Rounds a time down to the second. X.509 and RFC 3161 count whole seconds here, and no validity may begin after its
 * first signature.
 */
export function floorToSecond(at: Date): Date {
  const second = new Date(at);
  second.setUTCMilliseconds(0);
  return second;
}
