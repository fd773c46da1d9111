import { createHash } from 'node:crypto';
import type { SignatureProfile } from '../../kernel/sealing/sign.ts';
import {
  algorithm,
  children,
  context,
  integer,
  type Node,
  OID,
  octets,
  oid,
  parse,
  sequence,
  set,
  sortDer,
  time,
  toBytes,
} from './der.ts';

/** The suite of a seal's own key and of its signatures. Each use of a seal records its suite. */
export const KEY_SUITE = 'RSA3072-SHA256';
export const SUITES: Record<SignatureProfile, string> = {
  CADES: `CAdES-T-${KEY_SUITE}`,
  PADES: `PAdES-T-${KEY_SUITE}`,
};

const DIGEST_BYTES = 32;

/** The signer's certificate and the CA certificates above it, PEM, without the root. */
export type Chain = readonly [string, ...string[]];

export interface CmsRequest {
  profile: SignatureProfile;
  /** SHA-256 of what is sealed. */
  documentDigest: Uint8Array;
  chain: Chain;
  signedAt: Date;
}

/**
 * Builds a detached CMS SignedData, DER, with a timestamp of its signature. CAdES B-T (ETSI EN 319 122-1) signs content
 * type, message digest, signing time and signing-certificate-v2. PAdES B-T (ETSI EN 319 142-1) signs the same without a
 * signing time.
 *
 * `sign` signs the attributes with RSA PKCS #1 v1.5 and SHA-256. `stamp` returns a timestamp token over a SHA-256
 * digest. Without `stamp`, the signature has level B-B. Throws RangeError if the digest is not a SHA-256 digest.
 */
export function signDetached(
  { profile, documentDigest, chain, signedAt }: CmsRequest,
  sign: (data: Uint8Array) => Uint8Array,
  stamp?: (digest: Uint8Array) => Uint8Array,
): Uint8Array {
  const attributes = profile === 'CADES' ? [buildAttribute(OID.signingTime, time(signedAt))] : [];
  const request = { contentType: OID.data, digest: documentDigest, chain, attributes, algorithm: OID.sha256WithRsa };
  const buildStampAttribute =
    stamp && ((signature: Uint8Array) => buildAttribute(OID.signatureTimeStamp, parse(stamp(sha256(signature)))));
  return buildSignedData(request, sign, buildStampAttribute);
}

/** The input of every SignedData of this PKI. */
export interface SignedDataRequest {
  contentType: string;
  /** The enclosed content. Left out for a detached signature. */
  content?: Uint8Array;
  /** SHA-256 of the content. */
  digest: Uint8Array;
  chain: Chain;
  /** Signed attributes in addition to content type, message digest and signing-certificate-v2. */
  attributes: Node[];
  algorithm: typeof OID.sha256WithRsa | typeof OID.ecdsaWithSha256;
}

/**
 * Builds a CMS SignedData (RFC 5652), DER, with one signer. `buildUnsignedAttribute`, if present, builds one unsigned
 * attribute from the signature value. Throws RangeError if the digest is not a SHA-256 digest.
 *
 * Uses forge's ASN.1 and not its pkcs7 module. That module leaves the signed attributes unsorted (DER requires a sorted
 * SET OF), encodes UTF-8 names twice, empties unknown attributes, and defaults to SHA-1.
 */
export function buildSignedData(
  request: SignedDataRequest,
  sign: (data: Uint8Array) => Uint8Array,
  buildUnsignedAttribute?: (signature: Uint8Array) => Node,
): Uint8Array {
  const { contentType, content, digest } = request;
  if (digest.length !== DIGEST_BYTES) throw new RangeError('a SHA-256 digest has 32 bytes');
  const chain = request.chain.map(derOf);
  const [signer = new Uint8Array()] = chain;
  const attributes = sortDer([
    buildAttribute(OID.contentType, oid(contentType)),
    buildAttribute(OID.messageDigest, octets(digest)),
    // ESSCertIDv2 with SHA-256, the default, which DER leaves out (RFC 5035).
    buildAttribute(OID.signingCertificateV2, sequence([sequence([sequence([octets(sha256(signer))])])])),
    ...request.attributes,
  ]);
  const signature = sign(toBytes(set(attributes)));
  const signerInfo = sequence([
    integer(1),
    readIssuerAndSerial(signer),
    algorithm(OID.sha256),
    context(0, attributes),
    algorithm(request.algorithm),
    octets(signature),
    ...(buildUnsignedAttribute ? [context(1, [buildUnsignedAttribute(signature)])] : []),
  ]);
  const signedContent = sequence([
    // RFC 5652 §5.1: version 3 if the content type is not data.
    integer(contentType === OID.data ? 1 : 3),
    set([algorithm(OID.sha256)]),
    sequence([oid(contentType), ...(content ? [context(0, [octets(content)])] : [])]),
    context(0, sortDer(chain.map(parse))),
    set([signerInfo]),
  ]);
  return toBytes(sequence([oid(OID.signedData), context(0, [signedContent])]));
}

/** Returns issuer and serial number, byte for byte as the certificate has them. */
function readIssuerAndSerial(certificate: Uint8Array): Node {
  const [, serial, , issuer] = children(children(parse(certificate))[0]);
  if (!serial || !issuer) throw new TypeError('not an X.509 v3 certificate');
  return sequence([issuer, serial]);
}

function buildAttribute(type: string, value: Node): Node {
  return sequence([oid(type), set([value])]);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Returns the DER of a PEM certificate that the hub issued. It verifies nothing. */
export function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64');
}
