import { createHash, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

/** The named signature suite of this file; a seal and each of its uses say which suite they are of. */
export const SUITE = 'CAdES-B-RSA3072-SHA256';

const DIGEST_BYTES = 32;
const { asn1 } = forge;
const { Class, Type } = asn1;
type Node = forge.asn1.Asn1;

const OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
} as const;

export interface CmsRequest {
  /** SHA-256 of the file that is sealed. */
  documentDigest: Uint8Array;
  /** The seal's certificate and the ones above it, PEM, without the root. */
  chain: readonly [string, ...string[]];
  signedAt: Date;
}

/**
 * Makes a detached CMS SignedData, DER, of profile CAdES B-B (ETSI EN 319 122-1): content type, message digest, signing
 * time and signing-certificate-v2 are signed. `sign` is RSA PKCS #1 v1.5 with SHA-256 over the attributes.
 *
 * Built from forge's ASN.1 rather than by its pkcs7 module, which leaves the signed attributes unsorted (DER wants a SET
 * OF in order), encodes UTF-8 names twice, empties attributes it does not know, and defaults to SHA-1.
 * Throws RangeError where the digest is not one.
 */
export function signDetached(request: CmsRequest, sign: (data: Uint8Array) => Uint8Array): Uint8Array {
  if (request.documentDigest.length !== DIGEST_BYTES) throw new RangeError('a SHA-256 digest has 32 bytes');
  const [signerPem] = request.chain;
  const certificates = request.chain.map((pem) => new X509Certificate(pem).raw);
  const attributes = signedAttributes(request, new X509Certificate(signerPem).raw);
  const signature = sign(toBytes(set(attributes)));
  const signerInfo = sequence([
    integer(1),
    issuerAndSerial(new X509Certificate(signerPem).raw),
    algorithm(OID.sha256),
    asn1.create(Class.CONTEXT_SPECIFIC, 0, true, attributes),
    sequence([oid(OID.sha256WithRsa), asn1.create(Class.UNIVERSAL, Type.NULL, false, '')]),
    octets(signature),
  ]);
  const signedData = sequence([
    integer(1),
    set([algorithm(OID.sha256)]),
    sequence([oid(OID.data)]),
    asn1.create(Class.CONTEXT_SPECIFIC, 0, true, sortDer(certificates.map(parse))),
    set([signerInfo]),
  ]);
  const contentInfo = sequence([oid(OID.signedData), asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [signedData])]);
  return toBytes(contentInfo);
}

function signedAttributes({ documentDigest, signedAt }: CmsRequest, signer: Uint8Array): Node[] {
  const certHash = createHash('sha256').update(signer).digest();
  // ESSCertIDv2 with the default SHA-256, which DER leaves out (RFC 5035).
  const signingCertificate = sequence([sequence([sequence([octets(certHash)])])]);
  return sortDer([
    attribute(OID.contentType, oid(OID.data)),
    attribute(OID.messageDigest, octets(documentDigest)),
    attribute(
      OID.signingTime,
      asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(signedAt) as string),
    ),
    attribute(OID.signingCertificateV2, signingCertificate),
  ]);
}

/** Issuer and serial as they stand in the certificate, byte for byte. */
function issuerAndSerial(certificate: Uint8Array): Node {
  const fields = children(children(parse(certificate))[0]);
  const [, serial, , issuer] = fields;
  if (!serial || !issuer) throw new TypeError('not an X.509 v3 certificate');
  return sequence([issuer, serial]);
}

/** DER: the members of a SET OF stand in the order of their encodings. */
function sortDer(nodes: Node[]): Node[] {
  return nodes
    .map((node) => ({ node, bytes: toBytes(node) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ node }) => node);
}

function children(node: Node | undefined): Node[] {
  return Array.isArray(node?.value) ? node.value : [];
}

function parse(der: Uint8Array): Node {
  return asn1.fromDer(forge.util.createBuffer(Buffer.from(der).toString('binary')));
}

function toBytes(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'binary');
}

function sequence(nodes: Node[]): Node {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, nodes);
}

function set(nodes: Node[]): Node {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, nodes);
}

function oid(text: string): Node {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(text).getBytes());
}

function integer(value: number): Node {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, asn1.integerToDer(value).getBytes());
}

function octets(bytes: Uint8Array): Node {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, Buffer.from(bytes).toString('binary'));
}

function algorithm(name: string): Node {
  return sequence([oid(name)]);
}

function attribute(type: string, value: Node): Node {
  return sequence([oid(type), set([value])]);
}
