import { createHash } from 'node:crypto';
import { toCanonicalJson } from '../../../kernel/events/events.ts';
import { periodOf } from '../../../kernel/period/validity.ts';
import { type CodePayload, codePayload } from '../../../kernel/sealing/sign.ts';
import type { AttachedRecord } from '../../act/record.ts';
import { maskName } from '../../document/code.ts';
import { type Certificate, readCertificates } from '../format/certificate.ts';
import type { Grounds } from '../format/timestamp.ts';
import { CODE, findPath, type ValidationTime } from '../path.ts';
import { readLists } from '../revocation.ts';
import { type LicenseStatus, readStatus } from '../status.ts';
import { Failure, type Judgement, type NamedStep, requireTime, runSteps, toDisplayText } from '../verdict.ts';
import { isSignedBy, type Jws, readJws, requireHeader } from './jws.ts';

/** The parsed text of a QR code (二维码): its link, if any, and the signed JWS. */
interface Code {
  link: string | null;
  jws: Jws;
  payload: CodePayload;
  kid: string;
}

const MAX_CODE_CHARS = 2_048;
const KID_DIGITS = 16;
/** The page of a code, which its reader has opened already, sends the path alone. */
const LINK = /^(?:https?:\/\/|\/v\/)[\x21-\x7e]+$/;

/** Parses the text of a code: `<url>#<jws>`, `/v/<identifier>#<jws>` or the JWS. Throws Failure FORMAT_FAILURE. */
function parseCode(text: string): Code {
  const trimmed = text.trim();
  if (trimmed.length > MAX_CODE_CHARS) throw new Failure('FORMAT_FAILURE', '二维码文本过长');
  const at = trimmed.indexOf('#');
  const link = at < 0 ? null : trimmed.slice(0, at);
  if (link !== null && !LINK.test(link)) throw new Failure('FORMAT_FAILURE', '二维码中的链接不正确');
  const jws = readJws(trimmed.slice(at + 1));
  requireHeader(jws, 'tq-code-1', ['kid']);
  const payload = codePayload.safeParse(jws.payload);
  const { kid } = jws.header;
  if (!payload.success || typeof kid !== 'string') throw new Failure('FORMAT_FAILURE', '二维码内容不是规定的形式');
  return { link, jws, payload: payload.data, kid };
}

/** Returns the certificate that the code names. Throws Failure NO_SIGNING_CERTIFICATE_FOUND. */
function requireSigner({ kid }: Code, certificates: readonly Certificate[]): Certificate {
  const certificate = certificates.find(({ digest }) => digest.slice(0, KID_DIGITS) === kid);
  if (!certificate)
    throw new Failure('NO_SIGNING_CERTIFICATE_FOUND', `没有编号为 ${toDisplayText(kid)} 的二维码签名证书`);
  return certificate;
}

function requireCodeSignature({ jws }: Code, { key }: Certificate): void {
  if (!isSignedBy(jws, key)) throw new Failure('SIG_CRYPTO_FAILURE', '二维码的签名值不正确');
}

/**
 * Refuses SIG_CONSTRAINTS_FAILURE if the link leads to another license or to an address that is not the issuer's. The
 * signature does not cover the link, so a valid code could otherwise lead whoever scans it to a stranger's page. The
 * whole text is compared, so neither user-info nor a look-alike host passes.
 */
function requireLink({ link, payload }: Code, addresses: readonly string[] | undefined): string {
  if (link === null) return '没有链接';
  const ending = `/v/${payload.i}`;
  if (!link.endsWith(ending)) throw new Failure('SIG_CONSTRAINTS_FAILURE', '二维码中的链接指向另一证照');
  const address = link.slice(0, -ending.length);
  if (address === '') return '链接没有主机';
  if (addresses === undefined) return `${toDisplayText(address)}，未与颁发系统的地址核对`;
  if (addresses.includes(address)) return toDisplayText(address);
  throw new Failure('SIG_CONSTRAINTS_FAILURE', `二维码中的链接指向 ${toDisplayText(address)}，不是颁发系统的地址`);
}

function requireOrganisation({ payload }: Code, { organisations }: Certificate): void {
  if (organisations.length !== 1 || organisations[0] !== payload.o) {
    throw new Failure('SIG_CONSTRAINTS_FAILURE', `颁发机构“${toDisplayText(payload.o)}”与二维码签名证书所属机构不一致`);
  }
}

