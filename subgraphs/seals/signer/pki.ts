import { createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { computeKeyIdentifier, exportSpki } from './certificate-fields.ts';
import {
  algorithm,
  bits,
  children,
  context,
  integer,
  type Node,
  OID,
  octets,
  parse,
  sequence,
  toBytes,
} from './der.ts';

/**
 * Certificates of the test PKI (X.509, RFC 5280): root → issuing CA → seals, their codes, timestamps, statuses. Their
 * names state that they are for tests.
 */

const { asn1, pki } = forge;
const SERIAL_BYTES = 16;

/** A name: organisation, unit and common name, all UTF-8. */
export interface DistinguishedName {
  organisation: string;
  unit: string;
  commonName: string;
}

export const ROOT_NAME: DistinguishedName = {
  organisation: '同权测试机构 (Tongquan TEST)',
  unit: '仅供测试，不具法律效力',
  commonName: '同权测试根证书 (TEST ROOT CA)',
};
export const ISSUING_NAME: DistinguishedName = { ...ROOT_NAME, commonName: '同权测试印章签发证书 (TEST ISSUING CA)' };

export const TIMESTAMP_NAME: DistinguishedName = { ...ROOT_NAME, commonName: '同权测试时间戳 (TEST TIMESTAMP)' };
export const STATUS_NAME: DistinguishedName = { ...ROOT_NAME, commonName: '同权测试证照状态 (TEST STATUS)' };

/** What a certificate is for. It determines the extensions. */
export type Profile = 'root' | 'issuing' | 'seal' | 'code' | 'timestamp' | 'status';

const AUTHORITY_USAGE = { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true };
const SIGNER_USAGE = { name: 'keyUsage', digitalSignature: true, critical: true };
const END_ENTITY = { name: 'basicConstraints', cA: false, critical: true };
/**
 * Extended key usage: only statements and lists of license states. The Token Status List specification leaves its own
 * number open, so this one is in the test arc.
 */
const STATUS_SIGNING = '1.3.6.1.4.1.99999.1.2';

const EXTENSIONS: Record<Profile, object[]> = {
  root: [{ name: 'basicConstraints', cA: true, pathLenConstraint: 1, critical: true }, AUTHORITY_USAGE],
  issuing: [{ name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true }, AUTHORITY_USAGE],
  seal: [END_ENTITY, { ...SIGNER_USAGE, nonRepudiation: true }],
  code: [END_ENTITY, SIGNER_USAGE],
  // RFC 3161 §2.3: critical, and the only usage.
  timestamp: [END_ENTITY, SIGNER_USAGE, { name: 'extKeyUsage', timeStamping: true, critical: true }],
  status: [END_ENTITY, SIGNER_USAGE, { name: 'extKeyUsage', [STATUS_SIGNING]: true, critical: true }],
};

export interface CertificateRequest {
  profile: Profile;
  subject: DistinguishedName;
  /** SubjectPublicKeyInfo, PEM. */
  publicKeyPem: string;
  issuer: DistinguishedName;
  /** RSA. */
  issuerPublicKeyPem: string;
  validFrom: Date;
  validUntil: Date;
}

/** Builds a certificate, PEM. `sign` signs the bytes with the issuer's RSA key and SHA-256. */
export function makeCertificate(request: CertificateRequest, sign: (data: Uint8Array) => Uint8Array): string {
  const certificate = pki.createCertificate();
  // forge knows RSA keys only. This key is a placeholder for the subject's.
  certificate.publicKey = pki.publicKeyFromPem(request.issuerPublicKeyPem);
  certificate.serialNumber = newSerial();
  certificate.validity.notBefore = request.validFrom;
  certificate.validity.notAfter = request.validUntil;
  certificate.setSubject(toAttributes(request.subject));
  certificate.setIssuer(toAttributes(request.issuer));
  certificate.setExtensions([
    ...EXTENSIONS[request.profile],
    // Set as a value: by name, forge would compute it from the placeholder key.
    {
      name: 'subjectKeyIdentifier',
      value: toBytes(octets(computeKeyIdentifier(request.publicKeyPem))).toString('binary'),
    },
    {
      name: 'authorityKeyIdentifier',
      keyIdentifier: computeKeyIdentifier(request.issuerPublicKeyPem).toString('binary'),
    },
  ]);
  certificate.signatureOid = OID.sha256WithRsa;
  certificate.siginfo.algorithmOid = OID.sha256WithRsa;
  const toBeSigned = buildTbs(certificate);
  children(toBeSigned)[SUBJECT_KEY_INDEX] = parse(exportSpki(request.publicKeyPem));
  const signature = sign(toBytes(toBeSigned));
  const certificateNode = sequence([toBeSigned, algorithm(OID.sha256WithRsa), bits(signature)]);
  return new X509Certificate(toBytes(certificateNode)).toString();
}

/** Index of the subject's public key in a TBSCertificate of version 3. */
const SUBJECT_KEY_INDEX = 6;

/** Returns the part that the issuer signs. forge has the function; its type definitions do not. */
function buildTbs(certificate: forge.pki.Certificate): Node {
  const typedPki = pki as typeof pki & { getTBSCertificate(of: forge.pki.Certificate): Node };
  return typedPki.getTBSCertificate(certificate);
}

/**
 * Builds a certificate request (PKCS #10, RFC 2986), PEM. `sign` signs with the subject's own RSA key and SHA-256.
 * Throws if that key does not match `publicKeyPem`.
 */
export function makeRequest(
  { subject, publicKeyPem }: { subject: DistinguishedName; publicKeyPem: string },
  sign: (data: Uint8Array) => Uint8Array,
): string {
  const nameCarrier = pki.createCertificate();
  nameCarrier.setSubject(toAttributes(subject));
  const name = pki.distinguishedNameToAsn1(nameCarrier.subject);
  const info = sequence([integer(0), name, parse(exportSpki(publicKeyPem)), context(0, [])]);
  const signature = sign(toBytes(info));
  if (!verify('sha256', toBytes(info), createPublicKey(publicKeyPem), signature)) {
    throw new Error('the public key is not of the key that signs');
  }
  const request = toBytes(sequence([info, algorithm(OID.sha256WithRsa), bits(signature)]));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** Returns a random positive serial number of 127 bits, hex. */
export function newSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function toAttributes({ organisation, unit, commonName }: DistinguishedName): forge.pki.CertificateField[] {
  // Without valueTagClass forge writes Chinese as PrintableString, which no verifier reads.
  const utf8 = asn1.Type.UTF8 as unknown as forge.asn1.Class;
  return [
    { name: 'countryName', value: 'CN' },
    { name: 'organizationName', value: organisation, valueTagClass: utf8 },
    { name: 'organizationalUnitName', value: unit, valueTagClass: utf8 },
    { name: 'commonName', value: commonName, valueTagClass: utf8 },
  ];
}
