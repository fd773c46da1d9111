import { X509Certificate } from 'node:crypto';
import { bytesEqual, type Der, readDer, readOid, readSmallInteger, readTime, requireTag, TAG } from './der.ts';

/** The parts of a certificate that the library checks (RFC 5280). */
export interface Certificate {
  x509: X509Certificate;
  bytes: Uint8Array;
  /** Contents of the INTEGER. */
  serial: Uint8Array;
  /** The whole Name, as encoded. */
  issuer: Uint8Array;
  validFrom: Date;
  validUntil: Date;
  isCa: boolean;
  pathLength: number | null;
  /** Named bits of keyUsage from bit 0 on, or null if the extension is absent. */
  keyUsage: readonly boolean[] | null;
  extendedKeyUsage: readonly string[] | null;
  /** organizationName and organizationIdentifier of the subject, in order. */
  organizations: readonly string[];
}

/** The reason why a certificate is not trusted. */
export class ChainError extends Error {
  override readonly name = 'ChainError';
  readonly code: 'SIGNER_UNTRUSTED' | 'SIGNER_EXPIRED';

  constructor(code: 'SIGNER_UNTRUSTED' | 'SIGNER_EXPIRED', message: string) {
    super(message);
    this.code = code;
  }
}

/** Maximum number of certificates from signer to root, both included. */
const MAX_CHAIN_CERTIFICATES = 5;
const MIN_MODULUS_BITS = 2048;
const RSA_WITH_SHA2 = ['1.2.840.113549.1.1.11', '1.2.840.113549.1.1.12', '1.2.840.113549.1.1.13'];
const EXTENSION = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
} as const;
/** Safe to ignore even if critical: key identifiers, policies, distribution points, authority access. */
const IGNORABLE_EXTENSIONS = ['2.5.29.14', '2.5.29.35', '2.5.29.32', '2.5.29.31', '1.3.6.1.5.5.7.1.1'];
/** Document signing (RFC 9336), e-mail protection, any purpose. */
const SIGNING_PURPOSES = ['1.3.6.1.5.5.7.3.36', '1.3.6.1.5.5.7.3.4', '2.5.29.37.0'];
/** The only purpose of the certificate of the register's key, in the hub's test PKI. */
const STATEMENT_PURPOSE = '1.3.6.1.4.1.99999.1.2';
const SUBJECT_NAMES = ['2.5.4.10', '2.5.4.97'];
const TEXT_TAGS = [0x0c, 0x13];
const BIT = { digitalSignature: 0, contentCommitment: 1, keyCertSign: 5 } as const;

/** Reads the root certificates that the operator pins, PEM. Throws if there is none or one is unreadable. */
export function readRoots(pem: string): Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('没有根证书');
  return blocks.map((block) => readCertificate(new X509Certificate(block).raw));
}

/** Reads a certificate. Throws DerError, or ChainError for a critical unknown extension or another algorithm. */
export function readCertificate(bytes: Uint8Array): Certificate {
  const certificateSequence = requireTag(readDer(bytes), TAG.sequence, 'certificate');
  const [tbs, algorithm] = certificateSequence.children;
  const fields = requireTag(tbs, TAG.sequence, 'tbsCertificate').children;
  const [version, serial, innerAlgorithm, issuer, validity, subject] = fields;
  requireTag(version, TAG.context0, 'version 3');
  const algorithmOid = readOid(
    requireTag(algorithm, TAG.sequence, 'signatureAlgorithm').children[0],
    'signatureAlgorithm',
  );
  if (!RSA_WITH_SHA2.includes(algorithmOid) || !bytesEqual(algorithm?.bytes ?? bytes, innerAlgorithm?.bytes ?? bytes)) {
    throw new ChainError('SIGNER_UNTRUSTED', `signature algorithm ${algorithmOid}`);
  }
  const [from, until] = requireTag(validity, TAG.sequence, 'validity').children;
  const certificate: Certificate = {
    x509: new X509Certificate(bytes),
    bytes,
    serial: requireTag(serial, TAG.integer, 'serialNumber').content,
    issuer: requireTag(issuer, TAG.sequence, 'issuer').bytes,
    validFrom: readTime(from, 'notBefore'),
    validUntil: readTime(until, 'notAfter'),
    isCa: false,
    pathLength: null,
    keyUsage: null,
    extendedKeyUsage: null,
    organizations: readOrganizations(requireTag(subject, TAG.sequence, 'subject')),
  };
  const extensions = fields.find((field) => field.tag === TAG.context3);
  return { ...certificate, ...readExtensions(extensions) };
}

function readOrganizations(subject: Der): string[] {
  return subject.children
    .flatMap((set) => set.children)
    .filter(({ children: [type] }) => SUBJECT_NAMES.includes(readOid(type, 'attribute type')))
    .flatMap(({ children: [, value] }) =>
      value && TEXT_TAGS.includes(value.tag) ? [Buffer.from(value.content).toString('utf8')] : [],
    );
}

type Extensions = Partial<Pick<Certificate, 'isCa' | 'pathLength' | 'keyUsage' | 'extendedKeyUsage'>>;

