import { createHash, randomBytes } from 'node:crypto';
import forge from 'node-forge';

/** Certificates of the test PKI (X.509, RFC 5280): root → issuing CA → seal. They say in their names what they are. */

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

/** What a certificate is for, and the extensions that follow from it. */
export type Profile = 'root' | 'issuing' | 'seal';

const EXTENSIONS: Record<Profile, object[]> = {
  root: [
    { name: 'basicConstraints', cA: true, pathLenConstraint: 1, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ],
  issuing: [
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ],
  seal: [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, nonRepudiation: true, critical: true },
  ],
};

export interface CertificateRequest {
  profile: Profile;
  subject: DistinguishedName;
  /** SubjectPublicKeyInfo, PEM. */
  publicKeyPem: string;
  issuer: DistinguishedName;
  issuerPublicKeyPem: string;
  validFrom: Date;
  validUntil: Date;
}

/** Makes a certificate, PEM; `sign` is the issuer's RSA with SHA-256 over the bytes to be signed. */
export function makeCertificate(request: CertificateRequest, sign: (data: Uint8Array) => Uint8Array): string {
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(request.publicKeyPem);
  certificate.serialNumber = newSerial();
  certificate.validity.notBefore = request.validFrom;
  certificate.validity.notAfter = request.validUntil;
  certificate.setSubject(attributesOf(request.subject));
  certificate.setIssuer(attributesOf(request.issuer));
  certificate.setExtensions([
    ...EXTENSIONS[request.profile],
    { name: 'subjectKeyIdentifier', subjectKeyIdentifier: keyIdentifier(request.publicKeyPem).toString('hex') },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifier(request.issuerPublicKeyPem).toString('binary') },
  ]);
  const sha256WithRsa = pki.oids.sha256WithRSAEncryption ?? '';
  certificate.signatureOid = sha256WithRsa;
  certificate.siginfo.algorithmOid = sha256WithRsa;
  const toBeSigned = asn1.toDer(tbsOf(certificate)).getBytes();
  certificate.signature = Buffer.from(sign(Buffer.from(toBeSigned, 'binary'))).toString('binary');
  return pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}

/** The bytes that the issuer signs; forge has the function, its type definitions do not. */
function tbsOf(certificate: forge.pki.Certificate): forge.asn1.Asn1 {
  const typed = pki as typeof pki & { getTBSCertificate(of: forge.pki.Certificate): forge.asn1.Asn1 };
  return typed.getTBSCertificate(certificate);
}

/** A random positive serial number of 127 bits, hex. */
function newSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function attributesOf({ organisation, unit, commonName }: DistinguishedName): forge.pki.CertificateField[] {
  // Without valueTagClass forge writes Chinese as PrintableString, which no verifier reads.
  const utf8 = asn1.Type.UTF8 as unknown as forge.asn1.Class;
  return [
    { name: 'countryName', value: 'CN' },
    { name: 'organizationName', value: organisation, valueTagClass: utf8 },
    { name: 'organizationalUnitName', value: unit, valueTagClass: utf8 },
    { name: 'commonName', value: commonName, valueTagClass: utf8 },
  ];
}

/** SHA-1 of the public key bits (RFC 5280 §4.2.1.2, method 1): a name for the key, not a protection. */
function keyIdentifier(publicKeyPem: string): Buffer {
  const der = asn1.toDer(pki.publicKeyToRSAPublicKey(pki.publicKeyFromPem(publicKeyPem))).getBytes();
  return createHash('sha1').update(Buffer.from(der, 'binary')).digest();
}
