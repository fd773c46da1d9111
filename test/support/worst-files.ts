import { deflateSync } from 'node:zlib';
import { der, oid } from '../library/authority.ts';

/** Files that cost a parser the most: each asks it to begin again, to descend, or to unpack. */

/** As many bytes as verifyLicense takes: 700,000 characters of base64. */
const FILE_BYTES = 525_000;
/** As many bytes as it takes of a detached signature: 60,000 characters of base64. */
const SIGNATURE_BYTES = 45_000;
/** Bytes of an attachment that its reader unpacks at most. */
const ATTACHED_BYTES = 1_048_576;

const fill = (part: string, bytes = FILE_BYTES - 20_000) => part.repeat(Math.floor(bytes / part.length));

/** A PDF of the narrow form that the reader takes, with these objects and others that it needs. */
function buildPdf(objects: readonly string[], { root = '', pages = '[3 0 R]', trailer = '' } = {}): Buffer {
  const bodies = [
    `<< /Type /Catalog /Pages 2 0 R ${root}>>`,
    `<< /Type /Pages /Kids ${pages} /Count 1 >>`,
    '<< /Type /Page /Parent 2 0 R >>',
    ...objects,
  ];
  let text = '%PDF-1.7\n';
  const rows = bodies.map((body, i) => {
    const start = text.length;
    text += `${i + 1} 0 obj\n${body}\nendobj\n`;
    return `${String(start).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${bodies.length + 1}\n0000000000 65535 f \n${rows.join('')}`;
  const end = `trailer\n<< /Root 1 0 R /Info 1 0 R /ID [(a) (a)] ${trailer}>>\nstartxref\n${text.length}\n%%EOF\n`;
  return Buffer.from(`${text}${table}${end}`, 'latin1');
}

const NAMES = '/Names << /EmbeddedFiles << /Names [(metadata.json) 4 0 R] >> >>';
const SPEC = '<< /Type /Filespec /F (metadata.json) /EF << /F 5 0 R >> >>';

function attach(body: Buffer, filter = '/Filter /FlateDecode'): Buffer {
  const bytes = body.toString('latin1');
  return buildPdf([SPEC, `<< /Type /EmbeddedFile ${filter} /Length ${body.length} >>\nstream\n${bytes}\nendstream`], {
    root: NAMES,
  });
}

const attachJson = (text: string) => attach(deflateSync(text, { level: 9 }));
const inObject = (text: string) =>
  buildPdf([`<< ${text} >>`, SPEC, '<< /Type /EmbeddedFile >>\nstream\n'], { root: NAMES });
const half = ATTACHED_BYTES / 2;

/** Files by what they repeat. */
export const WORST_FILES: Readonly<Record<string, Buffer>> = {
  'a name of a file that begins again and again': buildPdf([`<< /EF ${fill('/F (')} >>`, '<< /Type /EmbeddedFile >>']),
  'names of files that end again and again': inObject(fill('/F () ')),
  'a list of names that begins again and again': buildPdf([SPEC, '<< /Type /EmbeddedFile >>'], {
    root: fill('/EmbeddedFiles<</Names[('),
  }),
  'a list of names that almost ends again and again': buildPdf([SPEC, '<< /Type /EmbeddedFile >>'], {
    root: `/EmbeddedFiles<</Names[(${fill(') 1 ')}`,
  }),
  'objects that all name an attachment': buildPdf(Array<string>(9_000).fill('<< /EF /Embed >>')),
  'objects that name an attachment in their streams': buildPdf(
    Array<string>(7_000).fill('<< >>\nstream\n/EF /EmbeddedFile\nendstream'),
  ),
  'a type that never ends': inObject(`/Type${fill(' ')}`),
  'types without a name': inObject(fill('/Type ')),
  'a stream that never begins': inObject(`/EF /EmbeddedFile ${fill('>> ')}`),
  'white space before a stream': inObject(`/EF /EmbeddedFile >>${fill(' \n')}`),
  'white space behind a stream': attach(Buffer.from(`x${fill('\n')}`), ''),
  'lengths that begin again and again': buildPdf(
    [SPEC, `<< /Type /EmbeddedFile ${fill('/Length 123456789 0 R')} >>\nstream\nx\nendstream`],
    { root: NAMES },
  ),
  'filters that begin again and again': buildPdf(
    [SPEC, `<< /Type /EmbeddedFile /Length 1 ${fill('/DecodeParms ')} >>\nstream\nx\nendstream`],
    { root: NAMES },
  ),
  'pages without end': buildPdf([], { pages: `[${fill('1 0 R ')}` }),
  'pages of one page': buildPdf([], { pages: `[${fill('3 0 R ')}]` }),
  'a trailer of white space': buildPdf([], { trailer: `>>${fill('\n', 3_900)}` }),
  'a trailer of ends': buildPdf([], { trailer: fill('>> ', 3_900) }),
  'an attachment that unpacks to 500 megabytes': attach(deflateSync(Buffer.alloc(500_000_000), { level: 9 })),
  'lists in lists': attachJson(`${'['.repeat(half)}${']'.repeat(half)}`),
  'objects in objects': attachJson(`${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`),
  'a record with lines that are none': attachJson(`{"KZ_NR":[${fill('0,', ATTACHED_BYTES - 40)}0]}`),
  'a record with lines without content': attachJson(`{"KZ_NR":[${fill('{},', ATTACHED_BYTES - 40)}{}]}`),
  'a record with many names': attachJson(
    `{${Array.from({ length: 90_000 }, (_, i) => `"k${String(i).padStart(5, '0')}":0`).join(',')}}`,
  ),
  'a record with numbers as names': attachJson(
    `{${Array.from({ length: 70_000 }, (_, i) => `"${i * 61_001 + 1}":0`).join(',')}}`,
  ),
  'a record that is one number': attachJson(fill('9', ATTACHED_BYTES - 1)),
  'a record that is one text of escapes': attachJson(`"${fill('\\u4e00', ATTACHED_BYTES - 8)}"`),
  'a statement of lists in lists': Buffer.from(`{"CZ":${fill('[')}`),
  'a statement of lists in lists that end': Buffer.from(`{"CZ":${'['.repeat(250_000)}${']'.repeat(250_000)}}`),
  'a statement of many names': Buffer.from(
    `{${Array.from({ length: 50_000 }, (_, i) => `"k${String(i).padStart(5, '0')}":0`).join(',')}}`,
  ),
  'a statement with a long line': Buffer.from(`{"CZ":"${fill('a')}"}`),
  'beginnings of revisions': Buffer.from(
    `%PDF-1.7\n${fill('startxref\n00000000\n%%EO', 500_000)}\n/Prev 00000000\n>>\nstartxref\n1\n%%EOF\n`,
  ),
  'byte ranges': Buffer.from(`%PDF-1.7\n${fill('/ByteRange')}`),
  'almost byte ranges': Buffer.from(`%PDF-1.7\n${fill('ByteRange')}`),
};

const nest = (depth: number): Buffer => (depth === 0 ? der(0x05) : der(0x30, nest(depth - 1)));
const numbers = (count: number) =>
  Array.from({ length: count }, (_, i) => der(0x02, Buffer.from([1 + (i >> 16), (i >> 8) & 0xff, i & 0xff])));

/** Signatures: each is DER and no signature. */
export const WORST_SIGNATURES: Readonly<Record<string, Buffer>> = {
  'zeros of 45 kB': Buffer.alloc(SIGNATURE_BYTES),
  'empty elements': der(0x30, Buffer.alloc(32_000).fill(Buffer.from([0x05, 0x00]))),
  'a set of many numbers': der(0x31, ...numbers(6_000)),
  'sets in sets': Array.from({ length: 22 }).reduce<Buffer>((inner) => der(0x31, inner), der(0x31, ...numbers(6_000))),
  'more depth than a reader descends': nest(10_000 / 4),
  'a long identifier': der(0x30, der(0x06, Buffer.alloc(32_000, 0x81), Buffer.from([1]))),
  'a large number': der(0x30, der(0x02, Buffer.alloc(32_000, 0x7f))),
  'a length of four gigabytes': Buffer.from('3084ffffffff', 'hex'),
  'many identifiers': der(0x30, ...Array<Buffer>(3_000).fill(oid('1.2.840.113549.1.7.2'))),
};

const MAX_CODE_CHARS = 2_048;
const encode = (text: string) => Buffer.from(text).toString('base64url');

/** Texts of QR codes. */
export const WORST_CODES: Readonly<Record<string, string>> = {
  'more characters than a code has': 'a'.repeat(700_000),
  'white space': `${' '.repeat(350_000)}a${' '.repeat(350_000)}`,
  'parts without end': '.'.repeat(MAX_CODE_CHARS),
  'links without end': 'http://#'.repeat(MAX_CODE_CHARS / 8),
  'lists in lists': `${encode('['.repeat(700))}.${encode('['.repeat(700))}.a`,
  'a large number': `${encode(`{"kid":${'9'.repeat(700)}}`)}.${encode(`{"i":${'9'.repeat(600)}}`)}.a`,
};
