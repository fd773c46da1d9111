import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import opentype, { type Font } from 'opentype.js';
import { Refusal } from '../refusal.ts';
import { formatCodePoint } from '../text.ts';
import { listDescribed } from './described-letter.ts';

/** Renders documents with Typst. The same input gives the same bytes, and no character is rendered as an empty box. */

const { resolve } = createRequire(import.meta.url);
const folderOf = (name: string) => dirname(resolve(`@expo-google-fonts/${name}/package.json`));
const FONT_FOLDER = folderOf('noto-serif-sc');
// The compiler also knows the machine's fonts. Of two fonts with one name it takes the one from here, so bytes are
// stable.
const FONTS = ['400Regular', '500Medium', '700Bold'].map((weight) => join(FONT_FOLDER, weight));
/**
 * Fonts of scripts besides Han: Tibetan, Uyghur and other Arabic, Mongolian, Yi. The templates name them behind Noto
 * Serif SC, so each character has the first font that has it.
 */
const SCRIPT_FONTS = [
  { folder: folderOf('noto-serif-tibetan'), file: '400Regular/NotoSerifTibetan_400Regular.ttf' },
  { folder: folderOf('noto-naskh-arabic'), file: '400Regular/NotoNaskhArabic_400Regular.ttf' },
  { folder: folderOf('noto-sans-mongolian'), file: '400Regular/NotoSansMongolian_400Regular.ttf' },
  { folder: folderOf('noto-sans-yi'), file: '400Regular/NotoSansYi_400Regular.ttf' },
].map(({ folder, file }) => join(folder, file));
/** Number of compilations after which the compiler evicts unused cache entries. */
const CACHE_AGE_COMPILATIONS = 10;
/**
 * Characters that show nothing or change how others show: controls, direction marks, joiners, private use, unassigned.
 */
const INVISIBLE_CHARACTERS = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const NO_GLYPH_MESSAGE = { start: 'the text `"', end: '"` could not be displayed' };

/** Thrown when a document cannot be rendered. */
export class RenderError extends Error {
  override readonly name: string = 'RenderError';
}

/** Thrown when the text has characters that no font of the document shows. A name must not show an empty box. */
export class UnprintableText extends RenderError {
  override readonly name = 'UnprintableText';
  readonly characters: readonly string[];

  constructor(characters: Iterable<string>) {
    const distinct = [...new Set(characters)];
    const codes = distinct.map((character) => [...character].map(formatCodePoint).join(' '));
    super(`no glyph for ${codes.join(', ')}`);
    this.characters = distinct;
  }
}

/** The input of one document. */
export interface TypesetRequest {
  /** File name of the template in the folder. */
  template: string;
  /** Values that the template reads as `sys.inputs`. Absent: none. */
  inputs?: Readonly<Record<string, string>>;
  /** Texts of the files that the template reads, by file name in the folder. */
  files: Readonly<Record<string, string>>;
  /** Subject of the document, for error messages. */
  name: string;
  /** Creation time in the document's metadata, RFC 3339. */
  createdAt: string;
}

/** A rendered document. */
export interface TypesetDocument {
  pdf: Uint8Array;
  /**
   * Position of the template's `<seal>`, or null if it has none. Pages count from 1. Points from the lower left corner.
   */
  seal: { page: number; x: number; y: number } | null;
}

export type Typesetter = (request: TypesetRequest) => TypesetDocument;

/**
 * Creates a function that renders PDF/A-3b (ISO 19005-3) from the templates of a folder. The compiler may read nothing
 * outside the folder. The same input gives the same bytes in any process. The function throws UnprintableText for a
 * character that the fonts lack, and RenderError if the template cannot render the document.
 */
export function createTypesetter(folder: string): Typesetter {
  let compiler: NodeCompiler | null = null;
  return (request) => {
    compiler ??= NodeCompiler.create({
      workspace: folder,
      fontArgs: [{ fontPaths: [...FONTS, ...SCRIPT_FONTS.map(dirname)] }],
    });
    for (const [name, text] of Object.entries(request.files)) {
      compiler.mapShadow(join(folder, name), Buffer.from(text));
    }
    try {
      return compileDocument(compiler, join(folder, request.template), request);
    } finally {
      compiler.evictCache(CACHE_AGE_COMPILATIONS);
    }
  };
}

function compileDocument(
  compiler: NodeCompiler,
  mainFilePath: string,
  { name, createdAt, inputs = {} }: TypesetRequest,
): TypesetDocument {
  const compilation = compiler.compile({ mainFilePath, inputs });
  const { result } = compilation;
  if (!result) {
    const error = compilation.takeError();
    const details = error === null ? '' : JSON.stringify(compiler.fetchDiagnostics(error)).slice(0, 500);
    throw new RenderError(`the template cannot set ${name}: ${details}`);
  }
  const creationTimestamp = Math.floor(Date.parse(createdAt) / 1000);
  if (!Number.isSafeInteger(creationTimestamp))
    throw new RenderError(`${name} has no valid creation time: ${createdAt}`);
  try {
    const [sealMark] = compiler.query(result, { selector: '<seal>', field: 'value' }) as TypesetDocument['seal'][];
    return { pdf: compiler.pdf(result, { pdfStandard: 'a-3b' as never, creationTimestamp }), seal: sealMark ?? null };
  } catch (error) {
    const details = String(error);
    const missingCharacters = listMissingCharacters(details.replaceAll('\\"', '"'));
    throw missingCharacters.length > 0
      ? new UnprintableText(missingCharacters)
      : new RenderError(details.slice(0, 500));
  }
}

