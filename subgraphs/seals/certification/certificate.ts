import { type KeyObject, X509Certificate } from 'node:crypto';
import { Refusal } from '../../kernel/refusal.ts';
import { KEY_USAGE, readKeyUsage } from '../signer/certificate-fields.ts';

/** Seal certificates issued by an authority other than the hub's own (电子认证服务机构签发的印章证书). Pure functions. */

/** Maximum of certificates in a chain, and of characters in its text. */
const MAX_CHAIN_CERTIFICATES = 5;
const MAX_CHAIN_CHARS = 40_000;
/** Maximum of DER bytes of a chain. It must fit into the space that a document reserves for its signature. */
const MAX_CHAIN_BYTES = 7_000;
/** Larger keys make each verification slow. FIPS 186-5 §5.1 has exponents below 2 ** 256. */
const MAX_RSA_BITS = 8_192;
const MAX_RSA_EXPONENT = 2n ** 32n;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Parses the certificates in a PEM text, in its order. Refuses CERTIFICATE_MALFORMED. */
export function parseChain(text: string): string[] {
  const blocks = text.length <= MAX_CHAIN_CHARS ? (text.match(PEM) ?? []) : [];
  if (blocks.length === 0 || blocks.length > MAX_CHAIN_CERTIFICATES) throw buildMalformedRefusal();
  return blocks.map((block) => parseCertificate(block).toString());
}

/**
 * Parses a chain that a stranger chose. Refuses CERTIFICATE_MALFORMED as `parseChain` does, and CERTIFICATE_UNFIT for a
 * key with which a verification takes long: an RSA key may have an exponent of any size.
 */
export function readForeignChain(text: string): string[] {
  const chain = parseChain(text);
  for (const certificate of chain.map(parseCertificate)) requireQuickKey(readKey(certificate));
  return chain;
}

function readKey(certificate: X509Certificate): KeyObject {
  try {
    return certificate.publicKey;
  } catch {
    throw buildMalformedRefusal();
  }
}

function requireQuickKey({ asymmetricKeyDetails: details = {} }: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = details;
  if (modulusLength > MAX_RSA_BITS || publicExponent > MAX_RSA_EXPONENT) throw buildUnfitRefusal('密钥过大');
}

const buildMalformedRefusal = () => new Refusal('CERTIFICATE_MALFORMED', 'certificates');

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw buildMalformedRefusal();
  }
}

/** What a seal's certificate is checked against. */
export interface ChainRequirements {
  /** The seal's certificates, PEM, newest last. The newest has the key that signs. */
  own: readonly string[];
  organName: string;
  /** Authorities that the hub trusts, PEM. */
  trusted: readonly string[];
}

/**
 * Verifies the chain of a seal's certificate. It must have the seal's key and organ, be in force, allow signatures, and
 * lead to a trusted authority. Returns the chain without that authority, PEM, the seal's own certificate first. Refuses
 * AUTHORITY_NOT_TRUSTED, CERTIFICATE_UNFIT, CERTIFICATE_MALFORMED.
 */
export function requireChain(
  chain: readonly string[],
  { own, organName, trusted }: ChainRequirements,
  at: Date,
): string[] {
  if (trusted.length === 0) {
    throw new Refusal('AUTHORITY_NOT_TRUSTED', 'certificates', '本枢纽没有配置任何印章证书签发机构');
  }
  const [sealCertificate, ...caCertificates] = chain.map(parseCertificate);
  const newest = own.at(-1);
  if (!sealCertificate || newest === undefined) throw buildMalformedRefusal();
  if (!hasSameKey(sealCertificate, parseCertificate(newest))) throw buildUnfitRefusal('公钥不是此印章的公钥');
  if (own.some((pem) => parseCertificate(pem).raw.equals(sealCertificate.raw)))
    throw buildUnfitRefusal('此印章已有这份证书');
  if (sealCertificate.ca) throw buildUnfitRefusal('签发机构的证书不能作为印章证书');
  const { O: organisation } = sealCertificate.toLegacyObject().subject as { O?: string | string[] };
  if (organisation !== organName) throw buildUnfitRefusal(`证书中的机构名称不是“${organName}”`);
  const usage = readKeyUsage(sealCertificate.raw);
  const signingBits = KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation;
  if (usage === null || (usage & signingBits) !== signingBits) throw buildUnfitRefusal('密钥用途须含数字签名和抗抵赖');
  const authorities = trusted.map(parseCertificate);
  const intermediates = caCertificates.filter(
    (certificate) => !authorities.some(({ raw }) => raw.equals(certificate.raw)),
  );
  const path = [sealCertificate, ...intermediates];
  requirePath(path, authorities, at);
  const bytes = path.reduce((sum, { raw }) => sum + raw.length, 0);
  if (bytes > MAX_CHAIN_BYTES) throw buildUnfitRefusal('证书链过大，放不进签名位置');
  return path.map((certificate) => certificate.toString());
}

/** Requires that each certificate is issued by the next and the last by an authority. All of them must be in force. */
function requirePath(path: readonly X509Certificate[], authorities: readonly X509Certificate[], at: Date): void {
  path.forEach((certificate, index) => {
    if (at < certificate.validFromDate || at > certificate.validToDate) throw buildUnfitRefusal('证书不在有效期内');
    const parent = path[index + 1];
    const issuers = parent
      ? [parent]
      : authorities.filter(({ validFromDate, validToDate }) => validFromDate <= at && at <= validToDate);
    if (issuers.some((issuer) => hasIssued(issuer, certificate))) return;
    if (parent) throw buildUnfitRefusal('证书链各级之间不能验证');
    throw new Refusal('AUTHORITY_NOT_TRUSTED', 'certificates');
  });
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  const usage = readKeyUsage(issuer.raw);
  const mayIssue = issuer.ca && (usage === null || (usage & KEY_USAGE.keyCertSign) !== 0);
  return mayIssue && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function hasSameKey(certificate: X509Certificate, other: X509Certificate): boolean {
  return certificate.publicKey.equals(other.publicKey);
}

const buildUnfitRefusal = (reason: string) => new Refusal('CERTIFICATE_UNFIT', 'certificates', reason);
