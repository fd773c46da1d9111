import { createHash, verify as verifyBytes, X509Certificate } from 'node:crypto';
import { canonical } from '../../kernel/events.ts';
import { readLicenseIdentifier } from '../../kernel/identifier.ts';
import type { LicenseRecord } from '../record.ts';
import { AttachmentError, readAttachment } from './attachment.ts';
import { CmsError, type ParsedSignature, parseCms } from './cms.ts';

/** Verdicts and sub-indications by their names in ETSI EN 319 102-1. */
export type Verdict = 'TOTAL_PASSED' | 'INDETERMINATE' | 'TOTAL_FAILED';
export type SubIndication =
  | 'FORMAT_FAILURE'
  | 'HASH_FAILURE'
  | 'SIG_CRYPTO_FAILURE'
  | 'SIG_CONSTRAINTS_FAILURE'
  | 'CHAIN_CONSTRAINTS_FAILURE'
  | 'CRYPTO_CONSTRAINTS_FAILURE'
  | 'NOT_YET_VALID'
  | 'NO_SIGNING_CERTIFICATE_FOUND'
  | 'NO_CERTIFICATE_CHAIN_FOUND'
  | 'OUT_OF_BOUNDS_NO_POE'
  | 'SIGNED_DATA_NOT_FOUND';

/** Everything the verdict rests on, gathered beforehand. */
export interface Evidence {
  pdf: Uint8Array;
  /** CMS SignedData, DER, or null where none was found. */
  signature: Uint8Array | null;
  /** Root certificates that the verifier trusts, DER or PEM. */
  roots: readonly Uint8Array[];
}

export interface Step {
  name: string;
  passed: boolean;
  detail: string;
}

export interface Report {
  verdict: Verdict;
  subIndication: SubIndication | null;
  steps: readonly Step[];
  /** The record that the file carries, once the signature is known to be over it. */
  record: LicenseRecord | null;
  /** State of the license: not a matter of the signature, and unknown without asking the issuer. */
  status: 'UNKNOWN';
}

const SHA256_OID = '2.16.840.1.101.3.4.2.1';
const RSA_OIDS = ['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.11'];
const KEY_BITS_LEAST = 3072;

class Failure extends Error {
  readonly verdict: Verdict;
  readonly subIndication: SubIndication;

  constructor(verdict: Verdict, subIndication: SubIndication, detail: string) {
    super(detail);
    this.verdict = verdict;
    this.subIndication = subIndication;
  }
}

const failed = (sub: SubIndication, detail: string) => new Failure('TOTAL_FAILED', sub, detail);
const indeterminate = (sub: SubIndication, detail: string) => new Failure('INDETERMINATE', sub, detail);

/**
 * Judges a license file and its detached signature at a moment. Pure and synchronous; every step is named, and the first
 * that fails gives the verdict. Never throws for bad evidence.
 */
export function verify(evidence: Evidence, at: Date): Report {
  const steps: Step[] = [];
  const step = <Value>(name: string, run: () => Value, tell: (value: Value) => string): Value => {
    try {
      const value = run();
      steps.push({ name, passed: true, detail: tell(value) });
      return value;
    } catch (error) {
      const failure = error instanceof Failure ? error : failed('FORMAT_FAILURE', '内容无法解析');
      steps.push({ name, passed: false, detail: failure.message });
      throw failure;
    }
  };
  try {
    const signed = step(
      '读取签名',
      () => readSignature(evidence),
      () => 'CMS 分离式签名，一个签名人',
    );
    step(
      '核对文件摘要',
      () => checkDigest(evidence.pdf, signed),
      () => '文件的 SHA-256 与签名属性一致',
    );
    const signer = step(
      '查找签名证书',
      () => findSigner(signed),
      (found) => nameOf(found),
    );
    step(
      '验证签名值',
      () => checkSignature(signed, signer),
      () => 'RSA-SHA256 签名正确',
    );
    step(
      '核对证书链',
      () => checkChain(signed, signer, evidence.roots),
      (root) => `链到受信任的根：${nameOf(root)}`,
    );
    step(
      '核对证书有效期',
      () => checkValidity(signed, signer, at),
      () => `签名时间 ${signed.signingTime.toISOString()} 在证书有效期内`,
    );
    const record = step(
      '核对内附登记数据',
      () => checkRecord(evidence.pdf, signer),
      (found) => `${found.ZZMC} ${found.ZZBH}`,
    );
    return { verdict: 'TOTAL_PASSED', subIndication: null, steps, record, status: 'UNKNOWN' };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { verdict, subIndication } = error;
    return { verdict, subIndication, steps, record: null, status: 'UNKNOWN' };
  }
}

function readSignature({ signature }: Evidence): ParsedSignature {
  if (signature === null) throw indeterminate('SIGNED_DATA_NOT_FOUND', '没有找到签名文件');
  try {
    const parsed = parseCms(signature);
    if (parsed.digestOid !== SHA256_OID || !RSA_OIDS.includes(parsed.signatureOid)) {
      throw failed('CRYPTO_CONSTRAINTS_FAILURE', '签名算法不是 RSA-SHA256');
    }
    if (!parsed.attributesInOrder) throw failed('FORMAT_FAILURE', '签名属性未按 DER 排序');
    return parsed;
  } catch (error) {
    if (error instanceof CmsError) throw failed('FORMAT_FAILURE', error.message);
    throw error;
  }
}

