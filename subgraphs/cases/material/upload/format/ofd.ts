import type { PartEnding } from './parts.ts';
import { listXmlTags } from './xml.ts';

/** Documents of GB/T 33190 (OFD). */

/** Endings of the parts of a document: pages, pictures, fonts, and the values of seals (GB/T 33481, GM/T 0031). */
export const OFD_ENDINGS: readonly PartEnding[] = [
  ...(['xml', 'png', 'jpg', 'jpeg', 'bmp', 'tif', 'tiff', 'gif', 'jb2', 'gbig2'] as const),
  ...(['ttf', 'otf', 'ttc', 'dat', 'esl'] as const),
];

export const OFD_ROOT = 'OFD.xml';
/** Where an encrypted document keeps how it is encrypted (GM/T 0099). */
export const OFD_ENCRYPTION = /(^|\/)Encryptions?\.xml$/i;

/** Returns in words what is wrong with the entry part of a document, or null: it names documents that are there. */
export function findOfdFault(root: Buffer, names: ReadonlySet<string>): string | null {
  const tags = listXmlTags(root);
  const [first] = tags;
  if (first?.name !== 'OFD' || first.attributes.get('DocType') !== 'OFD') return 'OFD 主入口不正确';
  const documents = tags.filter(({ name }) => name === 'DocRoot').map(({ text }) => text.replace(/^\//, ''));
  return documents.length > 0 && documents.every((name) => names.has(name)) ? null : 'OFD 文档缺失';
}