/** Checks the signature of the code in a record, and that the code agrees with the record. Throws Failure. */
export function checkRecordCode(record: AttachedRecord, grounds: Grounds, validationTime: ValidationTime): string {
  const { KZ_EWM: text = '', ...content } = record;
  const code = parseCode(text);
  const { payload, link } = code;
  const digest = createHash('sha256').update(toCanonicalJson(content)).digest('base64url');
  const isConsistent =
    payload.i === record.ZZBS &&
    payload.h === maskName(record.CZZT, record.CZZTDMLX) &&
    payload.o === record.ZZBFJG &&
    payload.f === record.ZZYXQQSRQ &&
    payload.t === record.ZZYXQJZRQ &&
    (link === null || link === record.KZ_HYDZ);
  if (!isConsistent) throw new Failure('SIG_CONSTRAINTS_FAILURE', '二维码与登记数据不一致');
  if (payload.d !== digest) throw new Failure('HASH_FAILURE', '二维码中的摘要与登记数据不一致');
  const signer = requireSigner(code, grounds.candidates);
  requireCodeSignature(code, signer);
  requireOrganisation(code, signer);
  findPath({ certificate: signer, ...grounds, moment: validationTime, purpose: CODE });
  return `由“${signer.commonName}”签名，与登记数据一致`;
}

/** The material for judging a code. */
export interface CodeMaterial {
  /** Published certificates of codes and of the authorities above them: DER or PEM. */
  certificates: readonly Uint8Array[];
  roots: readonly Uint8Array[];
  /** Revocation lists, DER. Without the list of each authority the verdict is INDETERMINATE. */
  revocation?: readonly Uint8Array[];
  /** Addresses, such as https://hub.example, at which the issuer answers now or once did. If absent, not compared. */
  addresses?: readonly string[];
  /** Status list and status statement: compact JWS. */
  statusList?: string | null;
  statement?: string | null;
  /** Index of the license in the status list, if known from another source. A code does not contain it. */
  index?: number;
}

export interface CodeReport extends Judgement {
  /** The content of the code, or null unless the verdict is TOTAL_PASSED. */
  payload: CodePayload | null;
  /** Common name of the signing certificate, or null unless the verdict is TOTAL_PASSED. */
  signer: string | null;
  status: LicenseStatus;
}

interface Context {
  text: string;
  material: CodeMaterial;
  grounds: Grounds;
  at: Date;
  code: Code;
  signer: Certificate;
}

const STEPS: readonly NamedStep<Context>[] = [
  {
    name: '读取二维码',
    run: (context) => {
      requireTime(context.at);
      context.code = parseCode(context.text);
      return `证照标识 ${toDisplayText(context.code.payload.i)}`;
    },
  },
  {
    name: '查找签名证书',
    run: (context) => {
      context.signer = requireSigner(context.code, context.grounds.candidates);
      return context.signer.commonName;
    },
  },
  {
    name: '验证签名值',
    run: ({ code, signer }) => {
      requireCodeSignature(code, signer);
      requireOrganisation(code, signer);
      return 'ECDSA P-256，SHA-256';
    },
  },
  {
    name: '核对证书链和有效期',
    run: ({ signer, grounds, at }) => requireSignerPath(signer, { ...grounds, lists: null }, at),
  },
  {
    name: '核对证书吊销',
    run: ({ signer, grounds, at }) => {
      requireSignerPath(signer, grounds, at);
      return '未吊销';
    },
  },
  {
    name: '核对链接',
    run: ({ code, material }) => requireLink(code, material.addresses),
  },
];

function requireSignerPath(
  certificate: Certificate,
  { roots, candidates, lists }: Omit<Grounds, 'lists'> & { lists: Grounds['lists'] | null },
  at: Date,
): string {
  const validationTime = { at, now: at, proven: false, claimed: null };
  const path = findPath({ certificate, candidates, roots, lists, moment: validationTime, purpose: CODE });
  return path.map((member) => member.commonName).join(' ← ');
}

/**
 * Judges the text of a QR code at a given time, with the verdicts of ETSI EN 319 102-1. The signer must be a
 * certificate for codes below a trusted root. Pure and synchronous. Never throws. The verdict does not depend on the
 * state of the license.
 */
export function verifyCode(text: string, material: CodeMaterial, at: Date): CodeReport {
  const grounds: Grounds = {
    roots: readCertificates(material.roots),
    candidates: readCertificates(material.certificates),
    lists: readLists(material.revocation ?? []),
  };
  const context = { text, material, grounds, at } as Context;
  const judgement = runSteps(STEPS, context);
  const hasPassed = judgement.verdict === 'TOTAL_PASSED';
  const { code, signer } = context;
  const statements = material.statement ? [{ text: material.statement, provenAt: null }] : [];
  const list = material.index === undefined ? null : (material.statusList ?? null);
  const version = Number(code?.payload.i.split('.').at(-2));
  const period = hasPassed ? periodOf({ ZZYXQQSRQ: code.payload.f, ZZYXQJZRQ: code.payload.t }) : null;
  const subject = { identifier: code?.payload.i ?? '', version, index: material.index, period };
  return {
    ...judgement,
    payload: hasPassed ? code.payload : null,
    signer: hasPassed ? signer.commonName : null,
    status: readStatus(subject, { statements, list }, grounds, at),
  };
}
