import { Refusal } from '../../../../kernel/refusal.ts';
import type { PartEnding } from './parts.ts';
import { listXmlTags, type XmlTag } from './xml.ts';

/** Documents of ECMA-376 (DOCX, XLSX): lists of what may be in them, and what must not. */

/** Endings of the parts of a document. */
export const OFFICE_ENDINGS: readonly PartEnding[] = [
  ...(['xml', 'rels', 'vml', 'svg', 'png', 'jpg', 'jpeg', 'gif', 'bmp', 'tif', 'tiff'] as const),
  ...(['emf', 'wmf', 'wdp', 'odttf', 'sigs'] as const),
];
/** Settings of a printer, which spreadsheets keep as the driver wrote them. */
export const PRINTER_SETTINGS = /^xl\/printerSettings\/[^/]+\.bin$/;

export const CONTENT_TYPES = '[Content_Types].xml';
const ROOT_RELATIONSHIPS = '_rels/.rels';

const BASE = 'application/vnd.openxmlformats-officedocument';
/** The formats by the content type of the main part. */
const MAIN_TYPES = {
  [`${BASE}.wordprocessingml.document.main+xml`]: 'DOCX',
  [`${BASE}.spreadsheetml.sheet.main+xml`]: 'XLSX',
} as const satisfies Record<string, 'DOCX' | 'XLSX'>;

/** Content that runs, by a word in the name of a part, a content type or a relationship, in lower case. */
const ACTIVE_WORDS: Readonly<Record<string, string>> = {
  macro: '宏',
  vba: '宏',
  activex: '控件',
  control: '控件',
  customui: '自定义界面',
  oleobject: '嵌入对象',
  embeddings: '嵌入对象',
  package: '嵌入对象',
  attachedtemplate: '外部模板',
  externallink: '外部链接',
  connection: '外部数据',
  querytable: '外部数据',
  mailmerge: '外部数据',
  afchunk: '外部内容',
  subdocument: '外部内容',
  frame: '外部内容',
};

/** Relationships by the last part of their type. All others are refused. */
const RELATIONSHIPS: ReadonlySet<string> = new Set([
  ...['officeDocument', 'core-properties', 'extended-properties', 'custom-properties', 'thumbnail', 'customXml'],
  ...['customXmlProps', 'styles', 'stylesWithEffects', 'settings', 'webSettings', 'fontTable', 'font', 'theme'],
  ...['themeOverride', 'numbering', 'footnotes', 'endnotes', 'comments', 'commentsExtended', 'commentsIds'],
  ...['commentsExtensible', 'people', 'person', 'threadedComment', 'header', 'footer', 'image', 'hdphoto', 'hyperlink'],
  ...['chart', 'chartEx', 'chartUserShapes', 'chartStyle', 'chartColorStyle', 'diagramData', 'diagramLayout'],
  ...['diagramQuickStyle', 'diagramColors', 'diagramDrawing', 'glossaryDocument', 'bibliography', 'worksheet'],
  ...['chartsheet', 'sharedStrings', 'calcChain', 'drawing', 'vmlDrawing', 'table', 'printerSettings', 'pivotTable'],
  ...['pivotCacheDefinition', 'pivotCacheRecords', 'slicer', 'slicerCache', 'sheetMetadata', 'metadata'],
  // A signed document, and what WPS writes.
  ...['origin', 'signature', 'certificate', 'cellImage', 'wpsCustomData'],
]);
/** Addresses behind a link that a person may click. */
const LINK_TARGET = /^(https?:\/\/|mailto:|#)/i;

/**
 * Returns the format of a document by its main part, or null if it is none that is accepted (a template, slides).
 * `read` returns a part by its name, or null.
 */
export function readOfficeFormat(read: (name: string) => Buffer | null): 'DOCX' | 'XLSX' | null {
  const types = read(CONTENT_TYPES);
  const relationships = read(ROOT_RELATIONSHIPS);
  if (!types || !relationships) return null;
  const main = listXmlTags(relationships).find(
    (tag) => tag.name === 'Relationship' && kindOf(tag) === 'officeDocument',
  );
  const part = main?.attributes.get('Target')?.replace(/^\//, '') ?? '';
  if (part === '' || read(part) === null) return null;
  const override = listXmlTags(types).find(
    ({ name, attributes }) => name === 'Override' && attributes.get('PartName') === `/${part}`,
  );
  const type = override?.attributes.get('ContentType') ?? '';
  if (/macro/i.test(type)) throw buildActive('宏');
  return Object.entries(MAIN_TYPES).find(([contentType]) => contentType === type)?.[1] ?? null;
}

function kindOf({ attributes }: XmlTag): string {
  return attributes.get('Type')?.split('/').at(-1) ?? '';
}

function buildActive(what: string): Refusal {
  return new Refusal('FILE_INFECTED', null, `文档含${what}`);
}

/** Refuses FILE_INFECTED if a name says that something runs. */
export function requireInertName(name: string): void {
  const lower = name.toLowerCase();
  const found = Object.entries(ACTIVE_WORDS).find(([word]) => lower.includes(word));
  if (found) throw buildActive(found[1]);
}

/** Refuses FILE_INFECTED, FILE_TOO_COMPLEX for what a part of a document must not have. */
export function requireInertOfficePart(name: string, part: Buffer): void {
  if (name === CONTENT_TYPES) {
    for (const { attributes } of listXmlTags(part)) requireContentType(attributes.get('ContentType') ?? '');
  } else if (name.endsWith('.rels')) {
    for (const tag of listXmlTags(part)) if (tag.name === 'Relationship') requireRelationship(tag);
  } else if (name.startsWith('word/') && name.endsWith('.xml')) {
    requireInertFields(part);
  }
}

/** The package's own types have a word that embedded packages have too. */
function requireContentType(contentType: string): void {
  requireInertName(contentType.replace('application/vnd.openxmlformats-package.', ''));
}

function requireRelationship(tag: XmlTag): void {
  const kind = kindOf(tag);
  const target = tag.attributes.get('Target') ?? '';
  const isExternal = tag.attributes.get('TargetMode')?.toLowerCase() === 'external';
  if (!RELATIONSHIPS.has(kind)) {
    requireInertName(kind);
    throw new Refusal('FILE_TOO_COMPLEX', null, `文档含有无法检查的部分 ${kind.slice(0, 40)}`);
  }
  const isLink = kind === 'hyperlink' && LINK_TARGET.test(target);
  if (isExternal && !isLink) throw buildActive('外部链接');
}

/** Fields that fetch from elsewhere or start a program (ECMA-376, 17.16.5). */
const ACTIVE_FIELD = /^\s*(?:DDE|DDEAUTO|DDELINK|INCLUDETEXT|INCLUDEPICTURE|INCLUDE|IMPORT|DATABASE|LINK)\b/i;
const FIELD_PART = /<(?:\w+:)?instrText\b[^<>]*>([^<]*)|\binstr\s*=\s*"([^"]*)"|fldCharType\s*=\s*"begin"/g;

/** The text of a field may be cut into many pieces, which are put together again. */
function requireInertFields(part: Buffer): void {
  if (!part.includes('instr')) return;
  const fields = [''];
  for (const [, piece, whole] of part.toString('latin1').matchAll(FIELD_PART)) {
    if (piece === undefined) fields.push(whole ?? '');
    else fields.push(`${fields.pop()}${piece}`);
  }
  if (fields.some((field) => ACTIVE_FIELD.test(field))) throw buildActive('外部链接');
}
