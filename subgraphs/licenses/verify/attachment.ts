import { inflateSync } from 'node:zlib';

/** Longest attachment that is read: a record is a few kilobytes. */
const ATTACHMENT_LIMIT_BYTES = 1_048_576;

/** Why a PDF's attachment cannot be read as this hub writes it. */
export class AttachmentError extends Error {
  override readonly name = 'AttachmentError';
}

/**
 * The one file attached to a PDF as this hub writes it. A narrow reader on purpose: whatever could mean two things (a
 * second revision, a second attachment, a filter it does not know) is refused. Throws AttachmentError.
 */
export function readAttachment(pdf: Uint8Array): Buffer {
  const text = Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength).toString('latin1');
  if (!text.startsWith('%PDF-1.')) throw new AttachmentError('不是 PDF 文件');
  if (text.split('startxref').length !== 2) throw new AttachmentError('PDF 有追加的修订');
  const found = [...text.matchAll(/\/Type\s*\/EmbeddedFile\b/g)];
  if (found.length !== 1) throw new AttachmentError(`PDF 附件应为一个，实为 ${found.length} 个`);
  const at = found[0]?.index ?? 0;
  const open = text.lastIndexOf(' obj', at);
  const stream = /stream\r?\n/g;
  stream.lastIndex = at;
  const begin = stream.exec(text);
  if (open < 0 || !begin) throw new AttachmentError('PDF 附件结构不完整');
  const dictionary = text.slice(open, begin.index);
  const length = Number(/\/Length (\d+)\b(?! \d+ R)/.exec(dictionary)?.[1]);
  const start = begin.index + begin[0].length;
  if (!Number.isInteger(length) || start + length > pdf.length) throw new AttachmentError('PDF 附件长度不正确');
  const body = pdf.subarray(start, start + length);
  const filter = /\/Filter\s*(\/\w+|\[[^\]]*\])/.exec(dictionary)?.[1];
  if (filter === undefined) return Buffer.from(body);
  if (filter !== '/FlateDecode') throw new AttachmentError(`PDF 附件的过滤器 ${filter} 不受支持`);
  try {
    return inflateSync(body, { maxOutputLength: ATTACHMENT_LIMIT_BYTES });
  } catch {
    throw new AttachmentError('PDF 附件无法解压');
  }
}