function checkDigest(pdf: Uint8Array, { messageDigest }: ParsedSignature): void {
  const digest = createHash('sha256').update(pdf).digest();
  if (!digest.equals(messageDigest)) throw failed('HASH_FAILURE', '文件与签名时的内容不一致');
}

/** The certificate that signing-certificate-v2 names by its digest; a certificate put in its place is not found. */
function findSigner(signed: ParsedSignature): X509Certificate {
  const hash = Buffer.from(signed.signingCertificateHash);
  const der = signed.certificates.find((one) => createHash('sha256').update(one).digest().equals(hash));
  if (!der) throw indeterminate('NO_SIGNING_CERTIFICATE_FOUND', '签名所附证书不是签名时声明的证书');
  const certificate = new X509Certificate(der);
  const serial = Buffer.from(signed.serial)
    .toString('hex')
    .toUpperCase()
    .replace(/^(00)+/, '');
  if (
    certificate.serialNumber.replace(/^(00)+/, '') !== serial ||
    !Buffer.from(der).includes(Buffer.from(signed.issuer))
  ) {
    throw failed('SIG_CONSTRAINTS_FAILURE', '签名人标识与证书不一致');
  }
  return certificate;
}

function checkSignature({ attributes, signature }: ParsedSignature, signer: X509Certificate): void {
  const { asymmetricKeyType, asymmetricKeyDetails } = signer.publicKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < KEY_BITS_LEAST) {
    throw failed('CRYPTO_CONSTRAINTS_FAILURE', '签名密钥不是 3072 位以上的 RSA');
  }
  if (!verifyBytes('sha256', attributes, signer.publicKey, signature))
    throw failed('SIG_CRYPTO_FAILURE', '签名值不正确');
}

/** Exactly seal ← issuing CA ← trusted root; any other path is unknown, and what is unknown is not accepted. */
function checkChain(signed: ParsedSignature, signer: X509Certificate, roots: readonly Uint8Array[]): X509Certificate {
  if (signer.ca) throw failed('CHAIN_CONSTRAINTS_FAILURE', '签名证书是 CA 证书');
  const carried = signed.certificates.map((der) => new X509Certificate(der));
  const issuing = carried.find((one) => one.ca && signer.checkIssued(one) && signer.verify(one.publicKey));
  if (!issuing) throw indeterminate('NO_CERTIFICATE_CHAIN_FOUND', '没有找到签发印章证书的 CA');
  const root = roots
    .map((bytes) => new X509Certificate(bytes))
    .find((one) => one.ca && one.verify(one.publicKey) && issuing.checkIssued(one) && issuing.verify(one.publicKey));
  if (!root) throw indeterminate('NO_CERTIFICATE_CHAIN_FOUND', '证书链不能到达受信任的根');
  const { signingTime } = signed;
  for (const one of [issuing, root]) {
    if (signingTime < one.validFromDate || signingTime > one.validToDate) {
      throw failed('CHAIN_CONSTRAINTS_FAILURE', '签名时上级证书不在有效期内');
    }
  }
  return root;
}

function checkValidity({ signingTime }: ParsedSignature, signer: X509Certificate, at: Date): void {
  if (at < signer.validFromDate || signingTime > at)
    throw indeterminate('NOT_YET_VALID', '证书尚未生效或签名时间在将来');
  if (signingTime < signer.validFromDate || signingTime > signer.validToDate) {
    throw failed('SIG_CONSTRAINTS_FAILURE', '签名时间不在证书有效期内');
  }
  // Without a trusted timestamp, a signing time before the end is only the signer's own word.
  if (at > signer.validToDate)
    throw indeterminate('OUT_OF_BOUNDS_NO_POE', '证书已过期，且没有可信时间证明签名在此之前');
}

function checkRecord(pdf: Uint8Array, signer: X509Certificate): LicenseRecord {
  let record: LicenseRecord;
  try {
    const text = readAttachment(pdf).toString('utf8');
    record = JSON.parse(text) as LicenseRecord;
    if (canonical(record) !== text) throw failed('FORMAT_FAILURE', '内附登记数据不是规范形式');
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw failed('FORMAT_FAILURE', error instanceof AttachmentError ? error.message : '内附登记数据无法解析');
  }
  if (readLicenseIdentifier(String(record.ZZBS)).verdict !== 'VALID')
    throw failed('FORMAT_FAILURE', '电子证照标识校验位不正确');
  const organisation = /^O=(.*)$/m.exec(signer.subject)?.[1];
  if (organisation !== record.ZZBFJG) throw failed('SIG_CONSTRAINTS_FAILURE', '颁发机构与印章证书所属机构不一致');
  return record;
}

function nameOf(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject;
}
