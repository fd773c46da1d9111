import { constants, createHash, verify } from 'node:crypto';
import { type Certificate, readCertificate } from './chain.ts';
import { bytesEqual, type Der, readDer, readOid, readSmallInteger, readTime, requireTag, TAG } from './der.ts';

/** A detached CMS signature, verified over one document. Trust in the signer is checked separately. */
export interface ProvenSignature {
  signer: Certificate;
  others: readonly Certificate[];
  /** The time that the signer claims, or null. */
  signingTime: Date | null;
}

/** The reason why a signature does not prove the document. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
  readonly code: 'SIGNATURE_UNREADABLE' | 'SIGNATURE_OF_OTHER_DOCUMENT' | 'SIGNATURE_INVALID';

  constructor(code: SignatureError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

const OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  sha256: '2.16.840.1.101.3.4.2.1',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;
/** rsaEncryption and sha256WithRSAEncryption; both mean PKCS #1 v1.5. */
const RSA_ALGORITHMS = ['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.11'];
const MAX_CERTIFICATES = 8;
const DIRECTORY_NAME = 0xa4;
const NULL = Uint8Array.of(0x05, 0x00);

/**
 * Verifies that `signature` (CMS SignedData, DER, RFC 5652) covers exactly `document`, with one signer, SHA-256,
 * and the signed attributes of CAdES B-B (ETSI EN 319 122-1). Throws SignatureError or DerError.
 */
export function verifySignature(document: Uint8Array, signature: Uint8Array): ProvenSignature {
  const { certificates, signerInfo } = readSignedData(signature);
  const [version, signerId, digestAlgorithm, attributes, algorithm, value] = signerInfo.children;
  if (readSmallInteger(version, 'SignerInfo version') !== 1)
    throw unreadableError('the signer is not named by issuer and serial');
  requireAlgorithm(digestAlgorithm, [OID.sha256], 'digestAlgorithm');
  requireAlgorithm(algorithm, RSA_ALGORITHMS, 'signatureAlgorithm');
  const signedAttributes = readAttributes(requireTag(attributes, TAG.context0, 'signedAttrs'));

  if (readOid(signedAttributes.get(OID.contentType), 'content-type') !== OID.data)
    throw unreadableError('content-type is not data');
  const digest = requireTag(signedAttributes.get(OID.messageDigest), TAG.octetString, 'message-digest').content;
  if (!bytesEqual(digest, sha256(document))) {
    throw new SignatureError('SIGNATURE_OF_OTHER_DOCUMENT', 'message-digest is not the digest of this document');
  }

  const [issuer, serial] = requireTag(signerId, TAG.sequence, 'issuerAndSerialNumber').children;
  const issuerName = requireTag(issuer, TAG.sequence, 'issuer').bytes;
  const serialNumber = requireTag(serial, TAG.integer, 'serialNumber').content;
  const signer = certificates.find(
    (certificate) => bytesEqual(certificate.issuer, issuerName) && bytesEqual(certificate.serial, serialNumber),
  );
  if (!signer) throw unreadableError('the signer certificate is not enclosed');
  requireSigningCertificate(signedAttributes.get(OID.signingCertificateV2), signer);

  const covered = Buffer.from(attributes?.bytes ?? []);
  // The attributes are sent as [0] and signed as SET OF (RFC 5652 §5.4).
  covered[0] = TAG.set;
  const key = { key: signer.x509.publicKey, padding: constants.RSA_PKCS1_PADDING };
  const signatureValue = requireTag(value, TAG.octetString, 'signature').content;
  if (signer.x509.publicKey.asymmetricKeyType !== 'rsa' || !verify('sha256', covered, key, signatureValue)) {
    throw new SignatureError('SIGNATURE_INVALID', 'the signature does not match its attributes');
  }
  const time = signedAttributes.get(OID.signingTime);
  return {
    signer,
    others: certificates.filter((certificate) => certificate !== signer),
    signingTime: time ? readTime(time, 'signing-time') : null,
  };
}

