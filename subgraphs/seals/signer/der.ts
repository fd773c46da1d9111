import forge from 'node-forge';

/** Elements of ASN.1 (X.690, DER) that form certificates, revocation lists, signatures and timestamps. */

const { asn1 } = forge;
const { Class, Type } = asn1;

/** One element of ASN.1. */
export type Node = forge.asn1.Asn1;

/** Last year that UTCTime can express (RFC 5280 §4.1.2.5). */
const UTC_TIME_UNTIL = 2049;

/** Object identifiers, by the names of their standards. */
export const OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  signatureTimeStamp: '1.2.840.113549.1.9.16.2.14',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  crlNumber: '2.5.29.20',
  expiredCertsOnCrl: '2.5.29.60',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  authorityKeyIdentifier: '2.5.29.35',
  keyUsage: '2.5.29.15',
} as const;

/** Parses DER. The content of a BIT STRING stays bytes. */
export function parse(der: Uint8Array): Node {
  // The type definitions know the options as a boolean only.
  const options = { strict: true, decodeBitStrings: false } as unknown as boolean;
  return asn1.fromDer(forge.util.createBuffer(Buffer.from(der).toString('binary')), options);
}

/** The DER of an element. */
export function toBytes(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'binary');
}

/** Returns the elements inside an element; [] if it holds bytes. */
export function children(node: Node | undefined): Node[] {
  return Array.isArray(node?.value) ? node.value : [];
}

/** Sorts the members of a SET OF by their encodings, as DER requires. */
export function sortDer(nodes: Node[]): Node[] {
  return nodes
    .map((node) => ({ node, bytes: toBytes(node) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ node }) => node);
}

/** SEQUENCE, or SEQUENCE OF. */
export const sequence = (nodes: Node[]): Node => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, nodes);
/** SET OF one member, or of members that are sorted. */
export const set = (nodes: Node[]): Node => asn1.create(Class.UNIVERSAL, Type.SET, true, nodes);
/** [tag] with members: EXPLICIT around one, or IMPLICIT in place of SET OF. */
export const context = (tag: number, nodes: Node[]): Node => asn1.create(Class.CONTEXT_SPECIFIC, tag, true, nodes);
/** [tag] IMPLICIT in place of OCTET STRING. */
export const contextOctets = (tag: number, bytes: Uint8Array): Node =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes));
/** OCTET STRING. */
export const octets = (bytes: Uint8Array): Node => asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, binary(bytes));
/** BIT STRING of whole octets. */
export const bits = (bytes: Uint8Array): Node =>
  asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${binary(bytes)}`);
/** OBJECT IDENTIFIER. */
export const oid = (text: string): Node =>
  asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(text).getBytes());
/** A small INTEGER. */
export const integer = (value: number): Node =>
  asn1.create(Class.UNIVERSAL, Type.INTEGER, false, asn1.integerToDer(value).getBytes());
/** A positive INTEGER whose first bit is not set, from hex. */
export const bigInteger = (hex: string): Node =>
  asn1.create(Class.UNIVERSAL, Type.INTEGER, false, binary(Buffer.from(hex, 'hex')));
/** Returns the identifier in an OBJECT IDENTIFIER, or null if the element is another one. */
export const readOid = (node: Node | undefined): string | null =>
  node?.type === Type.OID && typeof node.value === 'string' ? asn1.derToOid(forge.util.createBuffer(node.value)) : null;
/** ENUMERATED. */
export const enumerated = (value: number): Node =>
  asn1.create(Class.UNIVERSAL, Type.ENUMERATED, false, asn1.integerToDer(value).getBytes());
/** GeneralizedTime in UTC, to the second; the year has four digits. */
export const generalizedTime = (at: Date): Node =>
  asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(at));

/** Time of RFC 5280 and RFC 5652: UTCTime while it can express the year, else GeneralizedTime. */
export function time(at: Date): Node {
  if (at.getUTCFullYear() > UTC_TIME_UNTIL) return generalizedTime(at);
  return asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(at));
}

/** AlgorithmIdentifier; RSA's has NULL for parameters, those of SHA-256 and ECDSA have none (RFC 5754, RFC 5758). */
export function algorithm(name: string): Node {
  const nullNode = asn1.create(Class.UNIVERSAL, Type.NULL, false, '');
  return sequence(name === OID.sha256WithRsa ? [oid(name), nullNode] : [oid(name)]);
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('binary');
}
