import { ALGORITHM, type Certificate, USAGE } from './format/certificate.ts';
import { isSignatureValidCached } from './format/mathematics.ts';
import { findRevocation, type RevocationList } from './revocation.ts';
import { Failure, formatTime } from './verdict.ts';

/**
 * The narrow profile of certification paths (RFC 5280 §6) that this verifier supports: certificate ← issuing authority
 * ← pinned root. It refuses everything else: other algorithms, weak keys, unknown critical extensions, name
 * constraints, policy limits, names that do not chain byte for byte, other purposes than the requested one, partial
 * revocation lists.
 */
export interface Profile {
  /** Minimum and maximum bits of an RSA key. The maximum limits the computing time that an attacker can cause. */
  minRsaBits: number;
  maxRsaBits: number;
  /** Minimum and maximum number of authorities between a certificate and the root. */
  authorities: { min: number; max: number };
  /** Until when RSA, P-256 and SHA-256 count as strong. After that, a signature needs a proof of earlier existence. */
  strongUntil: Date;
}

export const PROFILE: Profile = {
  minRsaBits: 3072,
  maxRsaBits: 8192,
  authorities: { min: 1, max: 1 },
  // The real date is unknown. NIST IR 8547 (draft) disallows new signatures by RSA and elliptic curves after 2035.
  // Signatures that were made and timestamped earlier stay valid. Use an earlier date as soon as a suite is broken.
  strongUntil: new Date('2050-12-31T23:59:59Z'),
};

/** What a certificate is used for, and the keyUsage (first octet), extKeyUsage and kind of key that this requires. */
export interface Purpose {
  name: string;
  hasUsage: (keyUsage: number | null) => boolean;
  hasPurposes: (purposes: Certificate['purposes']) => boolean;
  key: 'RSA' | 'P256';
}

const ID_DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36';
const ID_TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const ID_STATUS_SIGNING = '1.3.6.1.4.1.99999.1.2';
const isOnlyPurpose = (id: string, purposes: Certificate['purposes']) =>
  purposes?.critical === true && purposes.ids.length === 1 && purposes.ids[0] === id;
const isDigitalSignatureOnly = (usage: number | null) => usage === USAGE.digitalSignature;

export const SEAL: Purpose = {
  name: '印章',
  hasUsage: (usage) => usage === (USAGE.digitalSignature | USAGE.nonRepudiation),
  hasPurposes: (purposes) => purposes === null || purposes.ids.every((id) => id === ID_DOCUMENT_SIGNING),
  key: 'RSA',
};
export const TIMESTAMP: Purpose = {
  name: '时间戳',
  hasUsage: isDigitalSignatureOnly,
  hasPurposes: (purposes) => isOnlyPurpose(ID_TIME_STAMPING, purposes),
  key: 'P256',
};
export const CODE: Purpose = {
  name: '二维码',
  hasUsage: isDigitalSignatureOnly,
  hasPurposes: (purposes) => purposes === null,
  key: 'P256',
};
export const STATUS: Purpose = {
  name: '证照状态',
  hasUsage: isDigitalSignatureOnly,
  hasPurposes: (purposes) => isOnlyPurpose(ID_STATUS_SIGNING, purposes),
  key: 'P256',
};

/** The times at which a certificate is judged. */
export interface ValidationTime {
  /** The time at which it must be valid. */
  at: Date;
  /** Whether evidence other than the verifier's clock proves that time. */
  proven: boolean;
  /** The time of the verification. */
  now: Date;
  /** The latest time that the signer itself claims, or null. */
  claimed: Date | null;
}

export interface PathRequest {
  certificate: Certificate;
  /** Certificates among which authorities are searched. */
  candidates: readonly Certificate[];
  /** Trusted certificates. Only a self-signed one can be a root. */
  roots: readonly Certificate[];
  /** Revocation lists, or null if revocation is not checked. */
  lists: readonly RevocationList[] | null;
  moment: ValidationTime;
  purpose: Purpose;
  profile?: Profile;
}

/** From the certificate up to the root, including both. */
export type Path = readonly [Certificate, ...Certificate[]];

const MAX_CANDIDATES = 512;
const MAX_SEARCH_STEPS = 64;

/**
 * Finds a path from a certificate to a trusted root that is valid at the requested time. Throws Failure with the reason
 * why there is no path, or why the first path found is not valid.
 */
export function findPath(request: PathRequest): Path {
  const search: Search = { request, remainingSteps: MAX_SEARCH_STEPS, signatureFailure: null };
  let firstFailure: Failure | null = null;
  for (const path of searchPaths([request.certificate], search)) {
    try {
      requireValidPath(path, request);
      return path;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      firstFailure ??= error;
    }
  }
  if (firstFailure) throw firstFailure;
  if (search.signatureFailure) throw search.signatureFailure;
  const { commonName } = request.certificate;
  throw new Failure('NO_CERTIFICATE_CHAIN_FOUND', `“${commonName}”没有通向受信任根证书的证书链`);
}

