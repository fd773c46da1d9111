import { createHash } from 'node:crypto';
import { isSealedPdf, type PdfFile } from '../../kernel/pdf/pdf.ts';
import { readSealedPdf, type SealedPdf } from '../../kernel/pdf/sealed-pdf.ts';
import { isAhead } from '../../kernel/period/freshness.ts';
import { periodOf } from '../../kernel/period/validity.ts';
import type { RegisterStatement } from '../../kernel/sealing/attest.ts';
import type { ActStatement, AttachedRecord } from '../act/record.ts';
import { type AttachedNotice, describeContent, readSealedContent, type SealedContent } from './content/content.ts';
import type { Bundle, LoggedUse } from './evidence.ts';
import { type Certificate, readCertificates } from './format/certificate.ts';
import {
  ATTRIBUTE,
  CADES,
  PADES,
  parseSignedData,
  requireSignature,
  requireSigner,
  type SignedData,
} from './format/cms.ts';
import { timeOf } from './format/der.ts';
import { type LogTrust, requireLogged } from './format/log.ts';
import { readToken, type Token } from './format/timestamp.ts';
import { checkRecordCode } from './jws/code.ts';
import {
  isJws,
  type ReadStatement,
  readRegisterStatement,
  requireRegister,
  requireRegisterSignature,
} from './jws/register.ts';
import { findPath, type Path, SEAL, type ValidationTime } from './path.ts';
import { type Proof, readBundle, readStamps, requireRenewal, type TrustSources } from './renewal.ts';
import { type LicenseStatus, readStatus, type StatusSubject, UNKNOWN_STATUS } from './status.ts';
import {
  Failure,
  formatTime,
  type Judgement,
  type NamedStep,
  readOrFail,
  requireTime,
  runSteps,
  type Step,
  toDisplayText,
} from './verdict.ts';

/** All input of the verdict, gathered beforehand. */
export interface Evidence {
  /**
   * The document, or null if there is none: a license or a notice with an embedded or detached signature, the statement
   * of a later act with a detached signature, or a statement of the register, which is a JWS.
   */
  file: Uint8Array | null;
  /** The detached signature: CMS SignedData, DER. Null if none was found or the signature is embedded in the file. */
  signature: Uint8Array | null;
  /** Root certificates that the verifier trusts, DER or PEM. */
  roots: readonly Uint8Array[];
  /** The bundle (证据包) of the file: JSON, UTF-8. */
  bundle?: Uint8Array | null;
  /** Certificates (DER or PEM) and revocation lists (DER) from outside the bundle. */
  certificates?: readonly Uint8Array[];
  revocation?: readonly Uint8Array[];
  /** Status list and status statement from outside the bundle: compact JWS. */
  statusList?: string | null;
  statement?: string | null;
  /** The trusted transparency log, and whether a seal use without a proof of inclusion fails. */
  log?: LogTrust | null;
  /** The log's proof (C2SP tlog-proof) from outside the bundle. Statements need it because they have no bundle. */
  logged?: LoggedUse | null;
}

export interface Report extends Judgement {
  /** The record attached to the file, or the statement in the file. Null unless the verdict is TOTAL_PASSED. */
  record: AttachedRecord | null;
  statement: ActStatement | null;
  /** The notice (文书) attached to the file. Null unless the verdict is TOTAL_PASSED. */
  notice: AttachedNotice | null;
  /** What the register states in the file. Null for another file, and unless the verdict is TOTAL_PASSED. */
  registered: RegisterStatement | null;
  /** The owner of the seal, or the register. Null unless the verdict is TOTAL_PASSED. */
  signer: { name: string; organisation: string } | null;
  /** Since when the signature provably exists, and the signing time that the signer claims: RFC 3339, or null. */
  provenAt: string | null;
  claimedAt: string | null;
  /** State of the license, independent of the signature. */
  status: LicenseStatus;
}

/** The results of the steps. Each step reads the results of earlier ones. */
interface VerificationContext extends SealedContent {
  evidence: Evidence;
  now: Date;
  /** The unsealed content: the file, or its part before the seal. */
  content: Uint8Array | PdfFile;
  /** SHA-256 of the sealed bytes, and of the whole file. */
  digest: Buffer;
  fileDigest: Buffer;
  /** The signing time that the signer claims. */
  signingTime: Date;
  signed: SignedData;
  /** `signed` as DER. */
  signature: Uint8Array;
  signer: Certificate;
  /** A statement of the register, in place of a sealed file. */
  registered?: ReadStatement;
  bundle: Bundle | null;
  token: Token | null;
  stamps: readonly Token[];
  proof: Proof;
  path: Path;
}

