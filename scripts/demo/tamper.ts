import { deflateSync, inflateSync } from 'node:zlib';

/** Four forgeries that a verifier must detect. Each produces a file that still opens and looks intact. */

interface Stream {
  /** Object number of the stream. */
  object: number;
  dictionary: string;
  body: Buffer;
}

/** Returns the streams, uncompressed, of a PDF that this hub wrote. */
function readStreams(pdf: Buffer): Stream[] {
  const text = pdf.toString('latin1');
  return [...text.matchAll(/(\d{1,7}) 0 obj\s/g)].flatMap(({ index, 0: head, 1: number }) => {
    const keyword = text.indexOf('stream', index);
    if (keyword < 0 || text.slice(index, keyword).includes('endobj')) return [];
    const dictionary = text.slice(index + head.length, keyword).trim();
    const length = Number(/\/Length (\d+)/.exec(dictionary)?.[1] ?? 0);
    const start = text.indexOf('\n', keyword) + 1;
    const raw = pdf.subarray(start, start + length);
    const body = dictionary.includes('/FlateDecode') ? inflateSync(raw) : raw;
    return [{ object: Number(number), dictionary, body }];
  });
}

function readFromKeyword(pdf: Buffer, keyword: string, from: number): string {
  return pdf.toString('latin1', pdf.indexOf(keyword, from));
}

/** Replaces a stream by appending a revision to the file (ISO 32000-1 §7.5.6), as a PDF editor does. */
function appendRevision(pdf: Buffer, stream: Stream, body: Buffer): Buffer {
  const previous = Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(pdf.toString('latin1'))?.[1]);
  const trailer = /^trailer\s*<<([\s\S]*)>>\s*startxref/.exec(readFromKeyword(pdf, 'trailer', previous))?.[1];
  if (trailer === undefined) throw new Error('no trailer found');
  const compressed = deflateSync(body);
  const dictionary = stream.dictionary.replace(/\/Length \d+/, `/Length ${compressed.length}`);
  const withFilter = dictionary.includes('/FlateDecode')
    ? dictionary
    : dictionary.replace(/>>\s*$/, '/Filter /FlateDecode>>');
  const head = Buffer.from(`\n${stream.object} 0 obj\n${withFilter}\nstream\n`, 'latin1');
  const object = Buffer.concat([head, compressed, Buffer.from('\nendstream\nendobj\n')]);
  const offset = String(pdf.length + 1).padStart(10, '0');
  const end = [
    'xref',
    `${stream.object} 1`,
    `${offset} 00000 n `,
    `trailer\n<<${trailer.replace(/\/Prev \d+/, '')} /Prev ${previous} >>`,
    `startxref\n${pdf.length + object.length}\n%%EOF\n`,
  ];
  return Buffer.concat([pdf, object, Buffer.from(end.join('\n'), 'latin1')]);
}

/** Draws a bar across the first page. */
export function tamperPageContent(pdf: Buffer): Buffer {
  const page = readStreams(pdf).find(
    ({ body }) => /\bBT\b/.test(body.toString('latin1')) && /\bTf\b/.test(body.toString('latin1')),
  );
  if (!page) throw new Error('no page content found');
  return appendRevision(pdf, page, Buffer.concat([page.body, Buffer.from('\nq 1 0 0 rg 60 560 460 26 re f Q\n')]));
}

/** Puts another holder into the attached record. */
export function tamperAttachment(pdf: Buffer): Buffer {
  const attachment = readStreams(pdf).find(({ dictionary }) => /\/EmbeddedFile\b/.test(dictionary));
  if (!attachment) throw new Error('no attachment found');
  const record = attachment.body.toString('utf8').replace(/"CZZT":"[^"]*"/, '"CZZT":"冒名者"');
  return appendRevision(pdf, attachment, Buffer.from(record));
}

/** Applies a forgery to a DER-encoded CMS, or to the CMS inside a sealed PDF. */
function forgeSignature(file: Buffer, forge: (cms: Buffer) => void): Buffer {
  const forged = Buffer.from(file);
  const contents = /\/Contents <([0-9a-f]+)>/.exec(file.toString('latin1'));
  if (!contents) {
    forge(forged);
    return forged;
  }
  const cms = Buffer.from(contents[1] ?? '', 'hex');
  forge(cms);
  forged.write(cms.toString('hex'), contents.index + '/Contents <'.length, 'latin1');
  return forged;
}

/** The object identifier of message-digest, DER. SET and OCTET STRING headers follow it, then the digest. */
const MESSAGE_DIGEST = Buffer.from('06092a864886f70d010904', 'hex');
const HEADERS_BYTES = 4;

/** Changes the file's digest, which is a signed attribute. */
export function tamperSignedAttribute(file: Buffer): Buffer {
  return forgeSignature(file, (cms) => {
    const at = cms.indexOf(MESSAGE_DIGEST);
    if (at < 0) throw new Error('no message digest found');
    const digest = at + MESSAGE_DIGEST.length + HEADERS_BYTES;
    cms.writeUInt8(cms.readUInt8(digest) ^ 1, digest);
  });
}

/** The text that the test PKI writes into each of its names, and the text that a forger would put there. */
const SUBJECT_UNIT = Buffer.from('不具法律效力');
const FORGED_UNIT = Buffer.from('确具法律效力');

/** Changes a word in the names of the certificates, the signer's subject among them. */
export function tamperCertificate(file: Buffer): Buffer {
  return forgeSignature(file, (cms) => {
    let at = cms.indexOf(SUBJECT_UNIT);
    if (at < 0) throw new Error('no certificate of the test PKI found');
    for (; at >= 0; at = cms.indexOf(SUBJECT_UNIT, at + 1)) FORGED_UNIT.copy(cms, at);
  });
}
