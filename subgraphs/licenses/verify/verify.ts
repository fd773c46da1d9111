import { createHash, verify as verifyBytes } from 'node:crypto';
import type { LicenseState } from '../../kernel/events.ts';
import type { LicenseRecord } from '../record.ts';
import { readRecord } from './attached.ts';
import { type Certificate, type Chain, findChain, readCertificate, requireKey } from './chain.ts';
import { type ParsedSignature, parseCms } from './cms.ts';
import { Failure, type SubIndication, shown, type Verdict } from './verdict.ts';

/** Everything the verdict rests on, gathered beforehand. */
export interface Evidence {
  pdf: Uint8Array;
  /** CMS SignedData, DER, or null where none was found. */
  signature: Uint8Array | null;
  /** Root certificates that the verifier trusts, DER or PEM. */
  roots: readonly Uint8Array[];
  /** State of the license where its issuer was asked; left out offline. */
  status?: LicenseState;
}

/** One named step; `passed` is null where it was not reached, or where there was nothing to ask. */
export interface Step {
  name: string;
  passed: boolean | null;
  detail: string;
}

export interface Report {
  /** Verdict on the signature alone. */
  verdict: Verdict;
  subIndication: SubIndication | null;
  /** All steps, in order; the first that is not passed decides. */
  steps: readonly Step[];
  /** The record that the file carries; only where the verdict is TOTAL_PASSED. */
  record: LicenseRecord | null;
  /** State of the license: no matter of the signature, and unknown without asking the issuer. */
  status: LicenseState | 'UNKNOWN';
}

/** What the steps find, each for the ones after it. */
interface Found {
  signed: ParsedSignature;
  signer: Certificate;
  chain: Chain;
  record: LicenseRecord;
}

interface NamedStep {
  name: string;
  /** Adds to what is found and tells what it saw, in words; throws Failure. */
  run: (evidence: Evidence, found: Found, at: Date) => string;
}

const STEPS: readonly NamedStep[] = [
  { name: '读取文件', run: ({ pdf }) => readFile(pdf) },
  { name: '读取签名', run: ({ signature }, found) => readSignature(signature, found) },
  { name: '核对文件摘要', run: ({ pdf }, { signed }) => checkDigest(pdf, signed) },
  { name: '查找签名证书', run: (_, found) => findSigner(found) },
  { name: '验证签名值', run: (_, { signed, signer }) => checkSignature(signed, signer) },
  { name: '核对证书链', run: ({ roots }, found) => checkChain(roots, found) },
  { name: '核对有效期', run: (_, { signed, chain }, at) => checkTimes(signed, chain, at) },
  { name: '核对内附登记数据', run: ({ pdf }, found) => checkRecord(pdf, found) },
];

/**
 * Judges a license file and its detached signature at a moment, by the names of ETSI EN 319 102-1. Pure and synchronous:
 * the steps run in order and the first that is not passed gives the verdict. Never throws, whatever the evidence.
 * Revocation of certificates is not looked at: the evidence has none yet.
 */
export function verify(evidence: Evidence, at: Date): Report {
  const found = {} as Found;
  const steps: Step[] = [];
  let failure: Failure | null = null;
  for (const { name, run } of STEPS) {
    if (failure) {
      steps.push({ name, passed: null, detail: '未进行' });
      continue;
    }
    try {
      steps.push({ name, passed: true, detail: run(evidence, found, at) });
    } catch (error) {
      failure = error instanceof Failure ? error : new Failure('FORMAT_FAILURE', '内容无法解析');
      steps.push({ name, passed: false, detail: failure.message });
    }
  }
  const status = evidence.status ?? 'UNKNOWN';
  const judged = {
    verdict: failure?.verdict ?? 'TOTAL_PASSED',
    subIndication: failure?.subIndication ?? null,
  } as const;
  return { ...judged, steps: [...steps, statusStep(status)], record: failure ? null : found.record, status };
}

function statusStep(status: Report['status']): Step {
  const name = '查询证照状态';
  if (status === 'UNKNOWN') return { name, passed: null, detail: '离线核验不查询，状态未知' };
  return { name, passed: status === 'VALID', detail: status };
}

function readFile(pdf: Uint8Array): string {
  if (pdf.length === 0) throw new Failure('SIGNED_DATA_NOT_FOUND', '文件是空的');
  if (Buffer.from(pdf.subarray(0, 5)).toString('latin1') !== '%PDF-')
    throw new Failure('FORMAT_FAILURE', '不是 PDF 文件');
  return `PDF，${pdf.length} 字节`;
}

