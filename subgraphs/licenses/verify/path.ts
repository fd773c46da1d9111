import { ALGORITHM, type Certificate, USAGE } from './certificate.ts';
import { verifiesAgain } from './mathematics.ts';
import { askLists, type RevocationList } from './revocation.ts';
import { Failure, moment } from './verdict.ts';

/**
 * The narrow profile of certification paths (RFC 5280 §6) that this verifier supports: certificate ← issuing authority
 * ← pinned root. It refuses everything else: other algorithms, weak keys, unknown critical extensions, name
 * constraints, policy limits, names that do not chain byte for byte, other purposes than the requested one, partial
 * revocation lists.
 */
export interface Profile {
  /** Minimum and maximum bits of an RSA key. The maximum limits the computing time that an attacker can cause. */
  rsaBitsLeast: number;
  rsaBitsMost: number;
  /** Minimum and maximum number of authorities between a certificate and the root. */
  authorities: { least: number; most: number };
  /** Until when RSA, P-256 and SHA-256 count as strong. After that, a signature needs a proof of earlier existence. */
  strongUntil: Date;
}

export const PROFILE: Profile = {
  rsaBitsLeast: 3072,
  rsaBitsMost: 8192,
  authorities: { least: 1, most: 1 },
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
const alone = (id: string, purposes: Certificate['purposes']) =>
  purposes?.critical === true && purposes.ids.length === 1 && purposes.ids[0] === id;
const signsOnly = (usage: number | null) => usage === USAGE.digitalSignature;

export const SEAL: Purpose = {
  name: '印章',
  hasUsage: (usage) => usage === (USAGE.digitalSignature | USAGE.nonRepudiation),
  hasPurposes: (purposes) => purposes === null || purposes.ids.every((id) => id === ID_DOCUMENT_SIGNING),
  key: 'RSA',
};
export const TIMESTAMP: Purpose = {
  name: '时间戳',
  hasUsage: signsOnly,
  hasPurposes: (purposes) => alone(ID_TIME_STAMPING, purposes),
  key: 'P256',
};
export const CODE: Purpose = {
  name: '二维码',
  hasUsage: signsOnly,
  hasPurposes: (purposes) => purposes === null,
  key: 'P256',
};
export const STATUS: Purpose = {
  name: '证照状态',
  hasUsage: signsOnly,
  hasPurposes: (purposes) => alone(ID_STATUS_SIGNING, purposes),
  key: 'P256',
};

/** The times at which a certificate is judged. */
export interface Moment {
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
  moment: Moment;
  purpose: Purpose;
  profile?: Profile;
}

/** From the certificate up to the root, including both. */
export type Path = readonly [Certificate, ...Certificate[]];

const CANDIDATES_MOST = 512;
const WAYS_MOST = 64;

/**
 * Finds a path from a certificate to a trusted root that is valid at the requested time. Throws Failure with the reason
 * why there is no path, or why the first path found is not valid.
 */
export function findPath(request: PathRequest): Path {
  const search: Search = { request, left: WAYS_MOST, broken: null };
  let refused: Failure | null = null;
  for (const way of waysFrom([request.certificate], search)) {
    try {
      judge(way, request);
      return way;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refused ??= error;
    }
  }
  if (refused) throw refused;
  if (search.broken) throw search.broken;
  const { commonName } = request.certificate;
  throw new Failure('NO_CERTIFICATE_CHAIN_FOUND', `“${commonName}”没有通向受信任根证书的证书链`);
}

interface Search {
  request: PathRequest;
  /** How many steps may still be tried. Certificates that sign each other would otherwise make too many paths. */
  left: number;
  /** Why the signature on a certificate is invalid although its issuer was found by name and key. */
  broken: Failure | null;
}

function* waysFrom(way: Path, search: Search): Generator<Path> {
  const { profile = PROFILE, roots, candidates } = search.request;
  const last = way.at(-1) ?? way[0];
  const above = way.length - 1;
  if (above >= profile.authorities.least) {
    for (const root of roots) {
      if (isSelfSigned(root) && issued(root, last, search)) yield [...way, root];
    }
  }
  if (above >= profile.authorities.most) return;
  for (const candidate of candidates.slice(0, CANDIDATES_MOST)) {
    if (way.some((one) => one.digest === candidate.digest) || isSelfSigned(candidate)) continue;
    if (!issued(candidate, last, search)) continue;
    if (search.left-- <= 0) return;
    yield* waysFrom([...way, candidate], search);
  }
}

function isSelfSigned(one: Certificate): boolean {
  return one.issuer.equals(one.subject) && verifiesAgain(one.key, one);
}

function issued(issuer: Certificate, subject: Certificate, search: Search): boolean {
  if (!subject.issuer.equals(issuer.subject)) return false;
  const named = issuer.keyId !== null && subject.issuerKeyId !== null;
  if (named && issuer.keyId !== subject.issuerKeyId) return false;
  const signed = verifiesAgain(issuer.key, subject);
  if (!signed && named) search.broken ??= whyNotSigned(subject, issuer);
  return signed;
}

function whyNotSigned({ algorithm, commonName }: Certificate, { key }: Certificate): Failure {
  if (algorithm === ALGORITHM.rsaSha256 && key.kind === 'RSA') {
    return new Failure('CERTIFICATE_CHAIN_GENERAL_FAILURE', `“${commonName}”的证书签名不正确`);
  }
  return new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”的签名算法不是 RSA-SHA256`);
}

const outside = (detail: string) => new Failure('CHAIN_CONSTRAINTS_FAILURE', detail);

function judge(way: Path, request: PathRequest): void {
  const { profile = PROFILE, moment: asked } = request;
  const [certificate, ...authorities] = way;
  for (const one of way) {
    if (one.outside) throw one.outside;
    requireStrong(one, profile);
  }
  requirePurpose(certificate, request.purpose);
  authorities.forEach((authority, i) => {
    // Self-issued certificates do not count (RFC 5280 §4.2.1.9).
    const below = authorities.slice(0, i).filter((one) => !one.issuer.equals(one.subject)).length;
    requireAuthority(authority, below);
  });
  if (asked.at > profile.strongUntil) {
    const until = moment(profile.strongUntil);
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE_NO_POE', `没有证据证明签名在算法停用（${until}）之前已存在`);
  }
  const { lists } = request;
  const unknown: Certificate[] = [];
  for (let i = authorities.length - 1; i >= 0; i--) {
    const [authority, issuer] = [authorities[i], authorities[i + 1]];
    if (!authority) continue;
    requireInForce(authority, asked);
    if (issuer && lists && !isKnownGood(authority, issuer, lists, asked)) unknown.push(authority);
  }
  if (!isGood(certificate, authorities[0] ?? certificate, request)) unknown.push(certificate);
  // Checked last: TRY_LATER means that nothing else is wrong and newer lists would decide.
  const [first] = unknown;
  if (first) throw new Failure('TRY_LATER', `没有可用的吊销列表说明“${first.commonName}”是否吊销`);
}

function requireStrong({ key, algorithm, commonName }: Certificate, { rsaBitsLeast, rsaBitsMost }: Profile): void {
  const weak = (detail: string) => new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”${detail}`);
  if (algorithm !== ALGORITHM.rsaSha256) throw weak('的签名算法不是 RSA-SHA256');
  if (key.kind === 'OTHER') throw weak('的密钥不是 RSA 或 P-256');
  if (key.kind === 'RSA' && (key.bits < rsaBitsLeast || key.bits > rsaBitsMost || key.exponent < 65537n)) {
    throw weak(`的密钥不是 ${rsaBitsLeast} 至 ${rsaBitsMost} 位、指数 65537 以上的 RSA`);
  }
}

