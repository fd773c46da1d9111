import { z } from 'zod';
import { canonical } from '../../kernel/events.ts';
import { readLicenseIdentifier } from '../../kernel/identifier.ts';
import { PdfError } from '../../kernel/sealed-pdf.ts';
import type { LicenseRecord } from '../record.ts';
import { readAttachment } from './attachment.ts';
import { Failure } from './verdict.ts';

/** Name under which a license carries its record. */
const RECORD_NAME = 'metadata.json';

const line = z.string().regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u);
/** What every record has; a later one may say more (KZ_*), so that an older verifier still reads it. */
const recordForm = z.looseObject({
  ZZMC: line,
  ZZLXDM: line,
  ZZBH: line,
  ZZBS: line,
  ZZBFJG: line,
  ZZBFJGDM: line,
  ZZBFRQ: line,
  CZZT: line,
  CZZTDM: line,
  CZZTDMLX: z.enum(['001', '111']),
  ZZYXQQSRQ: line,
  ZZYXQJZRQ: line,
  ZZQZR: line,
  ZZQZSJ: line,
  ZZQZMC: line,
  KZ_BB: z.int().positive(),
  KZ_NR: z.array(z.object({ label: line, text: line })),
  KZ_HYDZ: line,
});

/**
 * The record (GB/T 36903) attached to a license's PDF: there, canonical (RFC 8785) to the byte, and of one mind with its
 * own identifier (GB/T 36904). Throws Failure FORMAT_FAILURE.
 */
export function readRecord(pdf: Uint8Array): LicenseRecord {
  const record = parseRecord(readAttached(pdf));
  const { verdict, parts } = readLicenseIdentifier(record.ZZBS);
  if (verdict === 'KNOWN_VARIANT') throw malformed('电子证照标识的校验位按另一种算法计算，不符合 GB/T 36904');
  if (verdict !== 'VALID') throw malformed('电子证照标识校验位不正确');
  if (parts.type !== record.ZZLXDM || parts.issuer !== record.ZZBFJGDM || parts.version !== record.KZ_BB) {
    throw malformed('电子证照标识与登记内容不一致');
  }
  return record;
}

const malformed = (detail: string) => new Failure('FORMAT_FAILURE', detail);

function readAttached(pdf: Uint8Array): string {
  try {
    const attached = readAttachment(pdf, RECORD_NAME);
    if (attached === null) throw malformed(`文件没有内附 ${RECORD_NAME}`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(attached);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw malformed(error instanceof PdfError ? error.message : '内附登记数据不是 UTF-8 文本');
  }
}

function parseRecord(text: string): LicenseRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (canonical(value) !== text) throw malformed('内附登记数据不是规范形式（RFC 8785）');
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw malformed('内附登记数据不是 JSON');
  }
  const { success, error } = recordForm.safeParse(value);
  if (!success) throw malformed(`内附登记数据的 ${error.issues[0]?.path.join('.') ?? ''} 缺失或格式不正确`);
  return value as LicenseRecord;
}