const STEPS: readonly NamedStep<VerificationContext>[] = [
  { name: '读取文件', run: readFile },
  { name: '读取签名', run: readSignature },
  { name: '核对文件摘要', run: checkDigest },
  { name: '查找签名证书', run: findSigner },
  { name: '验证签名值', run: checkSignature },
  { name: '核对登记数据', run: checkRecord },
  { name: '读取证据包', run: checkBundle },
  { name: '核对签名时间戳', run: checkTimestamp },
  { name: '核对存档时间戳', run: checkStamps },
  { name: '核对时间戳证书和时间顺序', run: checkRenewal },
  { name: '核对声明的签名时间', run: checkClaim },
  { name: '核对印章证书链、有效期和吊销', run: checkPath },
  { name: '核对二维码', run: checkCode },
  { name: '核对用印已记入透明日志', run: checkLog },
];

/** The steps for a statement of the register. No seal and no bundle belongs to it. */
const REGISTER_STEPS: readonly NamedStep<VerificationContext>[] = [
  { name: '读取登记声明', run: readRegistered },
  { name: '验证签名值', run: ({ registered }) => requireRegisterSignature(requireRead(registered)) },
  { name: '核对登记机关证书链、有效期和吊销', run: checkRegister },
  { name: '核对声明已记入透明日志', run: checkRegisteredLog },
];

/**
 * Judges a sealed file, or a statement of the register, at a given time, with the verdicts of ETSI EN 319 102-1. Pure
 * and synchronous. The steps run in order, and the first failed step decides the verdict. Never throws.
 */
export function verify(evidence: Evidence, at: Date): Report {
  const context = { evidence, now: at, bundle: null, token: null, stamps: [] } as unknown as VerificationContext;
  const isRegistered = evidence.file !== null && isJws(evidence.file);
  const judgement = runSteps(isRegistered ? REGISTER_STEPS : STEPS, context);
  const hasPassed = judgement.verdict === 'TOTAL_PASSED';
  const { record, statement, notice, registered, signer, proof } = context;
  const status = statusOf(context, at);
  const claimedTime = hasPassed ? claimOf(context) : null;
  return {
    ...judgement,
    steps: [...judgement.steps, statusStep(status)],
    record: hasPassed ? (record ?? null) : null,
    statement: hasPassed ? (statement ?? null) : null,
    notice: hasPassed ? (notice ?? null) : null,
    registered: hasPassed ? (registered?.statement ?? null) : null,
    signer: hasPassed ? { name: signer.commonName, organisation: signer.organisations[0] ?? '' } : null,
    provenAt: hasPassed && proof.provenAt ? formatTime(proof.provenAt) : null,
    claimedAt: claimedTime ? formatTime(claimedTime) : null,
    status,
  };
}

function readRegistered(context: VerificationContext): string {
  const { file, signature } = context.evidence;
  requireTime(context.now);
  if (file === null || signature) throw new Failure('FORMAT_FAILURE', '登记声明自带签名，没有签名文件');
  const read = readRegisterStatement(file);
  context.registered = read;
  context.signer = read.signer;
  context.fileDigest = createHash('sha256').update(file).digest();
  return `${read.statement.act} ${read.statement.sub}`;
}

function requireRead(registered: ReadStatement | undefined): ReadStatement {
  if (!registered) throw new Failure('FORMAT_FAILURE', '没有登记声明');
  return registered;
}

function checkRegister(context: VerificationContext): string {
  context.proof = requireRenewal(trustSourcesOf(context), null, [], context.now);
  return requireRegister(requireRead(context.registered), context.proof.grounds, context.now);
}

function checkRegisteredLog({ evidence, fileDigest }: VerificationContext): string | null {
  return requireLogged(evidence.logged ?? null, { kind: 'ATTESTATION', digest: fileDigest }, evidence.log ?? null);
}

function readFile(context: VerificationContext): string {
  const { evidence, now } = context;
  const { file, signature } = evidence;
  requireTime(now);
  if (file === null || file.length === 0) throw new Failure('SIGNED_DATA_NOT_FOUND', '没有文件，或文件是空的');
  const fileHead = Buffer.from(file.subarray(0, 5)).toString('latin1');
  const isPdf = fileHead === '%PDF-';
  if (!isPdf && !fileHead.startsWith('{')) throw new Failure('FORMAT_FAILURE', '不是 PDF 文件，也不是声明');
  if (signature) {
    context.content = file;
    context.digest = createHash('sha256').update(file).digest();
    context.fileDigest = context.digest;
    context.signature = signature;
    context.signed = parseSignedData(signature, CADES);
  } else {
    const sealed = isPdf ? parseSealedPdf(file) : null;
    if (!sealed) throw new Failure('SIGNED_DATA_NOT_FOUND', '文件内没有签名，也没有找到签名文件');
    context.content = sealed.base;
    context.digest = sealed.digest;
    context.fileDigest = sealed.fileDigest;
    context.signingTime = sealed.signedOn;
    context.signature = sealed.cms;
    context.signed = parseSignedData(sealed.cms, PADES);
  }
  return `${isPdf ? 'PDF' : '声明'}，${file.length} 字节`;
}

