import { constants, createHash, verify, X509Certificate } from 'node:crypto';
import { findPath, hasCommonKey, isPathInForce } from './chain.ts';
import { type CmsSignature, readCertificateNames, readCms } from './cms.ts';
import type { FileSignature } from './verdict.ts';

/**
 * Judges the signature of a PDF or OFD of another authority: whether its bytes are those that were signed, and whether
 * the signer's certificate leads to a trusted one. Revocation is not looked up, and the time of signing is not proven.
 */

/** A file to be judged, in a worker. */
export interface SignatureRequest {
  bytes: Uint8Array;
  mediaType: string;
  /** Trusted certificates, PEM. */
  anchors: readonly string[];
  at: Date;
}

const MAX_SIGNATURES = 20;
const MAX_CMS_BYTES = 1_048_576;
const BYTE_RANGE = /\/ByteRange\s{0,8}\[\s{0,8}(\d{1,10})\s{1,8}(\d{1,10})\s{1,8}(\d{1,10})\s{1,8}(\d{1,10})\s{0,8}\]/g;
/** Digests by their identifier. Weaker ones are not judged. */
const DIGESTS: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const RSA_PSS = '1.2.840.113549.1.1.10';
/** SM2, SM3 (GM/T 0006): Node has no SM2 with an identity. */
const NATIONAL = '1.2.156.10197.';

type Finding = Pick<FileSignature, 'verdict' | 'reason'> & { certificate?: X509Certificate };

const broken = (reason: string): Finding => ({ verdict: 'BROKEN', reason });
const notJudged = (reason: string): Finding => ({ verdict: 'NOT_JUDGED', reason });
const UNSIGNED: Finding = { verdict: 'UNSIGNED', reason: null };

/** Returns the verdict on a file, or null for a format that carries no signature. */
export function judgeSignature({ bytes: data, mediaType, anchors, at }: SignatureRequest): FileSignature | null {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const trusted = anchors.map((pem) => new X509Certificate(pem));
  const finding = find(bytes, mediaType, trusted, at);
  if (finding === null) return null;
  const { certificate, verdict, reason } = finding;
  return {
    verdict,
    reason,
    signer: certificate ? nameOf(certificate.subject) : null,
    issuer: certificate ? nameOf(certificate.issuer) : null,
    validUntil: certificate ? certificate.validToDate.toISOString() : null,
    judgedAt: at.toISOString(),
  };
}

function find(bytes: Buffer, mediaType: string, anchors: readonly X509Certificate[], at: Date): Finding | null {
  if (mediaType === 'application/pdf') return findInPdf(bytes, anchors, at);
  if (mediaType !== 'application/ofd') return null;
  // Names of parts stand in the directory as they are.
  return bytes.includes('Signatures.xml') ? notJudged('OFD 签章（GM/T 0031）本枢纽不能核验') : UNSIGNED;
}

/** The worst signature counts: a file with one that is broken is not what was signed. */
function findInPdf(bytes: Buffer, anchors: readonly X509Certificate[], at: Date): Finding {
  const ranges = listRanges(bytes);
  if (ranges.length === 0) return UNSIGNED;
  if (ranges.length > MAX_SIGNATURES) return notJudged(`签名过多，最多 ${MAX_SIGNATURES} 个`);
  const findings = ranges.map((range) => findInRange(bytes, range, anchors, at));
  const worst = (['BROKEN', 'NOT_JUDGED', 'UNKNOWN_ISSUER', 'EXPIRED'] as const)
    .map((verdict) => findings.find((finding) => finding.verdict === verdict))
    .find((finding) => finding !== undefined);
  if (worst) return worst;
  const end = Math.max(...ranges.map(([, , from, length]) => from + length));
  if (bytes.subarray(end).toString('latin1').trim() !== '') return broken('签名之后文件又有改动');
  return findings.at(-1) ?? UNSIGNED;
}

type Range = readonly [number, number, number, number];