function readExtensions(field: Der | undefined): Extensions {
  const extensions: Extensions = {};
  const seenIds = new Set<string>();
  for (const extension of field?.children[0]?.children ?? []) {
    const id = readOid(extension.children[0], 'extension');
    if (seenIds.has(id)) throw new ChainError('SIGNER_UNTRUSTED', `extension ${id} twice`);
    seenIds.add(id);
    const critical = extension.children[1]?.tag === TAG.boolean;
    const value = requireTag(extension.children.at(-1), TAG.octetString, `extension ${id}`).content;
    if (id === EXTENSION.basicConstraints) Object.assign(extensions, readBasicConstraints(readDer(value)));
    else if (id === EXTENSION.keyUsage) extensions.keyUsage = readBits(readDer(value));
    else if (id === EXTENSION.extendedKeyUsage) {
      extensions.extendedKeyUsage = readDer(value).children.map((purpose) => readOid(purpose, 'purpose'));
    } else if (critical && !IGNORABLE_EXTENSIONS.includes(id)) {
      throw new ChainError('SIGNER_UNTRUSTED', `critical extension ${id}`);
    }
  }
  return extensions;
}

function readBasicConstraints(value: Der): Extensions {
  const [first, second] = requireTag(value, TAG.sequence, 'basicConstraints').children;
  const isCa = first?.tag === TAG.boolean && first.content[0] === 0xff;
  return { isCa, pathLength: isCa && second ? readSmallInteger(second, 'pathLenConstraint') : null };
}

function readBits(value: Der): boolean[] {
  const [, ...octets] = requireTag(value, TAG.bitString, 'keyUsage').content;
  return octets.flatMap((octet) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (octet & (1 << bit)) !== 0));
}

/**
 * Throws ChainError unless a chain leads from `signer` over `intermediateCertificates` to one of `roots`, each
 * certificate valid at `at`. `requireSigner` throws ChainError unless the signer may sign what it signed: by default a
 * document of a seal.
 * Revocation is not checked, because the protocol carries no revocation data.
 */
export function requireTrusted(
  signer: Certificate,
  intermediateCertificates: readonly Certificate[],
  roots: readonly Certificate[],
  at: Date,
  requireSigner: (signer: Certificate) => void = requireSigningCertificate,
): void {
  requireSigner(signer);
  let current = signer;
  for (let intermediates = 0; intermediates < MAX_CHAIN_CERTIFICATES - 1; intermediates++) {
    requireValidAt(current, at);
    const root = roots.find((candidate) => didIssue(candidate, current, intermediates));
    if (root) {
      requireValidAt(root, at);
      return;
    }
    const issuer = intermediateCertificates.find(
      (candidate) => !bytesEqual(candidate.bytes, current.bytes) && didIssue(candidate, current, intermediates),
    );
    if (!issuer) throw new ChainError('SIGNER_UNTRUSTED', 'no issuer leads to a pinned root');
    current = issuer;
  }
  throw new ChainError('SIGNER_UNTRUSTED', 'the chain is too long');
}

function requireSigningCertificate(signer: Certificate): void {
  const usage = signer.keyUsage;
  if (signer.isCa) throw new ChainError('SIGNER_UNTRUSTED', 'the signer is a certificate authority');
  if (!usage?.[BIT.digitalSignature] && !usage?.[BIT.contentCommitment]) {
    throw new ChainError('SIGNER_UNTRUSTED', 'the key may not sign documents');
  }
  if (signer.extendedKeyUsage && !signer.extendedKeyUsage.some((purpose) => SIGNING_PURPOSES.includes(purpose))) {
    throw new ChainError('SIGNER_UNTRUSTED', 'the key is for another purpose');
  }
  requireRsaKey(signer);
}

/** Throws ChainError unless a certificate serves only statements of the register (登记声明). A seal's does not. */
export function requireRegisterCertificate(signer: Certificate): void {
  const { x509, isCa, keyUsage, extendedKeyUsage } = signer;
  const isOnlyFor = extendedKeyUsage?.length === 1 && extendedKeyUsage[0] === STATEMENT_PURPOSE;
  if (isCa || !keyUsage?.[BIT.digitalSignature] || keyUsage[BIT.contentCommitment] || !isOnlyFor)
    throw new ChainError('SIGNER_UNTRUSTED', 'the key is not for statements of the register');
  const { asymmetricKeyType, asymmetricKeyDetails } = x509.publicKey;
  if (asymmetricKeyType !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new ChainError('SIGNER_UNTRUSTED', 'the key of the register is P-256');
}

function requireRsaKey({ x509 }: Certificate): void {
  const { asymmetricKeyType, asymmetricKeyDetails } = x509.publicKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < MIN_MODULUS_BITS) {
    throw new ChainError('SIGNER_UNTRUSTED', 'the key is not RSA of 2048 bits or more');
  }
}

function requireValidAt(certificate: Certificate, at: Date): void {
  if (at < certificate.validFrom || certificate.validUntil < at) {
    throw new ChainError('SIGNER_EXPIRED', `not valid on ${at.toISOString()}`);
  }
}

/** Returns whether `issuer` may issue and did issue `subject`, with `intermediates` authorities below it. */
function didIssue(issuer: Certificate, subject: Certificate, intermediates: number): boolean {
  if (!issuer.isCa || !issuer.keyUsage?.[BIT.keyCertSign]) return false;
  if (issuer.pathLength !== null && intermediates > issuer.pathLength) return false;
  if (!subject.x509.checkIssued(issuer.x509) || !subject.x509.verify(issuer.x509.publicKey)) return false;
  requireRsaKey(issuer);
  return true;
}
