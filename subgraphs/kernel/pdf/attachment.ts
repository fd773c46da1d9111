import { inflateSync } from 'node:zlib';
import { decodeObject, PdfError, type PdfFile, type PdfObject, readObjectText, readPdfFile } from './pdf.ts';

/** A record is a few kilobytes, so a larger attachment is not read. */
const MAX_ATTACHMENT_BYTES = 1_048_576;
const NAME_TREE = /\/EmbeddedFiles\s*<<\s*\/Names\s*\[\(([^()\n]{0,100})\)\s(\d{1,6}) 0 R\s*\]/;

/** Returns the name of the attached file by the catalog, or null. `readAttachment` checks that it is so. */
export function findAttachmentName(file: PdfFile): string | null {
  return NAME_TREE.exec(readObjectText(file, file.root))?.[1] ?? null;
}

/**
 * Returns the bytes of the file `name` attached to a PDF (ISO 32000-1 §7.11.4), or null if the PDF has no attachment.
 *
 * The reader is narrow on purpose. It accepts only the form of this hub's documents: one cross-reference table over
 * objects that fill the file without a gap. Throws PdfError for anything ambiguous: an appended revision,
 * a second attachment, another name, an unknown filter, bytes between objects.
 */
export function readAttachment(pdf: Uint8Array | PdfFile, name: string): Uint8Array | null {
  const file = pdf instanceof Uint8Array ? readPdfFile(pdf) : pdf;
  // Only the beginning of the keyword: searching a file for a text this short is twice as fast.
  const embeddedFiles = findObjectsByKeyword(file, '/Embed', /\/Type\s*\/EmbeddedFile\b/);
  const fileSpecs = findObjectsByKeyword(file, '/EF', /\/EF\b/);
  if (embeddedFiles.length === 0 && fileSpecs.length === 0) return null;
  const [spec] = fileSpecs;
  const [stream] = embeddedFiles;
  if (!spec || !stream || fileSpecs.length !== 1 || embeddedFiles.length !== 1) {
    throw new PdfError(`PDF 附件应为一个，实为 ${embeddedFiles.length} 个`);
  }
  const nameTreeEntry = NAME_TREE.exec(readObjectText(file, file.root));
  const text = decodeObject(file, spec);
  const fileName = /\/F \(([^()\n]{0,100})\)/.exec(text)?.[1];
  const target = /\/EF\s*<<\s*\/F (\d+) 0 R/.exec(text)?.[1];
  if (nameTreeEntry?.[1] !== name || fileName !== name) throw new PdfError(`PDF 附件不是 ${name}`);
  if (Number(nameTreeEntry[2]) !== spec.number || Number(target) !== stream.number) {
    throw new PdfError('PDF 附件结构不完整');
  }
  return decodeStream(file, stream);
}

/** Returns the objects that contain `keyword` and match `pattern` before their stream begins. */
function findObjectsByKeyword(file: PdfFile, keyword: string, pattern: RegExp): PdfObject[] {
  const matches: PdfObject[] = [];
  let position = file.bytes.indexOf(keyword);
  for (const object of file.objects) {
    if (position < 0) break;
    // A match before this object belongs to no object.
    if (position < object.start) position = file.bytes.indexOf(keyword, object.start);
    if (position < 0 || position >= object.end) continue;
    const text = decodeObject(file, object);
    if (pattern.test(text.slice(0, findStreamStart(text)))) matches.push(object);
    position = file.bytes.indexOf(keyword, object.end);
  }
  return matches;
}

/** Returns the position of an object's stream keyword, or the object's length if it has no stream. */
function findStreamStart(object: string): number {
  const index = object.search(/>>\s*stream\r?\n/);
  return index < 0 ? object.length : index;
}

function decodeStream(file: PdfFile, object: PdfObject): Uint8Array {
  const text = decodeObject(file, object);
  const match = />>\s*stream\r?\n/.exec(text);
  const dictionary = text.slice(0, match?.index ?? 0);
  const length = Number(/\/Length (\d{1,9})\b(?! \d+ R)/.exec(dictionary)?.[1]);
  const begin = (match?.index ?? 0) + (match?.[0].length ?? 0);
  if (!match || !Number.isInteger(length) || !/^\s*endstream\s*endobj\s*$/.test(text.slice(begin + length))) {
    throw new PdfError('PDF 附件长度不正确');
  }
  const body = file.bytes.subarray(object.start + begin, object.start + begin + length);
  const filter = /\/(Filter|DecodeParms)\b\s*(\/\w+|\S+)?/.exec(dictionary);
  if (length > MAX_ATTACHMENT_BYTES) throw new PdfError('PDF 附件过大');
  if (!filter) return body;
  if (filter[2] !== '/FlateDecode' || dictionary.includes('/DecodeParms'))
    throw new PdfError('PDF 附件的过滤器不受支持');
  try {
    const { buffer, engine } = inflateSync(body, {
      maxOutputLength: MAX_ATTACHMENT_BYTES,
      info: true,
    }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    // No reader looks at bytes after the compressed data, so they could hide anything.
    if (engine.bytesWritten !== body.length) throw new Error('trailing bytes');
    return buffer;
  } catch {
    throw new PdfError('PDF 附件无法解压或过大');
  }
}