function listRanges(bytes: Buffer): Range[] {
  const ranges: Range[] = [];
  for (let at = bytes.indexOf('/ByteRange'); at >= 0; at = bytes.indexOf('/ByteRange', at + 1)) {
    const [match] = [...bytes.toString('latin1', at, at + 128).matchAll(BYTE_RANGE)];
    ranges.push((match?.index === 0 ? match.slice(1).map(Number) : [-1, 0, 0, 0]) as unknown as Range);
    if (ranges.length > MAX_SIGNATURES) break;
  }
  return ranges;
}

/** A signature covers everything but its own value, which stands between its two ranges as <hexadecimal digits>. */
function findInRange(bytes: Buffer, range: Range, anchors: readonly X509Certificate[], at: Date): Finding {
  const [start, length, from, rest] = range;
  const isWhole = start === 0 && length > 0 && from > length + 1 && from + rest <= bytes.length;
  if (!isWhole || from - length > 2 * MAX_CMS_BYTES) return broken('签名范围不正确');
  const value = bytes.toString('latin1', length, from);
  if (!value.startsWith('<') || !value.endsWith('>')) return broken('签名范围不正确');
  let cms: CmsSignature;
  try {
    cms = readCms(Buffer.from(value.slice(1, -1).replace(/\s/g, ''), 'hex'));
  } catch {
    return notJudged('签名格式不能识别');
  }
  return judgeCms(cms, [bytes.subarray(0, length), bytes.subarray(from, from + rest)], anchors, at);
}

function judgeCms(
  cms: CmsSignature,
  content: readonly Buffer[],
  anchors: readonly X509Certificate[],
  at: Date,
): Finding {
  const algorithm = DIGESTS[cms.digestAlgorithm];
  if ([cms.digestAlgorithm, cms.signatureAlgorithm].some((oid) => oid.startsWith(NATIONAL))) {
    return notJudged('国密算法（SM2、SM3）签名本枢纽不能核验');
  }
  if (algorithm === undefined || cms.signatureAlgorithm === RSA_PSS) return notJudged('签名算法不在可核验的范围内');
  const hash = createHash(algorithm);
  for (const part of content) hash.update(part);
  if (!hash.digest().equals(cms.messageDigest)) return broken('文件内容与签名不符');
  const certificates = readCertificates(cms);
  const certificate = certificates && findSigner(cms, certificates);
  if (!certificates || !certificate) return notJudged('签名没有附上签名证书');
  if (!hasCommonKey(certificate)) return { ...notJudged('签名密钥不在可核验的范围内'), certificate };
  const key = { key: certificate.publicKey, padding: constants.RSA_PKCS1_PADDING };
  if (!verify(algorithm, cms.signedAttributes, key, cms.signature)) return { ...broken('签名值不正确'), certificate };
  const path = findPath(certificate, certificates, anchors);
  if (!path) return { verdict: 'UNKNOWN_ISSUER', reason: '签名完好，签发机构不在信任名单内', certificate };
  if (!isPathInForce(path, at)) return { verdict: 'EXPIRED', reason: '签名完好，签名证书已过期', certificate };
  return { verdict: 'TRUSTED', reason: null, certificate };
}

function readCertificates({ certificates }: CmsSignature): X509Certificate[] | null {
  try {
    return certificates.map((der) => new X509Certificate(der));
  } catch {
    return null;
  }
}

function findSigner(
  { signer, certificates }: CmsSignature,
  parsed: readonly X509Certificate[],
): X509Certificate | null {
  if (signer === null) return null;
  const index = certificates.findIndex((der) => {
    const names = readCertificateNames(der);
    return names.issuer.equals(signer.issuer) && names.serial.equals(signer.serial);
  });
  return parsed[index] ?? null;
}

/** Maximum of characters of a name that is kept. */
const MAX_NAME_CHARS = 200;

/** Returns organisation and common name of a distinguished name as Node writes it: a line for each part. */
function nameOf(text: string): string {
  const part = (type: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${type}=`))
      ?.slice(type.length + 1);
  const names = [part('O'), part('CN')].filter((name) => name !== undefined);
  return (names.length > 0 ? [...new Set(names)].join(' ') : text.replaceAll('\n', ' ')).slice(0, MAX_NAME_CHARS);
}
