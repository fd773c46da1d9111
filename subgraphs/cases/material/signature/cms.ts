import { type Element, readDer, readOid } from './der.ts';

/** A signature in the form CMS SignedData (RFC 5652) with one signer, as PDFs carry it. */

export interface CmsSignature {
  /** Certificates, DER. */
  certificates: readonly Buffer[];
  /** Issuer and serial number of the signer's certificate, as it has them; null if it is named by its key. */
  signer: { issuer: Buffer; serial: Buffer } | null;

  digestAlgorithm: string;
  signatureAlgorithm: string;
  /** What is signed: the attributes as a set. */
  signedAttributes: Buffer;
  /** Digest of the content, from the signed attributes. */
  messageDigest: Buffer;
  signature: Buffer;
}

const OID = { signedData: '1.2.840.113549.1.7.2', messageDigest: '1.2.840.113549.1.9.4' } as const;
const [SEQUENCE, SET, OCTETS, OPTIONAL_0] = [0x30, 0x31, 0x04, 0xa0];
const MAX_CERTIFICATES = 20;

/** Throws an error for another form: several signers, no signed attributes, or no CMS. */
export function readCms(bytes: Buffer): CmsSignature {
  const [type, content] = readDer(bytes).children;
  if (!type || readOid(type) !== OID.signedData) throw new RangeError('no signed data');
  const parts = need(content?.children[0], SEQUENCE).children;
  const certificates = parts.find(({ tag }) => tag === OPTIONAL_0)?.children ?? [];
  if (certificates.length > MAX_CERTIFICATES) throw new RangeError('too many certificates');
  const signers = need(parts.at(-1), SET).children;
  if (signers.length !== 1) throw new RangeError('not one signer');
  const fields = need(signers[0], SEQUENCE).children;
  const [, sid, digestAlgorithm, attributes, signatureAlgorithm, signature] = fields;
  const signedAttributes = Buffer.from(need(attributes, OPTIONAL_0).raw);
  signedAttributes[0] = SET;
  const [issuer, serial] = sid?.tag === SEQUENCE ? sid.children : [];
  return {
    certificates: certificates.filter(({ tag }) => tag === SEQUENCE).map(({ raw }) => raw),
    signer: issuer && serial ? { issuer: issuer.raw, serial: serial.body } : null,
    digestAlgorithm: readAlgorithm(digestAlgorithm),
    signatureAlgorithm: readAlgorithm(signatureAlgorithm),
    signedAttributes,
    messageDigest: readMessageDigest(attributes),
    signature: need(signature, OCTETS).body,
  };
}

function need(element: Element | undefined, tag: number): Element {
  if (element?.tag !== tag) throw new RangeError('another structure');
  return element;
}

function readAlgorithm(element: Element | undefined): string {
  const [oid] = need(element, SEQUENCE).children;
  if (!oid) throw new RangeError('no algorithm');
  return readOid(oid);
}

function readMessageDigest(attributes: Element | undefined): Buffer {
  const found = (attributes?.children ?? []).filter(
    ({ children: [type] }) => type !== undefined && readOid(type) === OID.messageDigest,
  );
  if (found.length !== 1) throw new RangeError('not one digest of the content');
  return need(found[0]?.children[1]?.children[0], OCTETS).body;
}

/** Reads issuer, serial number and subject key identifier of a certificate. Throws an error for another structure. */
export function readCertificateNames(der: Buffer): { issuer: Buffer; serial: Buffer } {
  const fields = need(readDer(der).children[0], SEQUENCE).children;
  const [serial, , issuer] = fields[0]?.tag === OPTIONAL_0 ? fields.slice(1) : fields;
  if (!serial || !issuer) throw new RangeError('another structure');
  return { issuer: issuer.raw, serial: serial.body };
}
