import { z } from 'zod';
import { instantSchema } from '../../../kernel/day-schema.ts';
import { findAttachmentName } from '../../../kernel/pdf/attachment.ts';
import { type PdfFile, readPdfFile } from '../../../kernel/pdf/pdf.ts';
import type { ActStatement, AttachedRecord } from '../../act/record.ts';
import { readOrFail } from '../verdict.ts';
import { parseCanonicalJson, readAttachedText, readRecord, readStatement } from './attached.ts';

/** What a sealed file says: the record of a license, the statement of a later act, or a notice (文书). */

/** Name of the attachment of a notice. A license's is `metadata.json`. */
const NOTICE_NAME = 'notice.json';
const line = z.string().regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u);
/** What the verifier reads of a notice. Later notices may have more fields, and an older verifier still reads them. */
const noticeForm = z.looseObject({
  kind: line,
  title: line,
  number: line,
  organ: z.looseObject({ name: line }),
  addressee: line,
  caseNumber: line,
  issuedAt: instantSchema,
});
/** A decision document (决定书) or another notice (受理通知书 and the like), as attached to its PDF. */
export type AttachedNotice = z.infer<typeof noticeForm>;

/** One of them: whatever the sealed file is. */
export interface SealedContent {
  record?: AttachedRecord;
  statement?: ActStatement;
  notice?: AttachedNotice;
}

/** Reads a sealed file. Throws Failure FORMAT_FAILURE unless the hub could have written its content. */
export function readSealedContent(content: Uint8Array | PdfFile): SealedContent {
  if (content instanceof Uint8Array && content[0] !== 0x25) return { statement: readStatement(content) };
  const file = readOrFail('FORMAT_FAILURE', 'PDF 无法读取', () =>
    content instanceof Uint8Array ? readPdfFile(content) : content,
  );
  if (findAttachmentName(file) !== NOTICE_NAME) return { record: readRecord(file) };
  const notice = parseCanonicalJson(readAttachedText(file, NOTICE_NAME), noticeForm, '内附文书数据');
  return { notice: notice as AttachedNotice };
}

/** Returns what all contents say: their organ, title and number; by what the log knows them; and since when. */
export function describeContent({ record, statement, notice }: SealedContent): {
  organ: string;
  title: string;
  number: string;
  /** The identifier of a license; of a decision document the number of its case, of another notice its own number. */
  identifier: string;
  authorisedAt: string;
} {
  if (notice) {
    const { organ, title, number, kind, caseNumber, issuedAt } = notice;
    const identifier = kind === 'DECISION' ? caseNumber : number;
    return { organ: organ.name, title, number, identifier, authorisedAt: issuedAt };
  }
  const { ZZBFJG: organ = '', ZZBH: number = '', ZZBS: identifier = '', ZZQZSJ = '' } = record ?? statement ?? {};
  return { organ, title: record?.ZZMC ?? statement?.CZ ?? '', number, identifier, authorisedAt: ZZQZSJ };
}
