import { z } from 'zod';
import { toCanonicalJson } from '../../../kernel/events/events.ts';
import { JsonTooComplex, parseForeignJson } from '../../../kernel/foreign/json.ts';
import { readLicenseIdentifier } from '../../../kernel/identifier.ts';
import { recordedOwnershipSchema } from '../../../kernel/identity/co-ownership.ts';
import { RECORD_CODE_KINDS } from '../../../kernel/identity/identity.ts';
import { readAttachment } from '../../../kernel/pdf/attachment.ts';
import { PdfError, type PdfFile } from '../../../kernel/pdf/pdf.ts';
import { saltSchema } from '../../../kernel/sealing/salt.ts';
import type { ActStatement, AttachedRecord } from '../../act/record.ts';
import { Failure } from '../verdict.ts';

/** Name of the record's attachment in a license. */
const RECORD_NAME = 'metadata.json';

const line = z.string().regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u);
/** The fields of every record. Later records may have more fields (KZ_*), and an older verifier still reads them. */
export const recordForm = z.looseObject({
  ZZMC: line,
  ZZLXDM: line,
  ZZBH: line,
  ZZBS: line,
  ZZBFJG: line,
  ZZBFJGDM: line,
  ZZBFRQ: line,
  CZZT: line,
  CZZTDM: line,
  CZZTDMLX: z.enum(RECORD_CODE_KINDS),
  ZZYXQQSRQ: line,
  ZZYXQJZRQ: line,
  ZZQZR: line,
  ZZQZSJ: line,
  ZZQZMC: line,
  KZ_BB: z.int().positive(),
  KZ_NR: z.array(z.object({ label: line, text: line })),
  KZ_HYDZ: line,
  KZ_ZTXH: z.int().nonnegative().optional(),
  KZ_EWM: z.string().optional(),
  KZ_SJS: saltSchema.optional(),
  KZ_LXBB: z.int().positive().optional(),
  KZ_BYX: z.array(line).optional(),
  KZ_GY: recordedOwnershipSchema.loose().optional(),
});
const statementForm = z.looseObject({
  CZ: line,
  ZZBH: line,
  ZZBS: line,
  KZ_BB: z.int().positive(),
  ZZBFJG: line,
  ZZBFJGDM: line,
  ZZZT: line,
  SM: z.string(),
  KZ_BJBH: line.nullable(),
  ZZQZR: line,
  ZZQZSJ: line,
  ZZQZMC: line,
  KZ_SJS: saltSchema.optional(),
});

/**
 * Reads the record (GB/T 36903) attached to a license's PDF. Throws Failure FORMAT_FAILURE unless the record exists, is
 * canonical JSON (RFC 8785) and agrees with its identifier (GB/T 36904).
 */
export function readRecord(pdf: Uint8Array | PdfFile): AttachedRecord {
  const record = parseCanonicalJson(readAttachedText(pdf, RECORD_NAME), recordForm, '内附登记数据') as AttachedRecord;
  const { type } = requireIdentifier(record);
  if (type !== record.ZZLXDM) throw formatFailure('电子证照标识与登记内容不一致');
  return record;
}

/**
 * Reads a sealed statement of a later act. Throws Failure FORMAT_FAILURE unless it is canonical JSON and agrees with
 * its identifier.
 */
export function readStatement(file: Uint8Array): ActStatement {
  const statement = parseCanonicalJson(
    decodeUtf8(file, '声明不是 UTF-8 文本'),
    statementForm,
    '声明',
  ) as unknown as ActStatement;
  requireIdentifier(statement);
  return statement;
}

function requireIdentifier({ ZZBS, ZZBFJGDM, KZ_BB }: Pick<AttachedRecord, 'ZZBS' | 'ZZBFJGDM' | 'KZ_BB'>) {
  const { verdict, parts } = readLicenseIdentifier(ZZBS);
  if (verdict === 'KNOWN_VARIANT') throw formatFailure('电子证照标识的校验位按另一种算法计算，不符合 GB/T 36904');
  if (verdict !== 'VALID') throw formatFailure('电子证照标识校验位不正确');
  if (parts.issuer !== ZZBFJGDM || parts.version !== KZ_BB) throw formatFailure('电子证照标识与登记内容不一致');
  return parts;
}

const formatFailure = (detail: string) => new Failure('FORMAT_FAILURE', detail);

/** Returns the text of the attached file `name`. Throws Failure FORMAT_FAILURE. */
export function readAttachedText(pdf: Uint8Array | PdfFile, name: string): string {
  try {
    const attachment = readAttachment(pdf, name);
    if (attachment === null) throw formatFailure(`文件没有内附 ${name}`);
    return decodeUtf8(attachment, '内附登记数据不是 UTF-8 文本');
  } catch (error) {
    if (error instanceof PdfError) throw formatFailure(error.message);
    throw error;
  }
}

function decodeUtf8(bytes: Uint8Array, failureDetail: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw formatFailure(failureDetail);
  }
}

/** Parses JSON that must be canonical (RFC 8785) and of a form. Throws Failure FORMAT_FAILURE. */
export function parseCanonicalJson(text: string, form: z.ZodType, contentName: string): unknown {
  let value: unknown;
  try {
    value = parseForeignJson(text);
    if (toCanonicalJson(value) !== text) throw formatFailure(`${contentName}不是规范形式（RFC 8785）`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw formatFailure(`${contentName}${error instanceof JsonTooComplex ? '过于复杂' : '不是 JSON'}`);
  }
  const { success, error } = form.safeParse(value);
  if (!success) throw formatFailure(`${contentName}的 ${error.issues[0]?.path.join('.') ?? ''} 缺失或格式不正确`);
  return value;
}
