import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import opentype, { type Font } from 'opentype.js';

/** Renders documents with Typst. The same input gives the same bytes, and no character is rendered as an empty box. */

const FONT_FOLDER = dirname(createRequire(import.meta.url).resolve('@expo-google-fonts/noto-serif-sc/package.json'));
// The compiler also knows the machine's fonts. Of two fonts with one name it takes the one from here, so bytes are stable.
const FONTS = ['400Regular', '500Medium', '700Bold'].map((weight) => join(FONT_FOLDER, weight));
/** Number of compilations after which the compiler evicts unused cache entries. */
const CACHE_AGE_COMPILATIONS = 10;
/**
 * Characters that show nothing or change how others show: controls, direction marks, joiners, private use, unassigned.
 */
const INVISIBLE_CHARACTERS = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const NO_GLYPH_MESSAGE = /the text `"(.+?)"` could not be displayed/gu;

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
    const codes = distinct.map((character) =>
      [...character].map((c) => `U+${c.codePointAt(0)?.toString(16).toUpperCase()}`).join(' '),
    );
    super(`no glyph for ${codes.join(', ')}`);
    this.characters = distinct;
  }
}

/** The input of one document. */
export interface TypesetRequest {
  /** File name of the template in the folder. */
  template: string;
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
  /** Position of the template's `<seal>`, or null if it has none. Pages count from 1. Points from the lower left corner. */
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
    compiler ??= NodeCompiler.create({ workspace: folder, fontArgs: [{ fontPaths: FONTS }] });
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
  { name, createdAt }: TypesetRequest,
): TypesetDocument {
  const compilation = compiler.compile({ mainFilePath });
  const { result } = compilation;
  if (!result) {
    const error = compilation.takeError();
    const details = error === null ? '' : JSON.stringify(compiler.fetchDiagnostics(error)).slice(0, 500);
    throw new RenderError(`the template cannot set ${name}: ${details}`);
  }
  const creationTimestamp = Math.floor(Date.parse(createdAt) / 1000);
  if (!Number.isSafeInteger(creationTimestamp)) throw new RenderError(`${name} was made at no time: ${createdAt}`);
  try {
    const [sealMark] = compiler.query(result, { selector: '<seal>', field: 'value' }) as TypesetDocument['seal'][];
    return { pdf: compiler.pdf(result, { pdfStandard: 'a-3b' as never, creationTimestamp }), seal: sealMark ?? null };
  } catch (error) {
    const details = String(error);
    const missingCharacters = [...details.replaceAll('\\"', '"').matchAll(NO_GLYPH_MESSAGE)].map(
      (match) => match[1] ?? '',
    );
    throw missingCharacters.length > 0
      ? new UnprintableText(missingCharacters)
      : new RenderError(details.slice(0, 500));
  }
}

/** Throws UnprintableText if any text in `value`, at any depth, has an invisible character. */
export function requireVisible(value: unknown): void {
  const invisible = collectTexts(value).flatMap((text) => text.match(INVISIBLE_CHARACTERS) ?? []);
  if (invisible.length > 0) throw new UnprintableText(invisible);
}

/** Throws UnprintableText if any text in `value` has a character that is invisible or that no font has. */
export function requirePrintable(value: unknown): void {
  requireVisible(value);
  const letters = new Set(collectTexts(value).join(''));
  const missingCharacters = [...letters].filter((letter) => loadBoldFont().charToGlyphIndex(letter) === 0);
  if (missingCharacters.length > 0) throw new UnprintableText(missingCharacters);
}

let cachedBoldFont: Font | null = null;

/** Returns the bold font of documents. The other weights have the same characters. */
export function loadBoldFont(): Font {
  if (!cachedBoldFont) {
    const { buffer, byteOffset, byteLength } = readFileSync(join(FONT_FOLDER, '700Bold/NotoSerifSC_700Bold.ttf'));
    cachedBoldFont = opentype.parse(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
  }
  return cachedBoldFont;
}

/** Returns every text in a value, at any depth. */
function collectTexts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(collectTexts) : [];
}