/** Returns the characters that the compiler names as without a glyph. */
function listMissingCharacters(details: string): string[] {
  const [, ...parts] = details.split(NO_GLYPH_MESSAGE.start);
  return parts.flatMap((part) => {
    const end = part.indexOf(NO_GLYPH_MESSAGE.end);
    return end > 0 ? [part.slice(0, end)] : [];
  });
}

/**
 * Throws UnprintableText if any text in `value`, at any depth, has an invisible character. LINE FEED is visible as the
 * end of a line in a document whose texts have the form `LINES`.
 */
export function requireVisible(value: unknown, form: 'LINE' | 'LINES' = 'LINE'): void {
  const invisible = collectTexts(value).flatMap((text) => listInvisible(text, form));
  if (invisible.length > 0) throw new UnprintableText(invisible);
}

/** Throws UnprintableText if any text in `value` has a character that is invisible or that no font has. */
export function requirePrintable(value: unknown, form: 'LINE' | 'LINES' = 'LINE'): void {
  requireVisible(value, form);
  const letters = new Set(collectTexts(value).join('').replaceAll('\n', ''));
  const missingCharacters = [...letters].filter((letter) => !hasGlyph(letter));
  if (missingCharacters.length > 0) throw new UnprintableText(missingCharacters);
}

/**
 * Returns why a document cannot show a text, naming the first such character: `第3字“𠮷”（U+20BB7）字库没有，无法打印`.
 * Returns null if it can. A Han letter can be described instead: `listDescribed`.
 */
export function findUnprintable(text: string, form: 'LINE' | 'LINES' = 'LINE'): string | null {
  const [invisible] = listInvisible(text, form);
  const letter = invisible ?? [...text].find((candidate) => candidate !== '\n' && !hasGlyph(candidate));
  if (letter === undefined) return null;
  const position = [...text].indexOf(letter) + 1;
  const reason = invisible === undefined ? '字库没有' : '看不见';
  // A character that turns the writing direction must not do so in the refusal.
  const shown = invisible === undefined ? `“${letter}”` : '';
  const isDescribable = invisible === undefined && /\p{Script=Han}/u.test(letter);
  const way = isDescribable ? `，可写明字形，如〔⿰口丨 ${formatCodePoint(letter)}〕` : '';
  return `第${position}字${shown}（${formatCodePoint(letter)}）${reason}，无法打印${way}`;
}

/** Returns what is wrong with the letters that a text describes, or null. A letter that prints is not described. */
function findMisdescribed(text: string): string | null {
  for (const { description, letter } of listDescribed(text)) {
    if (letter === null) return `${description}不是字形描述，应如〔⿰口丨 U+20B9F〕`;
    if (hasGlyph(letter)) return `${description}请直接写“${letter}”`;
  }
  return null;
}

/** Where a text was entered: the field of the input, the words for it, and its form (`LINE` if absent). */
export interface TextPlace {
  field: string | null;
  label?: string;
  form?: 'LINE' | 'LINES';
}

/**
 * Refuses FIELD_MALFORMED for a text that a document could not show, and for a letter that it describes wrongly
 * (`listDescribed`). It is asked where somebody enters the text.
 */
export function requirePrintableText(text: string, { field, label = '', form }: TextPlace): void {
  const problem = findUnprintable(text, form) ?? findMisdescribed(text);
  if (problem !== null) throw new Refusal('FIELD_MALFORMED', field, `${label}${problem}`);
}

function listInvisible(text: string, form: 'LINE' | 'LINES'): string[] {
  const invisible: string[] = text.match(INVISIBLE_CHARACTERS) ?? [];
  return form === 'LINE' ? invisible : invisible.filter((character) => character !== '\n');
}

function hasGlyph(letter: string): boolean {
  const has = (font: Font) => font.charToGlyphIndex(letter) !== 0;
  return has(loadBoldFont()) || loadScriptFonts().some(has);
}

let cachedBoldFont: Font | null = null;
let cachedScriptFonts: readonly Font[] | null = null;

/** Returns the bold font of documents. The other weights have the same characters. */
export function loadBoldFont(): Font {
  cachedBoldFont ??= loadFont(join(FONT_FOLDER, '700Bold/NotoSerifSC_700Bold.ttf'));
  return cachedBoldFont;
}

function loadScriptFonts(): readonly Font[] {
  cachedScriptFonts ??= SCRIPT_FONTS.map(loadFont);
  return cachedScriptFonts;
}

function loadFont(path: string): Font {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  return opentype.parse(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}

/** Returns every text in a value, at any depth. */
export function collectTexts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(collectTexts) : [];
}