function requirePurpose({ isCa, keyUsage, purposes, key, commonName }: Certificate, purpose: Purpose): void {
  if (isCa) throw outside(`“${commonName}”是 CA 证书，不能用于${purpose.name}`);
  if (!purpose.hasUsage(keyUsage)) throw outside(`“${commonName}”的密钥用途不是${purpose.name}`);
  if (!purpose.hasPurposes(purposes)) throw outside(`“${commonName}”的扩展密钥用途不是${purpose.name}`);
  if (key.kind !== purpose.key) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”的密钥不是${purpose.name}证书的 ${purpose.key}`);
  }
}

function requireAuthority({ isCa, pathLength, keyUsage, purposes, key, commonName }: Certificate, below: number): void {
  if (!isCa) throw outside(`“${commonName}”不是 CA 证书`);
  if (((keyUsage ?? 0) & USAGE.keyCertSign) === 0) throw outside(`“${commonName}”不能签发证书`);
  if (pathLength !== null && pathLength < below) throw outside(`“${commonName}”不能签发下级 CA`);
  if (purposes) throw outside(`“${commonName}”的扩展密钥用途是本核验程序不认识的限制`);
  if (key.kind !== 'RSA') throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', `“${commonName}”的密钥不是 RSA`);
}

function requireInForce({ validFrom, validUntil, commonName }: Certificate, { at, claimed }: Moment): void {
  if (at < validFrom || (claimed && claimed < validFrom)) throw outside(`签名时“${commonName}”尚未生效`);
  if (at > validUntil) {
    throw new Failure('OUT_OF_BOUNDS_NO_POE', `“${commonName}”已到期，没有证据证明签名在此之前`);
  }
}

/** Returns whether a list shows that an authority is not revoked. Throws Failure REVOKED_CA_NO_POE if it is revoked. */
function isKnownGood(
  authority: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  asked: Moment,
): boolean {
  const { effectiveAt, known } = askLists(authority, issuer, lists, asked);
  if (effectiveAt && effectiveAt <= asked.at) {
    const since = moment(effectiveAt);
    throw new Failure('REVOKED_CA_NO_POE', `上级“${authority.commonName}”自 ${since} 起吊销，没有证据证明签名在此之前`);
  }
  return known;
}

/**
 * Judges the signing certificate: the claimed time is within its validity, it was not revoked before, and it was valid
 * at the proven time of the signature. Returns false if no list shows whether it is revoked. Throws Failure.
 */
function isGood(certificate: Certificate, issuer: Certificate, { lists, moment: asked }: PathRequest): boolean {
  const { commonName, validFrom, validUntil } = certificate;
  const { at, now, claimed, proven } = asked;
  if (claimed && claimed < validFrom) {
    throw new Failure('NOT_YET_VALID', `签名时间 ${moment(claimed)} 早于“${commonName}”生效`);
  }
  if (claimed && claimed > validUntil) {
    throw new Failure('EXPIRED', `签名时间 ${moment(claimed)} 晚于“${commonName}”到期`);
  }
  const revocation = lists && askLists(certificate, issuer, lists, asked);
  if (revocation?.effectiveAt && revocation.effectiveAt <= at) {
    const since = `“${commonName}”自 ${moment(revocation.effectiveAt)} 起吊销`;
    if (claimed && claimed >= revocation.effectiveAt) throw new Failure('REVOKED', `${since}，签名在此之后`);
    throw new Failure('REVOKED_NO_POE', `${since}，没有证据证明签名在此之前`);
  }
  if (at < validFrom) {
    const early = `“${commonName}”在 ${moment(at)} 尚未生效`;
    throw new Failure(proven ? 'NOT_YET_VALID' : 'OUT_OF_BOUNDS_NO_POE', early);
  }
  if (at > validUntil) {
    const end = lists && askLists(certificate, issuer, lists, { at: validUntil, now });
    const late = `“${commonName}”已于 ${moment(validUntil)} 到期，没有证据证明签名在此之前`;
    if (end?.known) throw new Failure('OUT_OF_BOUNDS_NOT_REVOKED', `${late}；到期前未吊销`);
    throw new Failure('OUT_OF_BOUNDS_NO_POE', late);
  }
  return revocation === null || revocation.known;
}