/** Parses a PDF with an embedded signature. Returns null if it does not claim to have one. Throws FORMAT_FAILURE. */
function parseSealedPdf(file: Uint8Array): SealedPdf | null {
  try {
    return readSealedPdf(file);
  } catch (error) {
    if (!isSealedPdf(file)) return null;
    throw new Failure('FORMAT_FAILURE', error instanceof Error ? toDisplayText(error.message) : 'PDF 签名无法读取');
  }
}

function readSignature(context: VerificationContext): string {
  const { signed, evidence } = context;
  const time = signed.attributes.get(ATTRIBUTE.signingTime);
  if (time) context.signingTime = readOrFail('FORMAT_FAILURE', '签名时间格式不正确', () => timeOf(time));
  if (Number.isNaN(context.signingTime.getTime())) throw new Failure('FORMAT_FAILURE', '签名时间格式不正确');
  return evidence.signature ? 'CMS 分离式签名（CAdES），一个签名人' : 'PDF 内的签名（PAdES），一个签名人';
}

function checkDigest({ digest, signed }: VerificationContext): string {
  if (!digest.equals(signed.messageDigest)) throw new Failure('HASH_FAILURE', '文件与签名时的内容不一致');
  return `文件的 SHA-256 与签名属性一致：${digest.toString('hex')}`;
}

function findSigner(context: VerificationContext): string {
  context.signer = requireSigner(context.signed);
  return context.signer.commonName;
}

function checkSignature({ signed, signer }: VerificationContext): string {
  requireSignature(signed, signer);
  return `RSA-SHA256，${signer.key.bits} 位`;
}

/** Checks that the hub could have written the content, and that the named organ owns the seal. */
function checkRecord(context: VerificationContext): string {
  Object.assign(context, readSealedContent(context.content));
  const { organ, title, number } = describeContent(context);
  const { organisations } = context.signer;
  if (organisations.length !== 1 || organisations[0] !== organ) {
    const owners = toDisplayText(organisations.join('、'));
    throw new Failure('SIG_CONSTRAINTS_FAILURE', `颁发机构“${toDisplayText(organ)}”与印章所属机构“${owners}”不一致`);
  }
  return `${toDisplayText(title)} ${toDisplayText(number)}，数据完整`;
}

/** Checks that the bundle belongs to this file. */
function checkBundle(context: VerificationContext): string | null {
  const { evidence, fileDigest } = context;
  const { bundle: bytes } = evidence;
  if (!bytes) return null;
  const bundle = readBundle(bytes);
  if (bundle.document !== fileDigest.toString('hex'))
    throw new Failure('SIGNED_DATA_NOT_FOUND', '证据包是另一份文件的');
  if (context.notice || bundle.identifier !== describeContent(context).identifier)
    throw new Failure('SIG_CONSTRAINTS_FAILURE', '证据包是另一证照的');
  context.bundle = bundle;
  return `${bundle.certificates.length} 张证书、${bundle.revocation.length} 份吊销列表、${bundle.stamps.length} 个存档时间戳`;
}

/**
 * An embedded signature always has a timestamp. An older detached signature may have none, and is then judged as of
 * now.
 */
function checkTimestamp(context: VerificationContext): string | null {
  const { signed, evidence } = context;
  if (signed.timestamp === null) {
    if (!evidence.signature) throw new Failure('NO_POE', 'PDF 内的签名没有时间戳，不能证明签名的时间');
    return null;
  }
  context.token = readToken(signed.timestamp, createHash('sha256').update(signed.signature).digest());
  return `“${context.token.signer.commonName}”证明签名在 ${formatTime(context.token.genTime)} 已存在`;
}

function checkStamps(context: VerificationContext): string | null {
  const { bundle } = context;
  if (!bundle || bundle.stamps.length === 0) return null;
  context.stamps = readStamps(bundle);
  return context.stamps.map(({ genTime }) => formatTime(genTime)).join('、');
}