interface Search {
  request: PathRequest;
  /** How many steps may still be tried. Certificates that sign each other would otherwise make too many paths. */
  remainingSteps: number;
  /** Why the signature on a certificate is invalid although its issuer was found by name and key. */
  signatureFailure: Failure | null;
}

function* searchPaths(path: Path, search: Search): Generator<Path> {
  const { profile = PROFILE, roots, candidates } = search.request;
  const topCertificate = path.at(-1) ?? path[0];
  const authorityCount = path.length - 1;
  if (authorityCount >= profile.authorities.min) {
    for (const root of roots) {
      if (isSelfSigned(root) && hasIssued(root, topCertificate, search)) yield [...path, root];
    }
  }
  if (authorityCount >= profile.authorities.max) return;
  for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
    if (path.some((member) => member.digest === candidate.digest) || isSelfSigned(candidate)) continue;
    if (!hasIssued(candidate, topCertificate, search)) continue;
    if (search.remainingSteps-- <= 0) return;
    yield* searchPaths([...path, candidate], search);
  }
}

function isSelfSigned(certificate: Certificate): boolean {
  return certificate.issuer.equals(certificate.subject) && isSignatureValidCached(certificate.key, certificate);
}

function hasIssued(issuer: Certificate, subject: Certificate, search: Search): boolean {
  if (!subject.issuer.equals(issuer.subject)) return false;
  const hasKeyIds = issuer.keyId !== null && subject.issuerKeyId !== null;
  if (hasKeyIds && issuer.keyId !== subject.issuerKeyId) return false;
  const isSigned = isSignatureValidCached(issuer.key, subject);
  if (!isSigned && hasKeyIds) search.signatureFailure ??= toSignatureFailure(subject, issuer);
  return isSigned;
}

function toSignatureFailure({ algorithm, commonName }: Certificate, { key }: Certificate): Failure {
  if (algorithm === ALGORITHM.rsaSha256 && key.kind === 'RSA') {
    return new Failure('CERTIFICATE_CHAIN_GENERAL_FAILURE', `“${commonName}”的证书签名不正确`);
  }
  return new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”的签名算法不是 RSA-SHA256`);
}

const chainFailure = (detail: string) => new Failure('CHAIN_CONSTRAINTS_FAILURE', detail);

function requireValidPath(path: Path, request: PathRequest): void {
  const { profile = PROFILE, moment: validationTime } = request;
  const [certificate, ...authorities] = path;
  for (const member of path) {
    if (member.outside) throw member.outside;
    requireStrong(member, profile);
  }
  requirePurpose(certificate, request.purpose);
  authorities.forEach((authority, i) => {
    // Self-issued certificates do not count (RFC 5280 §4.2.1.9).
    const below = authorities.slice(0, i).filter((member) => !member.issuer.equals(member.subject)).length;
    requireAuthority(authority, below);
  });
  if (validationTime.at > profile.strongUntil) {
    const until = formatTime(profile.strongUntil);
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE_NO_POE', `没有证据证明签名在算法停用（${until}）之前已存在`);
  }
  const { lists } = request;
  const certificatesWithoutStatus: Certificate[] = [];
  for (let i = authorities.length - 1; i >= 0; i--) {
    const [authority, issuer] = [authorities[i], authorities[i + 1]];
    if (!authority) continue;
    requireInForce(authority, validationTime);
    if (issuer && lists && !isAuthorityStatusKnown(authority, issuer, lists, validationTime))
      certificatesWithoutStatus.push(authority);
  }
  if (!isCertificateStatusKnown(certificate, authorities[0] ?? certificate, request))
    certificatesWithoutStatus.push(certificate);
  // Checked last: TRY_LATER means that nothing else is wrong and newer lists would decide.
  const [first] = certificatesWithoutStatus;
  if (first) throw new Failure('TRY_LATER', `没有可用的吊销列表说明“${first.commonName}”是否吊销`);
}

function requireStrong({ key, algorithm, commonName }: Certificate, { minRsaBits, maxRsaBits }: Profile): void {
  const weaknessFailure = (detail: string) => new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”${detail}`);
  if (algorithm !== ALGORITHM.rsaSha256) throw weaknessFailure('的签名算法不是 RSA-SHA256');
  if (key.kind === 'OTHER') throw weaknessFailure('的密钥不是 RSA 或 P-256');
  if (key.kind === 'RSA' && (key.bits < minRsaBits || key.bits > maxRsaBits || key.exponent < 65537n)) {
    throw weaknessFailure(`的密钥不是 ${minRsaBits} 至 ${maxRsaBits} 位、指数 65537 以上的 RSA`);
  }
}

