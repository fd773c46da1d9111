import { createHash } from 'node:crypto';
import type { SignatureProfile } from '../../kernel/sign.ts';
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

/** The suite of a seal's own key, and of what is made with it; a use of a seal says which one it is of. */
export const KEY_SUITE = 'RSA3072-SHA256';
export const SUITES: Record<SignatureProfile, string> = {
  CADES: `CAdES-T-${KEY_SUITE}`,
  PADES: `PAdES-T-${KEY_SUITE}`,
};

const DIGEST_BYTES = 32;

/** The signer's certificate and the ones above it, PEM, without the root. */
export type Chain = readonly [string, ...string[]];

export interface CmsRequest {
  profile: SignatureProfile;
  /** SHA-256 of what is sealed. */
  documentDigest: Uint8Array;
  chain: Chain;
  signedAt: Date;
}

/**
 * Makes a detached CMS SignedData, DER, with a timestamp of its signature: CAdES B-T (ETSI EN 319 122-1) signs content type,
 * message digest, signing time and signing-certificate-v2; PAdES B-T (ETSI EN 319 142-1) the same without a signing time.
 * `sign` is RSA PKCS #1 v1.5 with SHA-256 over the attributes; `stamp` gives a timestamp token over a SHA-256 digest: left out, the
 * signature is of level B-B.
 * Throws RangeError where the digest is not one.
 */
export function signDetached(
  { profile, documentDigest, chain, signedAt }: CmsRequest,
  sign: (data: Uint8Array) => Uint8Array,
  stamp?: (digest: Uint8Array) => Uint8Array,
): Uint8Array {
  const attributes = profile === 'CADES' ? [attribute(OID.signingTime, time(signedAt))] : [];
  const asked = { contentType: OID.data, digest: documentDigest, chain, attributes, algorithm: OID.sha256WithRsa };
  const stamped =
    stamp && ((signature: Uint8Array) => attribute(OID.signatureTimeStamp, parse(stamp(sha256(signature)))));
  return signedData(asked, sign, stamped);
}

/** What every SignedData of this PKI is made from. */
export interface SignedDataRequest {
  contentType: string;
  /** What is enclosed; left out where the signature is detached. */
  content?: Uint8Array;
  /** SHA-256 of the content. */
  digest: Uint8Array;
  chain: Chain;
  /** Signed attributes beside content type, message digest and signing-certificate-v2. */
  attributes: Node[];
  algorithm: typeof OID.sha256WithRsa | typeof OID.ecdsaWithSha256;
}

/**
 * Makes a CMS SignedData (RFC 5652), DER, with one signer and, where `unsign` is given, one unsigned attribute made from the
 * signature value.
 *
 * Built from forge's ASN.1 rather than by its pkcs7 module, which leaves the signed attributes unsorted (DER wants a SET
 * OF in order), encodes UTF-8 names twice, empties attributes it does not know, and defaults to SHA-1.
 * Throws RangeError where the digest is not one.
 */
export function signedData(
  request: SignedDataRequest,
  sign: (data: Uint8Array) => Uint8Array,
  unsign?: (signature: Uint8Array) => Node,
): Uint8Array {
  const { contentType, content, digest } = request;
  if (digest.length !== DIGEST_BYTES) throw new RangeError('a SHA-256 digest has 32 bytes');
  const chain = request.chain.map(derOf);
  const [signer = new Uint8Array()] = chain;
  const attributes = sortDer([
    attribute(OID.contentType, oid(contentType)),
    attribute(OID.messageDigest, octets(digest)),
    // ESSCertIDv2 with the default SHA-256, which DER leaves out (RFC 5035).
    attribute(OID.signingCertificateV2, sequence([sequence([sequence([octets(sha256(signer))])])])),
    ...request.attributes,
  ]);
  const signature = sign(toBytes(set(attributes)));
  const signerInfo = sequence([
    integer(1),
    issuerAndSerial(signer),
    algorithm(OID.sha256),
    context(0, attributes),
    algorithm(request.algorithm),
    octets(signature),
    ...(unsign ? [context(1, [unsign(signature)])] : []),
  ]);
  const signed = sequence([
    // RFC 5652 §5.1: 3 where the content is something else than data.
    integer(contentType === OID.data ? 1 : 3),
    set([algorithm(OID.sha256)]),
    sequence([oid(contentType), ...(content ? [context(0, [octets(content)])] : [])]),
    context(0, sortDer(chain.map(parse))),
    set([signerInfo]),
  ]);
  return toBytes(sequence([oid(OID.signedData), context(0, [signed])]));
}

/** Issuer and serial as they stand in the certificate, byte for byte. */
function issuerAndSerial(certificate: Uint8Array): Node {
  const [, serial, , issuer] = children(children(parse(certificate))[0]);
  if (!serial || !issuer) throw new TypeError('not an X.509 v3 certificate');
  return sequence([issuer, serial]);
}

function attribute(type: string, value: Node): Node {
  return sequence([oid(type), set([value])]);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The DER of a certificate in PEM, one of our own making: nothing of it is judged here. */
export function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64');
}