function checkRenewal(context: VerificationContext): string | null {
  const { token, stamps, now } = context;
  context.proof = requireRenewal(trustSourcesOf(context), token, stamps, now);
  return token ? '每个时间戳的证书在其后一个时间戳（最新的在核验时）有效' : null;
}

/** Combines the signature's certificates, the bundle, and the verifier's own material. */
function trustSourcesOf({ evidence, bundle, signed }: VerificationContext): TrustSources {
  const { roots, certificates = [], revocation = [] } = evidence;
  return {
    roots: readCertificates(roots),
    certificates: [...(signed?.certificates ?? []), ...certificates],
    revocation,
    bundle,
  };
}

/** The claimed signing time must not be later than the proven time of the signature. */
function checkClaim({ signingTime, proof, now }: VerificationContext): string {
  const latest = proof.provenAt ?? now;
  if (isAhead(signingTime, latest)) {
    const than = proof.provenAt ? `晚于时间戳 ${formatTime(proof.provenAt)}` : '在将来';
    throw new Failure('SIG_CONSTRAINTS_FAILURE', `声明的签名时间 ${formatTime(signingTime)} ${than}`);
  }
  return formatTime(signingTime);
}

/** The latest claimed time: that of the signature or that of the authorisation. */
function claimOf(context: VerificationContext): Date {
  const { signingTime, registered } = context;
  if (registered) return new Date(registered.statement.iat * 1000);
  const authorisedAt = new Date(describeContent(context).authorisedAt);
  return authorisedAt > signingTime ? authorisedAt : signingTime;
}

/** The best signature time (EN 319 102-1 §5.6.3): the oldest valid timestamp, otherwise now. */
function validationTimeOf(context: VerificationContext): ValidationTime {
  const { proof, now } = context;
  return { at: proof.provenAt ?? now, proven: proof.provenAt !== null, now, claimed: claimOf(context) };
}

function checkPath(context: VerificationContext): string {
  const { roots, lists } = context.proof.grounds;
  const candidates = readCertificates(context.signed.certificates);
  context.path = findPath({
    ...{ certificate: context.signer, candidates, roots, lists },
    ...{ moment: validationTimeOf(context), purpose: SEAL },
  });
  return `${context.path.map((member) => member.commonName).join(' ← ')}，在 ${formatTime(validationTimeOf(context).at)} 有效、未吊销`;
}

function checkCode(context: VerificationContext): string | null {
  if (context.record?.KZ_EWM === undefined) return null;
  return checkRecordCode(context.record, context.proof.grounds, { ...validationTimeOf(context), claimed: null });
}

function checkLog(context: VerificationContext): string | null {
  const { bundle, evidence, digest, signature } = context;
  const { identifier } = describeContent(context);
  const use = { kind: 'SEAL_USE' as const, identifier, documentDigest: digest, signature };
  const proof = evidence.logged ?? bundle?.log ?? bundle?.latest?.log ?? null;
  return requireLogged(proof, use, evidence.log ?? null);
}

function statusOf(context: VerificationContext, now: Date): LicenseStatus {
  const { statement, statusList } = context.evidence;
  if (context.notice) return { ...UNKNOWN_STATUS, reason: '文书没有证照状态' };
  const subject = subjectOf(context);
  if (!subject || !context.proof) return UNKNOWN_STATUS;
  const bundleStatements = context.bundle?.status
    ? [{ text: context.bundle.status, provenAt: context.proof.stampedAt }]
    : [];
  const latestTexts = [context.bundle?.latest?.status, statement].filter((text) => typeof text === 'string');
  const latestStatements = latestTexts.map((text) => ({ text, provenAt: null }));
  return readStatus(
    subject,
    { statements: [...bundleStatements, ...latestStatements], list: statusList ?? null },
    context.proof.grounds,
    now,
  );
}

/** The license version that the file is about, or null if it says none. */
function subjectOf({ record, statement, registered }: VerificationContext): StatusSubject | null {
  if (registered) {
    const { sub: identifier, version } = registered.statement;
    return { identifier, version, index: undefined, period: null };
  }
  const sealedContent = record ?? statement;
  if (!sealedContent) return null;
  const { ZZBS: identifier, KZ_BB: version } = sealedContent;
  return { identifier, version, index: record?.KZ_ZTXH, period: record ? periodOf(record) : null };
}

function statusStep({ state, asOf, reason, source }: LicenseStatus): Step {
  const name = '查询证照状态';
  if (state === 'UNKNOWN') return { name, passed: null, detail: `未知：${reason}` };
  const basis = source === 'PERIOD' ? '按证照载明的有效期' : `截至 ${asOf}`;
  return { name, passed: state === 'VALID', detail: `${state}，${basis}` };
}
