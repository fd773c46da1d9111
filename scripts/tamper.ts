import { deflateSync, inflateSync } from 'node:zlib';

/** Four forgeries that a verifier must notice; each leaves a file that still opens and looks whole. */

interface Stream {
  /** Object number of the stream. */
  object: number;
  dictionary: string;
  body: Buffer;
}

/** The streams of a PDF as this hub writes it, uncompressed. */
function streamsOf(pdf: Buffer): Stream[] {
  const text = pdf.toString('latin1');
  return [...text.matchAll(/(\d+) 0 obj\s*(<<(?:(?!endobj)[\s\S])*?>>)\s*stream\r?\n/g)].flatMap((match) => {
    const dictionary = match[2] ?? '';
    const length = Number(/\/Length (\d+)/.exec(dictionary)?.[1] ?? 0);
    const start = (match.index ?? 0) + match[0].length;
    const raw = pdf.subarray(start, start + length);
    if (!dictionary.includes('/FlateDecode')) return [{ object: Number(match[1]), dictionary, body: raw }];
    return [{ object: Number(match[1]), dictionary, body: inflateSync(raw) }];
  });
}

/** Replaces a stream by a revision appended to the file, as any PDF editor would. */
function append(pdf: Buffer, stream: Stream, body: Buffer): Buffer {
  const text = pdf.toString('latin1');
  const previous = Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)?.[1]);
  const trailer = /\/Root (\d+ 0 R)/.exec(text.slice(previous)) ?? /\/Root (\d+ 0 R)/.exec(text);
  const size = /\/Size (\d+)/.exec(text.slice(previous)) ?? /\/Size (\d+)/.exec(text);
  const packed = deflateSync(body);
  const dictionary = stream.dictionary.replace(/\/Length \d+/, `/Length ${packed.length}`);
  const withFilter = dictionary.includes('/FlateDecode')
    ? dictionary
    : dictionary.replace(/>>\s*$/, '/Filter /FlateDecode>>');
  const head = Buffer.from(`\n${stream.object} 0 obj\n${withFilter}\nstream\n`, 'latin1');
  const object = Buffer.concat([head, packed, Buffer.from('\nendstream\nendobj\n')]);
  const offset = pdf.length + 1;
  const table = `xref\n${stream.object} 1\n${String(offset).padStart(10, '0')} 00000 n \ntrailer\n<< /Size ${size?.[1]} /Root ${trailer?.[1]} /Prev ${previous} >>\n`;
  const end = `startxref\n${pdf.length + object.length}\n%%EOF\n`;
  return Buffer.concat([pdf, object, Buffer.from(table + end)]);
}

/** Draws a bar across the first page. */
export function tamperPageContent(pdf: Buffer): Buffer {
  const page = streamsOf(pdf).find(
    ({ body }) => /\bBT\b/.test(body.toString('latin1')) && /\bTf\b/.test(body.toString('latin1')),
  );
  if (!page) throw new Error('no page content found');
  return append(pdf, page, Buffer.concat([page.body, Buffer.from('\nq 1 0 0 rg 60 560 460 26 re f Q\n')]));
}

/** Puts another holder into the attached record. */
export function tamperAttachment(pdf: Buffer): Buffer {
  const attached = streamsOf(pdf).find(({ dictionary }) => /\/EmbeddedFile\b/.test(dictionary));
  if (!attached) throw new Error('no attachment found');
  const record = attached.body.toString('utf8').replace(/"CZZT":"[^"]*"/, '"CZZT":"冒名者"');
  return append(pdf, attached, Buffer.from(record));
}

const SIGNING_TIME = Buffer.from('06092a864886f70d010905', 'hex');
const SUBJECT_UNIT = Buffer.from('不具法律效力');

/** Moves the signing time, a signed attribute, by a year. */
export function tamperSignedAttribute(signature: Buffer): Buffer {
  const forged = Buffer.from(signature);
  // OID, SET header, UTCTime header, then YYMMDD…
  const year = forged.indexOf(SIGNING_TIME) + SIGNING_TIME.length + 4;
  forged.write(String((Number(forged.toString('latin1', year, year + 2)) + 1) % 100).padStart(2, '0'), year, 'latin1');
  return forged;
}

/** Changes a word in the subject of the signer's certificate. */
export function tamperCertificate(signature: Buffer): Buffer {
  const forged = Buffer.from(signature);
  for (let at = forged.indexOf(SUBJECT_UNIT); at >= 0; at = forged.indexOf(SUBJECT_UNIT, at + 1)) {
    Buffer.from('确具法律效力').copy(forged, at);
  }
  return forged;
}