const SHA256_OID = '2.16.840.1.101.3.4.2.1';
/** PKCS #1 v1.5: rsaEncryption, by which CMS may name it too, and sha256WithRSAEncryption. */
const RSA_OIDS = ['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.11'];

function readSignature(signature: Uint8Array | null, found: Found): string {
  if (signature === null) throw new Failure('SIGNED_DATA_NOT_FOUND', '没有找到签名文件');
  found.signed = parseCms(signature);
  if (found.signed.digestOid !== SHA256_OID || !RSA_OIDS.includes(found.signed.signatureOid)) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '签名算法不是 RSA-SHA256');
  }
  return 'CMS 分离式签名（CAdES），一个签名人';
}

function checkDigest(pdf: Uint8Array, { messageDigest }: ParsedSignature): string {
  const digest = createHash('sha256').update(pdf).digest();
  if (!digest.equals(messageDigest)) throw new Failure('HASH_FAILURE', '文件与签名时的内容不一致');
  return `文件的 SHA-256 与签名属性一致：${digest.toString('hex')}`;
}

/** The certificate that signing-certificate-v2 names by its digest; one put in its place is not found. */
function findSigner(found: Found): string {
  const { certificates, signingCertificateHash, issuer, serial } = found.signed;
  const der = certificates.find((one) => createHash('sha256').update(one).digest().equals(signingCertificateHash));
  if (!der) throw new Failure('NO_SIGNING_CERTIFICATE_FOUND', '签名所附证书不是签名时声明的证书');
  found.signer = readCertificate(der);
  if (!found.signer.issuer.equals(issuer) || !found.signer.serial.equals(serial)) {
    throw new Failure('NO_SIGNING_CERTIFICATE_FOUND', '签名人标识与签名证书不一致');
  }
  return found.signer.commonName;
}

function checkSignature({ attributes, signature }: ParsedSignature, { x509, commonName }: Certificate): string {
  requireKey(x509, commonName);
  if (!verifyBytes('sha256', attributes, x509.publicKey, signature)) {
    throw new Failure('SIG_CRYPTO_FAILURE', '签名值不正确');
  }
  return `RSA-SHA256，${x509.publicKey.asymmetricKeyDetails?.modulusLength} 位`;
}

function checkChain(roots: readonly Uint8Array[], found: Found): string {
  found.chain = findChain(found.signer, found.signed.certificates, roots);
  const { seal, issuing, root } = found.chain;
  return [seal, issuing, root].map((one) => one.commonName).join(' ← ');
}

/** How far the signer's clock may be ahead of the verifier's. */
const CLOCK_LEEWAY_MS = 300_000;

/**
 * Signed within the time of the seal's certificate by the signer's own word, and all three certificates in force at `at`:
 * without a trusted timestamp nothing proves that a signature is older than the end of a certificate.
 */
function checkTimes({ signingTime }: ParsedSignature, { seal, issuing, root }: Chain, at: Date): string {
  const signed = signingTime.toISOString();
  if (signingTime < seal.validFrom) throw new Failure('NOT_YET_VALID', `签名时间 ${signed} 早于印章证书生效`);
  if (signingTime > seal.validUntil) throw new Failure('EXPIRED', `签名时间 ${signed} 晚于印章证书到期`);
  if (signingTime.getTime() > at.getTime() + CLOCK_LEEWAY_MS) {
    throw new Failure('SIG_CONSTRAINTS_FAILURE', `签名时间 ${signed} 在将来`);
  }
  for (const one of [seal, issuing, root]) {
    if (signingTime < one.validFrom || signingTime > one.validUntil) {
      throw new Failure('CHAIN_CONSTRAINTS_FAILURE', `签名时“${one.commonName}”不在有效期内`);
    }
    if (at > one.validUntil) {
      throw new Failure('OUT_OF_BOUNDS_NO_POE', `“${one.commonName}”已到期，且没有可信时间戳证明签名在此之前`);
    }
  }
  return `声明的签名时间 ${signed}，三张证书均在有效期内；未核查证书吊销`;
}

function checkRecord(pdf: Uint8Array, found: Found): string {
  const record = readRecord(pdf);
  const { organisations } = found.signer;
  if (organisations.length > 0 && (organisations.length > 1 || organisations[0] !== record.ZZBFJG)) {
    const owners = shown(organisations.join('、'));
    throw new Failure('SIG_CONSTRAINTS_FAILURE', `颁发机构“${record.ZZBFJG}”与印章所属机构“${owners}”不一致`);
  }
  found.record = record;
  return `${record.ZZMC} ${record.ZZBH}，数据完整`;
}