function readSignedData(signature: Uint8Array): { certificates: Certificate[]; signerInfo: Der } {
  const contentInfo = requireTag(readDer(signature), TAG.sequence, 'ContentInfo');
  if (readOid(contentInfo.children[0], 'contentType') !== OID.signedData) throw unreadableError('not SignedData');
  const wrapper = requireTag(contentInfo.children[1], TAG.context0, 'content');
  const [version, digests, encapsulated, ...rest] = requireTag(
    wrapper.children[0],
    TAG.sequence,
    'SignedData',
  ).children;
  if (readSmallInteger(version, 'SignedData version') !== 1) throw unreadableError('not SignedData of version 1');
  for (const algorithm of requireTag(digests, TAG.set, 'digestAlgorithms').children) {
    requireAlgorithm(algorithm, [OID.sha256], 'digestAlgorithms');
  }
  const content = requireTag(encapsulated, TAG.sequence, 'encapContentInfo').children;
  if (content.length !== 1 || readOid(content[0], 'eContentType') !== OID.data) throw unreadableError('not detached');
  const certificates = requireTag(rest[0], TAG.context0, 'certificates').children;
  if (certificates.length > MAX_CERTIFICATES) throw unreadableError('too many certificates');
  const signers = requireTag(rest.at(-1), TAG.set, 'signerInfos').children;
  if (signers.length !== 1) throw unreadableError('not exactly one signer');
  return {
    certificates: certificates.map(({ bytes }) => readCertificate(bytes)),
    signerInfo: requireTag(signers[0], TAG.sequence, 'SignerInfo'),
  };
}

/** Returns the value of each signed attribute. Throws if they are not in DER order, or if an attribute occurs twice. */
function readAttributes(set: Der): Map<string, Der> {
  const values = new Map<string, Der>();
  for (const [i, attribute] of set.children.entries()) {
    const previousAttribute = set.children[i - 1];
    if (previousAttribute && Buffer.compare(previousAttribute.bytes, attribute.bytes) >= 0)
      throw unreadableError('signed attributes out of order');
    const [type, holder] = requireTag(attribute, TAG.sequence, 'attribute').children;
    const id = readOid(type, 'attribute type');
    const [value, ...extraValues] = requireTag(holder, TAG.set, 'attribute values').children;
    if (values.has(id) || !value || extraValues.length > 0)
      throw unreadableError(`attribute ${id} has not exactly one value`);
    values.set(id, value);
  }
  return values;
}

/** Throws SignatureError unless the algorithm is one of `allowed` and its parameters are absent or NULL. */
function requireAlgorithm(element: Der | undefined, allowed: readonly string[], what: string): void {
  const [algorithm, parameters, ...extraElements] = requireTag(element, TAG.sequence, what).children;
  const id = readOid(algorithm, what);
  const hasNoParameters = !parameters || bytesEqual(parameters.bytes, NULL);
  if (!allowed.includes(id) || !hasNoParameters || extraElements.length > 0) throw unreadableError(`${what} ${id}`);
}

/** Checks signing-certificate-v2 (RFC 5035). It binds the certificate: another one with the same key does not pass. */
function requireSigningCertificate(value: Der | undefined, signer: Certificate): void {
  const list = requireTag(value, TAG.sequence, 'signing-certificate-v2').children[0];
  const certId = requireTag(requireTag(list, TAG.sequence, 'certs').children[0], TAG.sequence, 'ESSCertIDv2').children;
  const hasHashAlgorithm = certId[0]?.tag === TAG.sequence;
  if (hasHashAlgorithm) requireAlgorithm(certId[0], [OID.sha256], 'hashAlgorithm');
  const [hash, issuerSerial] = hasHashAlgorithm ? certId.slice(1) : certId;
  const mismatchError = () =>
    new SignatureError('SIGNATURE_INVALID', 'signing-certificate-v2 names another certificate');
  if (!bytesEqual(requireTag(hash, TAG.octetString, 'certHash').content, sha256(signer.bytes))) throw mismatchError();
  if (!issuerSerial) return;
  const [names, serial] = requireTag(issuerSerial, TAG.sequence, 'issuerSerial').children;
  const name = requireTag(requireTag(names, TAG.sequence, 'issuer').children[0], DIRECTORY_NAME, 'directoryName')
    .children[0];
  if (!name || !bytesEqual(name.bytes, signer.issuer)) throw mismatchError();
  if (!bytesEqual(requireTag(serial, TAG.integer, 'serialNumber').content, signer.serial)) throw mismatchError();
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

function unreadableError(message: string): SignatureError {
  return new SignatureError('SIGNATURE_UNREADABLE', message);
}