function requirePurpose({ isCa, keyUsage, purposes, key, commonName }: Certificate, purpose: Purpose): void {
  if (isCa) throw chainFailure(`“${commonName}”是 CA 证书，不能用于${purpose.name}`);
  if (!purpose.hasUsage(keyUsage)) throw chainFailure(`“${commonName}”的密钥用途不是${purpose.name}`);
  if (!purpose.hasPurposes(purposes)) throw chainFailure(`“${commonName}”的扩展密钥用途不是${purpose.name}`);
  if (key.kind !== purpose.key) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”的密钥不是${purpose.name}证书的 ${purpose.key}`);
  }
}

function requireAuthority({ isCa, pathLength, keyUsage, purposes, key, commonName }: Certificate, below: number): void {
  if (!isCa) throw chainFailure(`“${commonName}”不是 CA 证书`);
  if (((keyUsage ?? 0) & USAGE.keyCertSign) === 0) throw chainFailure(`“${commonName}”不能签发证书`);
  if (pathLength !== null && pathLength < below) throw chainFailure(`“${commonName}”不能签发下级 CA`);
  if (purposes) throw chainFailure(`“${commonName}”的扩展密钥用途是本核验程序不认识的限制`);
  if (key.kind !== 'RSA') throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”的密钥不是 RSA`);
}

function requireInForce({ validFrom, validUntil, commonName }: Certificate, { at, claimed }: ValidationTime): void {
  if (at < validFrom || (claimed && claimed < validFrom)) throw chainFailure(`签名时“${commonName}”尚未生效`);
  if (at > validUntil) {
    throw new Failure('OUT_OF_BOUNDS_NO_POE', `“${commonName}”已到期，没有证据证明签名在此之前`);
  }
}

/** Returns whether a list shows that an authority is not revoked. Throws Failure REVOKED_CA_NO_POE if it is revoked. */
function isAuthorityStatusKnown(
  authority: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  validationTime: ValidationTime,
): boolean {
  const { effectiveAt, isKnown: known } = findRevocation(authority, issuer, lists, validationTime);
  if (effectiveAt && effectiveAt <= validationTime.at) {
    const since = formatTime(effectiveAt);
    throw new Failure('REVOKED_CA_NO_POE', `上级“${authority.commonName}”自 ${since} 起吊销，没有证据证明签名在此之前`);
  }
  return known;
}

/**
 * Judges the signing certificate: the claimed time is within its validity, it was not revoked before, and it was valid
 * at the proven time of the signature. Returns false if no list shows whether it is revoked. Throws Failure.
 */
function isCertificateStatusKnown(
  certificate: Certificate,
  issuer: Certificate,
  { lists, moment: validationTime }: PathRequest,
): boolean {
  const { commonName, validFrom, validUntil } = certificate;
  const { at, now, claimed, proven } = validationTime;
  if (claimed && claimed < validFrom) {
    throw new Failure('NOT_YET_VALID', `签名时间 ${formatTime(claimed)} 早于“${commonName}”生效`);
  }
  if (claimed && claimed > validUntil) {
    throw new Failure('EXPIRED', `签名时间 ${formatTime(claimed)} 晚于“${commonName}”到期`);
  }
  const revocation = lists && findRevocation(certificate, issuer, lists, validationTime);
  if (revocation?.effectiveAt && revocation.effectiveAt <= at) {
    const since = `“${commonName}”自 ${formatTime(revocation.effectiveAt)} 起吊销`;
    if (claimed && claimed >= revocation.effectiveAt) throw new Failure('REVOKED', `${since}，签名在此之后`);
    throw new Failure('REVOKED_NO_POE', `${since}，没有证据证明签名在此之前`);
  }
  if (at < validFrom) {
    const early = `“${commonName}”在 ${formatTime(at)} 尚未生效`;
    throw new Failure(proven ? 'NOT_YET_VALID' : 'OUT_OF_BOUNDS_NO_POE', early);
  }
  if (at > validUntil) {
    const revocationAtEnd = lists && findRevocation(certificate, issuer, lists, { at: validUntil, now });
    const late = `“${commonName}”已于 ${formatTime(validUntil)} 到期，没有证据证明签名在此之前`;
    if (revocationAtEnd?.isKnown) throw new Failure('OUT_OF_BOUNDS_NOT_REVOKED', `${late}；到期前未吊销`);
    throw new Failure('OUT_OF_BOUNDS_NO_POE', late);
  }
  return revocation === null || revocation.isKnown;
}
