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

/** Replaces a stream by a revision appended to the file (ISO 32000-1 §7.5.6), as any PDF editor would. */
function append(pdf: Buffer, stream: Stream, body: Buffer): Buffer {
  const previous = Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(pdf.toString('latin1'))?.[1]);
  const trailer = /trailer\s*<<([\s\S]*?)>>\s*startxref/.exec(pdf.toString('latin1', previous))?.[1];
  if (trailer === undefined) throw new Error('no trailer found');
  const packed = deflateSync(body);
  const dictionary = stream.dictionary.replace(/\/Length \d+/, `/Length ${packed.length}`);
  const withFilter = dictionary.includes('/FlateDecode')
    ? dictionary
    : dictionary.replace(/>>\s*$/, '/Filter /FlateDecode>>');
  const head = Buffer.from(`\n${stream.object} 0 obj\n${withFilter}\nstream\n`, 'latin1');
  const object = Buffer.concat([head, packed, Buffer.from('\nendstream\nendobj\n')]);
  const offset = String(pdf.length + 1).padStart(10, '0');
  const end = [
    'xref',
    `${stream.object} 1`,
    `${offset} 00000 n `,
    `trailer\n<<${trailer} /Prev ${previous} >>`,
    `startxref\n${pdf.length + object.length}\n%%EOF\n`,
  ];
  return Buffer.concat([pdf, object, Buffer.from(end.join('\n'), 'latin1')]);
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

/** The object identifier of signing-time, DER; behind it SET and UTCTime headers, then YYMMDD… */
const SIGNING_TIME = Buffer.from('06092a864886f70d010905', 'hex');
const HEADERS_BYTES = 4;

/** Moves the signing time, a signed attribute, by a year. */
export function tamperSignedAttribute(signature: Buffer): Buffer {
  const forged = Buffer.from(signature);
  const at = forged.indexOf(SIGNING_TIME);
  if (at < 0) throw new Error('no signing time found');
  const year = at + SIGNING_TIME.length + HEADERS_BYTES;
  forged.write(String((Number(forged.toString('latin1', year, year + 2)) + 1) % 100).padStart(2, '0'), year, 'latin1');
  return forged;
}

/** What the test PKI writes into each of its names, and what a forger would rather read there. */
const SUBJECT_UNIT = Buffer.from('不具法律效力');
const FORGED_UNIT = Buffer.from('确具法律效力');

/** Changes a word in the names of the certificates, the signer's subject among them. */
export function tamperCertificate(signature: Buffer): Buffer {
  const forged = Buffer.from(signature);
  let at = forged.indexOf(SUBJECT_UNIT);
  if (at < 0) throw new Error('no certificate of the test PKI found');
  for (; at >= 0; at = forged.indexOf(SUBJECT_UNIT, at + 1)) FORGED_UNIT.copy(forged, at);
  return forged;
}
