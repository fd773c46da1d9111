import { crc32, deflateRawSync } from 'node:zlib';

/** Sample containers (ZIP, DOCX, XLSX, OFD) and TIFF files, built on each call. */

export interface ZipPart {
  name: string;
  content: string | Uint8Array;
  /** 8 deflate, 0 stored. */
  method?: number;
  /** What the directory says in place of the truth. */
  lies?: { unpackedBytes?: number; crc?: number; localName?: string; flags?: number; header?: number };
  /** The local header has no sizes; they follow the data. */
  sizeFollows?: boolean;
}

interface WrittenPart {
  local: Buffer;
  directory: (header: number) => Buffer;
}

function writePart({ name, content, method = 8, lies = {}, sizeFollows = false }: ZipPart): WrittenPart {
  const bytes = Buffer.from(content as Uint8Array);
  const data = method === 8 ? deflateRawSync(bytes) : bytes;
  const flags = (lies.flags ?? 0) | (sizeFollows ? 8 : 0);
  const facts = Buffer.alloc(12);
  facts.writeUInt32LE(lies.crc ?? crc32(bytes), 0);
  facts.writeUInt32LE(data.length, 4);
  facts.writeUInt32LE(lies.unpackedBytes ?? bytes.length, 8);
  const localName = Buffer.from(lies.localName ?? name);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(20, 4);
  local.writeUInt16LE(flags, 6);
  local.writeUInt16LE(method, 8);
  if (!sizeFollows) facts.copy(local, 14);
  local.writeUInt16LE(localName.length, 26);
  const descriptor = sizeFollows ? [Buffer.from([0x50, 0x4b, 7, 8]), facts] : [];
  const directory = (header: number) => {
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    facts.copy(entry, 16);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt32LE(lies.header ?? header, 42);
    return Buffer.concat([entry, Buffer.from(name)]);
  };
  return { local: Buffer.concat([local, localName, data, ...descriptor]), directory };
}

/** Builds a ZIP of the parts. `gap` comes before the directory. */
export function buildZip(parts: readonly ZipPart[], gap: Uint8Array = Buffer.alloc(0)): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const part of parts.map(writePart)) {
    directory.push(part.directory(offset));
    locals.push(part.local);
    offset += part.local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset + gap.length, 16);
  return Buffer.concat([...locals, gap, list, end]);
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const TYPES = 'http://schemas.openxmlformats.org/package/2006/content-types';
const RELATIONSHIPS = 'http://schemas.openxmlformats.org/package/2006/relationships';
const OFFICE_RELATIONSHIPS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const BASE = 'application/vnd.openxmlformats-officedocument';
export const CONTENT_TYPE_OF = {
  DOCX: `${BASE}.wordprocessingml.document.main+xml`,
  XLSX: `${BASE}.spreadsheetml.sheet.main+xml`,
} as const;
const MAIN_PART_OF = { DOCX: 'word/document.xml', XLSX: 'xl/workbook.xml' } as const;

/** Writes a list of relationships, each by its kind, target and mode. */
export function writeRelationships(...list: readonly (readonly [kind: string, target: string, mode?: string])[]) {
  const rows = list.map(
    ([kind, target, mode], i) =>
      `<Relationship Id="rId${i + 1}" Type="${OFFICE_RELATIONSHIPS}/${kind}" Target="${target}"${mode ? ` TargetMode="${mode}"` : ''}/>`,
  );
  return `${HEAD}<Relationships xmlns="${RELATIONSHIPS}">${rows.join('')}</Relationships>`;
}

interface OfficeOptions {
  contentType?: string;
  /** Further elements of the list of content types. */
  types?: string;
  body?: string;
  parts?: readonly ZipPart[];
}

/** Builds a small document. */
export function buildOffice(format: 'DOCX' | 'XLSX', options: OfficeOptions = {}): Buffer {
  const { contentType = CONTENT_TYPE_OF[format], types = '', body = '<w:body/>', parts = [] } = options;
  const main = MAIN_PART_OF[format];
  return buildZip([
    {
      name: '[Content_Types].xml',
      content: `${HEAD}<Types xmlns="${TYPES}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/${main}" ContentType="${contentType}"/>${types}</Types>`,
    },
    { name: '_rels/.rels', content: writeRelationships(['officeDocument', main]) },
    { name: main, content: `${HEAD}<w:document xmlns:w="http://example.org/w">${body}</w:document>` },
    ...parts,
  ]);
}

/** Builds a small OFD of one page. */
export function buildOfd(parts: readonly ZipPart[] = [], docRoot = 'Doc_0/Document.xml'): Buffer {
  const namespace = 'xmlns:ofd="http://www.ofdspec.org/2016"';
  const root = `<ofd:OFD ${namespace} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocRoot>${docRoot}</ofd:DocRoot></ofd:DocBody></ofd:OFD>`;
  return buildZip([
    { name: 'OFD.xml', content: `${HEAD}${root}` },
    { name: 'Doc_0/Document.xml', content: `${HEAD}<ofd:Document ${namespace}/>` },
    { name: 'Doc_0/Pages/Page_0/Content.xml', content: `${HEAD}<ofd:Page ${namespace}/>` },
    ...parts,
  ]);
}

/** A page of a TIFF: its entries as [tag, type, count, value]. */
type TiffEntries = readonly (readonly [tag: number, type: number, count: number, value: number])[];

/** Returns the entries of a grey page of 8 bits whose one strip is the `bytes` at offset 8. */
export function tiffPage(width = 1, height = 1, bytes = 1): TiffEntries {
  return [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 1, 8],
    [273, 4, 1, 8],
    [277, 3, 1, 1],
    [279, 4, 1, bytes],
  ];
}

/** Builds a TIFF whose data begins at offset 8. `loop` lets the last page name the first as its next. */
export function buildTiff(
  pages: readonly TiffEntries[] = [tiffPage()],
  { data = Buffer.alloc(4), isLittle = true, loop = false } = {},
): Buffer {
  const long = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (isLittle) bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return bytes;
  };
  const short = (value: number) => (isLittle ? long(value).subarray(0, 2) : long(value).subarray(2));
  const first = 8 + data.length;
  let at = first;
  const blocks = pages.map((entries, i) => {
    at += 2 + 12 * entries.length + 4;
    const isLast = i === pages.length - 1;
    const rows = entries.map(([tag, type, count, value]) => {
      const isShort = type === 3 && count === 1;
      return [short(tag), short(type), long(count), isShort ? Buffer.concat([short(value), short(0)]) : long(value)];
    });
    return Buffer.concat([short(entries.length), ...rows.flat(), long(isLast ? (loop ? first : 0) : at)]);
  });
  const head = Buffer.from(isLittle ? 'II' : 'MM');
  return Buffer.concat([head, short(42), long(first), data, ...blocks]);
}
