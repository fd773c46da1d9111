import { Refusal } from '../../../../kernel/refusal.ts';
import { findJpegFault } from './jpeg.ts';
import { findPngFault } from './png.ts';
import { findTiffFault } from './tiff.ts';
import { requirePlainXml } from './xml.ts';

/** What a part of a document is by its ending, and how it must begin: pictures, fonts, XML. */

interface PartKind {
  /** The first bytes, one of them. Absent: any. */
  heads?: readonly string[];
  /** Throws for what a reader could fall over. What is merely broken, readers show as a broken picture. */
  judge?: (part: Buffer) => unknown;
}

const XML: PartKind = { judge: requirePlainXml };
const JPEG: PartKind = { heads: ['\xff\xd8\xff'], judge: findJpegFault };
const TIFF: PartKind = { heads: ['II*\0', 'MM\0*'], judge: findTiffFault };
const FONT: PartKind = { heads: ['\0\u0001\0\0', 'OTTO', 'true', 'ttcf'] };

/** Kinds of parts by ending, of all formats. Each format names those that it may have. */
const PART_KINDS = {
  xml: XML,
  rels: XML,
  vml: XML,
  svg: XML,
  png: { heads: ['\x89PNG\r\n\x1a\n'], judge: findPngFault },
  jpg: JPEG,
  jpeg: JPEG,
  gif: { heads: ['GIF87a', 'GIF89a'] },
  bmp: { heads: ['BM'] },
  tif: TIFF,
  tiff: TIFF,
  emf: { heads: ['\u0001\0\0\0'] },
  wmf: { heads: ['\xd7\xcd\xc6\x9a', '\u0001\0\t\0'] },
  wdp: { heads: ['II\xbc'] },
  ttf: FONT,
  otf: FONT,
  ttc: FONT,
  jb2: {},
  gbig2: {},
  odttf: {},
  sigs: {},
  dat: {},
  esl: {},
} as const satisfies Record<string, PartKind>;
export type PartEnding = keyof typeof PART_KINDS;

/** Returns the ending of a part's name in lower case, if it is one that a format may have. */
export function findPartEnding(name: string): PartEnding | null {
  const ending = /\.([0-9a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(PART_KINDS, ending) ? (ending as PartEnding) : null;
}

/** Checks that a part is what its name says. Refuses FILE_TOO_COMPLEX. */
export function requirePart(name: string, ending: PartEnding, part: Buffer): void {
  const { heads, judge }: PartKind = PART_KINDS[ending];
  const isRight = !heads || heads.some((head) => part.toString('latin1', 0, head.length) === head);
  if (!isRight) throw new Refusal('FILE_TOO_COMPLEX', null, `文档内的 ${name} 与其名称不符`);
  judge?.(part);
}
