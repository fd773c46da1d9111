import { X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import { Certificate as Asn1Certificate, type Extension } from 'pkijs';
import { Failure, shown } from './verdict.ts';

/** A certificate of the one narrow profile that this verifier knows (RFC 5280); its maths are node:crypto's. */
export interface Certificate {
  x509: X509Certificate;
  /** Issuer, DER, and contents of the serial number, as a signature names them. */
  issuer: Buffer;
  serial: Buffer;
  commonName: string;
  /** Organisation names (O) of the subject, in order. */
  organisations: readonly string[];
  validFrom: Date;
  validUntil: Date;
  signatureOid: string;
  isCa: boolean;
  /** How many authorities may stand below this one, or null where nothing limits it. */
  pathLength: number | null;
  /** First octet of keyUsage, bit 0 (digitalSignature) highest; null where there is none. */
  keyUsage: number | null;
}

const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const KEY_BITS_LEAST = 3072;
const VERSION_3 = 2;
const SUBJECT = { commonName: '2.5.4.3', organisation: '2.5.4.10' } as const;
const EXTENSION = { keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19', extendedKeyUsage: '2.5.29.37' } as const;
/** Say nothing that limits what a certificate may do: key identifiers, policies, names, where to ask. */
const HARMLESS = ['2.5.29.14', '2.5.29.35', '2.5.29.32', '2.5.29.31', '2.5.29.17', '1.3.6.1.5.5.7.1.1'];
/** Limits on a path that this verifier does not compute: mappings, name constraints, policy constraints, inhibitAnyPolicy. */
const PATH_LIMITS = ['2.5.29.33', '2.5.29.30', '2.5.29.36', '2.5.29.54'];
/** Document signing (RFC 9336), e-mail protection, any purpose. */
const SIGNING_PURPOSES = ['1.3.6.1.5.5.7.3.36', '1.3.6.1.5.5.7.3.4', '2.5.29.37.0'];
/** Bits of keyUsage within its first octet. */
const USAGE = { digitalSignature: 0x80, nonRepudiation: 0x40, keyCertSign: 0x04 } as const;

const outside = (detail: string) => new Failure('CHAIN_CONSTRAINTS_FAILURE', detail);

/** Reads a certificate, DER or PEM. Throws Failure CHAIN_CONSTRAINTS_FAILURE for what is none or says what is not known here. */
export function readCertificate(bytes: Uint8Array): Certificate {
  try {
    const x509 = new X509Certificate(bytes);
    const parsed = Asn1Certificate.fromBER(new Uint8Array(x509.raw));
    if (parsed.version !== VERSION_3) throw outside('证书不是 X.509 第 3 版');
    if (parsed.signature.algorithmId !== parsed.signatureAlgorithm.algorithmId) throw outside('证书签名算法前后不一致');
    const names = (type: string) =>
      parsed.subject.typesAndValues.filter((part) => part.type === type).map((part) => textOf(part.value));
    return {
      x509,
      issuer: Buffer.from(parsed.issuer.toSchema().toBER()),
      serial: Buffer.from(parsed.serialNumber.valueBlock.valueHexView),
      commonName: shown(names(SUBJECT.commonName)[0] ?? ''),
      organisations: names(SUBJECT.organisation),
      validFrom: x509.validFromDate,
      validUntil: x509.validToDate,
      signatureOid: parsed.signatureAlgorithm.algorithmId,
      ...readExtensions(parsed.extensions ?? []),
    };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw outside('证书无法解析');
  }
}

function textOf(value: unknown): string {
  if (value instanceof asn1js.Utf8String || value instanceof asn1js.PrintableString) return value.getValue();
  throw outside('证书主体名称的编码不受支持');
}

function readExtensions(extensions: readonly Extension[]): Pick<Certificate, 'isCa' | 'pathLength' | 'keyUsage'> {
  const found = { isCa: false, pathLength: null as number | null, keyUsage: null as number | null };
  const seen = new Set<string>();
  for (const { extnID, critical, extnValue } of extensions) {
    if (seen.has(extnID)) throw outside(`证书扩展 ${extnID} 重复`);
    seen.add(extnID);
    const value = () => parseValue(extnValue.valueBlock.valueHexView);
    if (extnID === EXTENSION.basicConstraints) Object.assign(found, readBasicConstraints(value()));
    else if (extnID === EXTENSION.keyUsage) found.keyUsage = readKeyUsage(value());
    else if (extnID === EXTENSION.extendedKeyUsage) requireSigningPurpose(value());
    else if (PATH_LIMITS.includes(extnID) || (critical && !HARMLESS.includes(extnID))) {
      throw outside(`证书扩展 ${extnID} 是本核验程序不认识的限制`);
    }
  }
  return found;
}

function parseValue(der: Uint8Array): unknown {
  const { result, offset } = asn1js.fromBER(der);
  if (offset !== der.length) throw outside('证书扩展无法解析');
  return result;
}

function readBasicConstraints(value: unknown): { isCa: boolean; pathLength: number | null } {
  if (!(value instanceof asn1js.Sequence)) throw outside('证书基本限制无法解析');
  const [ca, length] = value.valueBlock.value;
  const isCa = ca instanceof asn1js.Boolean && ca.getValue();
  if (length !== undefined && !(length instanceof asn1js.Integer)) throw outside('证书基本限制无法解析');
  return { isCa, pathLength: length ? length.valueBlock.valueDec : null };
}

function readKeyUsage(value: unknown): number {
  if (!(value instanceof asn1js.BitString)) throw outside('证书密钥用途无法解析');
  return value.valueBlock.valueHexView[0] ?? 0;
}

function requireSigningPurpose(value: unknown): void {
  const purposes = value instanceof asn1js.Sequence ? value.valueBlock.value : [];
  const named = purposes.map((one) => (one instanceof asn1js.ObjectIdentifier ? one.valueBlock.toString() : ''));
  if (!named.some((one) => SIGNING_PURPOSES.includes(one))) throw outside('证书扩展密钥用途不含文件签名');
}

/** The way from a seal's certificate to a trusted root. */
export interface Chain {
  seal: Certificate;
  issuing: Certificate;
  root: Certificate;
}

/**
 * Finds the one way that is accepted: seal certificate ← issuing authority ← pinned root, the issuing authority among the
 * certificates `carried` along. Throws Failure NO_CERTIFICATE_CHAIN_FOUND, CHAIN_CONSTRAINTS_FAILURE or
 * CRYPTO_CONSTRAINTS_FAILURE. Says nothing of validity in time or of revocation.
 */
export function findChain(seal: Certificate, carried: readonly Uint8Array[], roots: readonly Uint8Array[]): Chain {
  const authorities = readAll(carried).filter((one) => issued(one, seal) && !issued(one, one));
  if (authorities.length === 0) throw new Failure('NO_CERTIFICATE_CHAIN_FOUND', '签名中没有签发印章证书的上级证书');
  const trusted = readAll(roots).filter((one) => issued(one, one));
  const ways = authorities.flatMap((issuing) => trusted.map((root) => ({ issuing, root })));
  const way = ways.find(({ issuing, root }) => issued(root, issuing));
  if (!way) throw new Failure('NO_CERTIFICATE_CHAIN_FOUND', '证书链不能到达受信任的根证书');
  const { issuing, root } = way;
  if (seal.isCa) throw outside('印章证书是 CA 证书');
  if (((seal.keyUsage ?? 0) & (USAGE.digitalSignature | USAGE.nonRepudiation)) === 0)
    throw outside('印章证书不能用于签名');
  requireAuthority(issuing, 0);
  requireAuthority(root, 1);
  for (const one of [seal, issuing, root]) requireAlgorithms(one);
  return { seal, issuing, root };
}

/** The candidates that can be read; one that cannot must not hide a good one behind it. */
function readAll(all: readonly Uint8Array[]): Certificate[] {
  return all.flatMap((one) => {
    try {
      return [readCertificate(one)];
    } catch {
      return [];
    }
  });
}

function issued(issuer: Certificate, subject: Certificate): boolean {
  return subject.x509.checkIssued(issuer.x509) && subject.x509.verify(issuer.x509.publicKey);
}

function requireAuthority(certificate: Certificate, below: number): void {
  const { isCa, pathLength, keyUsage, commonName } = certificate;
  if (!isCa) throw outside(`“${commonName}”不是 CA 证书`);
  if (((keyUsage ?? 0) & USAGE.keyCertSign) === 0) throw outside(`“${commonName}”不能签发证书`);
  if (pathLength !== null && pathLength < below) throw outside(`“${commonName}”不能签发下级 CA`);
}

function requireAlgorithms({ x509, signatureOid, commonName }: Certificate): void {
  if (signatureOid !== SHA256_WITH_RSA) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”的签名算法不是 RSA-SHA256`);
  }
  requireKey(x509, commonName);
}

/** Refuses CRYPTO_CONSTRAINTS_FAILURE unless the key is RSA of 3072 bits or more. */
export function requireKey({ publicKey }: X509Certificate, owner: string): void {
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < KEY_BITS_LEAST) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${owner}”的密钥不是 ${KEY_BITS_LEAST} 位以上的 RSA`);
  }
}
