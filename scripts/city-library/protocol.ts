import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';

/** The wire format of `docs/city-library.md` as the library reads it. It shares no code with the hub. */

/** The supported list of act and state codes. */
const CODE_LIST = 'tongquan-1';

export const VERSION_ACTS = ['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'TRANSFER', 'CORRECT'] as const;
/** Acts of which version 1 of the protocol knows nothing. */
const SECOND_VERSION_ACTS: readonly VersionAct[] = ['CORRECT'];
/** Acts of a record that are delivered as a change, because the list, or version 1 of it, has no code for them. */
export const SENT_AS_CHANGE = ['RETAIN', 'CORRECT'] as const;
export const STATEMENT_ACTS = ['SUSPEND', 'RESTORE', 'LAPSE', 'RESCIND', 'WITHDRAW', 'REVOKE', 'CANCEL'] as const;
export const STATES = [
  'VALID',
  'SUSPENDED',
  'SUPERSEDED',
  'LAPSED',
  'RESCINDED',
  'WITHDRAWN',
  'REVOKED',
  'CANCELLED',
] as const;

export type VersionAct = (typeof VERSION_ACTS)[number];
export type StatementAct = (typeof STATEMENT_ACTS)[number];
export type State = (typeof STATES)[number];

/** Every reason code with its HTTP status and sentence. */
export const REASONS = {
  REQUEST_MALFORMED: { status: 400, message: '请求格式不符合协议' },
  TOKEN_MISSING: { status: 401, message: '缺少令牌' },
  TOKEN_INVALID: { status: 401, message: '令牌无效' },
  TOKEN_EXPIRED: { status: 401, message: '令牌已过期' },
  CLIENT_UNKNOWN: { status: 401, message: '接入方标识或密钥不正确' },
  NOT_FOUND: { status: 404, message: '没有此证照或此地址' },
  ORDER: { status: 409, message: '前一次操作尚未归集' },
  TOO_LARGE: { status: 413, message: '请求超过大小上限' },
  DOCUMENT_DIGEST: { status: 422, message: '文件与所报摘要不符' },
  DOCUMENT_UNREADABLE: { status: 422, message: '文件无法读取' },
  RECORD_MISMATCH: { status: 422, message: '所报数据与文件内数据不一致' },
  IDENTIFIER_INVALID: { status: 422, message: '电子证照标识或其校验位不正确' },
  SIGNATURE_UNREADABLE: { status: 422, message: '签名不符合约定格式' },
  SIGNATURE_OF_OTHER_DOCUMENT: { status: 422, message: '签名属于另一文件' },
  SIGNATURE_INVALID: { status: 422, message: '签名不成立' },
  SIGNER_UNTRUSTED: { status: 422, message: '签名证书不能追溯到已登记的根证书' },
  SIGNER_EXPIRED: { status: 422, message: '签名证书不在有效期内' },
  STATEMENT_MALFORMED: { status: 422, message: '登记声明不是规定的形式' },
  SIGNER_NOT_ISSUER: { status: 422, message: '签名证书不属于证照颁发机构' },
  REVISION_CONFLICT: { status: 422, message: '同一序号已归集过不同内容' },
  STATE_NOT_ALLOWED: { status: 422, message: '证照当前状态不允许此操作' },
  INTERNAL: { status: 500, message: '证照库内部错误' },
  UNAVAILABLE: { status: 503, message: '证照库暂时不可用' },
} as const;
export type ReasonCode = keyof typeof REASONS;

const TEMPORARY: readonly ReasonCode[] = ['ORDER', 'INTERNAL', 'UNAVAILABLE'];

/** A refused request. `temporary`: the same request may succeed later. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: ReasonCode;
  readonly status: number;
  readonly temporary: boolean;

  constructor(code: ReasonCode, detail?: string) {
    const { status, message } = REASONS[code];
    super(detail === undefined ? `${message}。` : `${message}：${detail}。`);
    this.code = code;
    this.status = status;
    this.temporary = TEMPORARY.includes(code);
  }
}

/** The sentence of each warning. The act is collected in spite of the warning. */
export const WARNINGS = {
  LATE: '操作超过 24 小时后才归集。',
  VALIDITY_ENDED: '证照有效期已届满。',
  ALREADY_CANCELLED: '证照此前已注销。',
} as const;
export type Warning = keyof typeof WARNINGS;

/** Maximum size of a record in canonical JSON. No license is larger. */
const MAX_RECORD_CHARS = 262_144;

/** Base64 in its canonical encoding only. */
export const base64Schema = z
  .string()
  .min(4)
  .transform((text, context) => {
    const decoded = Buffer.from(text, 'base64');
    if (decoded.toString('base64') === text) return new Uint8Array(decoded);
    context.addIssue({ code: 'custom', message: 'not base64' });
    return z.NEVER;
  });

export const recordSchema = z.record(z.string(), z.unknown()).transform((value, context) => {
  const text = writeCanonical(value);
  if (text !== null && text.length <= MAX_RECORD_CHARS) return { value, text };
  context.addIssue({ code: 'custom', message: 'too large or nested too deep' });
  return z.NEVER;
});

export const wordSchema = z.string().regex(/^\P{C}{1,128}$/u);

const commonFields = {
  codeList: z.literal(CODE_LIST),
  stream: wordSchema,
  revision: z.number().int().min(1).max(1_000_000),
  identifier: wordSchema,
  number: wordSchema,
  version: z.number().int().min(1).max(999),
  state: z.enum(STATES),
  changedAt: z.iso.datetime(),
  record: recordSchema,
  documentDigest: z.string().regex(/^[0-9a-f]{64}$/),
  document: base64Schema,
};

const deliverySchema = z.discriminatedUnion('mediaType', [
  // A PDF contains its signature. PDFs of older releases have a detached signature.
  z.object({
    ...commonFields,
    mediaType: z.literal('application/pdf'),
    act: z.enum(VERSION_ACTS),
    signature: base64Schema.nullable(),
  }),
  z.object({
    ...commonFields,
    mediaType: z.literal('application/json'),
    act: z.enum(STATEMENT_ACTS),
    signature: base64Schema,
  }),
]);
export type Delivery = z.infer<typeof deliverySchema>;

/** Elements of GB/T 36903 that the library relies on, in the record of a license version. */
const versionRecordSchema = z.looseObject({
  ZZLXDM: z.string(),
  ZZBH: z.string(),
  ZZBS: z.string(),
  ZZBFJG: z.string(),
  ZZBFJGDM: z.string(),
  CZZT: z.string(),
  CZZTDM: z.string(),
  ZZYXQQSRQ: z.iso.date(),
  ZZYXQJZRQ: z.iso.date().or(z.literal('长期')),
  KZ_BB: z.number(),
  KZ_CZ: z.string(),
  KZ_XGBS: z.string().nullable(),
});
export type VersionRecord = z.infer<typeof versionRecordSchema>;

/** The same elements in the record of a sealed statement of an act. */
const statementSchema = z.looseObject({
  CZ: z.string(),
  ZZBH: z.string(),
  ZZBS: z.string(),
  KZ_BB: z.number(),
  ZZBFJG: z.string(),
  ZZBFJGDM: z.string(),
  ZZZT: z.string(),
});

export type Statement = z.infer<typeof statementSchema>;

const tokenRequestSchema = z.object({
  grant_type: z.literal('client_credentials'),
  client_id: z.string().min(1).max(128),
  client_secret: z.string().min(1).max(256),
});
export type TokenRequest = z.infer<typeof tokenRequestSchema>;

const questionSchema = z.strictObject({
  identifier: z.string().max(128).optional(),
  number: z.string().max(128).optional(),
  documentDigest: z.string().max(64).optional(),
  holderName: z.string().max(256).optional(),
  holderCode: z.string().max(32).optional(),
  issuerCode: z.string().max(18).optional(),
});
export type Question = z.infer<typeof questionSchema>;

/** Reads a delivery in a version of the protocol. Throws Fault REQUEST_MALFORMED, also for an act of version 2 in 1. */
export function readDelivery(body: unknown, protocol: 1 | 2): Delivery {
  const delivery = parseRequest(deliverySchema, body);
  if (protocol === 1 && (SECOND_VERSION_ACTS as readonly string[]).includes(delivery.act))
    throw new Fault('REQUEST_MALFORMED', `act ${delivery.act}`);
  return delivery;
}
export const readVersionRecord = (value: unknown): VersionRecord => parseRequest(versionRecordSchema, value);
export const readStatement = (value: unknown): Statement => parseRequest(statementSchema, value);
export const readTokenRequest = (body: unknown): TokenRequest => parseRequest(tokenRequestSchema, body);
export const readQuestion = (body: unknown): Question => parseRequest(questionSchema, body);

/** Reads a part of a request. Throws Fault REQUEST_MALFORMED. */
export function parseRequest<Shape extends z.ZodType>(shape: Shape, value: unknown): z.infer<Shape> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Fault('REQUEST_MALFORMED', `${issue?.path.join('.') || '请求'} ${issue?.message ?? ''}`.trim());
}

/** Returns the canonical JSON (RFC 8785), or null if the value is nested too deep. */
export function writeCanonical(value: unknown): string | null {
  try {
    return canonicalize(value) ?? null;
  } catch {
    return null;
  }
}

/**
 * Returns what names the license of a delivery in the library: the stream without its kind. It is the number, unless
 * another issuer or type printed the same number.
 */
export function licenseOf({ stream }: { stream: string }): string {
  return stream.slice(stream.indexOf(':') + 1);
}

/** Returns the SHA-256 over everything in a delivery. Two deliveries are the same if their digests are equal. */
export function contentDigest(request: Delivery): string {
  const { document, signature, record, ...rest } = request;
  return sha256(`${writeCanonical(rest)}\n${record.text}\n${sha256(document)}\n${signature && sha256(signature)}`);
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Builds the answer to a request that succeeded: 2 if a person should look, else 1. */
export function buildAnswer(warnings: readonly Warning[], extra: { receipt?: string } = {}) {
  const reasons = warnings.map((code) => ({ code, message: WARNINGS[code] }));
  return { code: warnings.length > 0 ? 2 : 1, reasons, ...extra };
}
