import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import opentype, { type Font } from 'opentype.js';

/** Setting documents with Typst: the same words give the same bytes, and no character is ever an empty box. */

const FONT_FOLDER = dirname(createRequire(import.meta.url).resolve('@expo-google-fonts/noto-serif-sc/package.json'));
// The compiler also knows the machine's fonts; of two with one name it takes the one named here, so bytes do not differ.
const FONTS = ['400Regular', '500Medium', '700Bold'].map((weight) => join(FONT_FOLDER, weight));
/** Compilations after which the compiler forgets what it has not used since. */
const CACHE_AGE = 10;
/** Characters that say one thing and show another, or nothing: controls, direction marks, joiners, private use, unassigned. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const NO_GLYPH = /the text `"(.+?)"` could not be displayed/gu;

/** A document cannot be set. */
export class RenderError extends Error {
  override readonly name: string = 'RenderError';
}

/** The words hold characters that no font of the document shows; a document never has an empty box in a name. */
export class UnprintableText extends RenderError {
  override readonly name = 'UnprintableText';
  readonly characters: readonly string[];

  constructor(characters: Iterable<string>) {
    const distinct = [...new Set(characters)];
    const codes = distinct.map((one) =>
      [...one].map((c) => `U+${c.codePointAt(0)?.toString(16).toUpperCase()}`).join(' '),
    );
    super(`no glyph for ${codes.join(', ')}`);
    this.characters = distinct;
  }
}

/** What is to be set. */
export interface Setting {
  /** The template, by its name in the folder. */
  template: string;
  /** What the template reads, by name in the folder. */
  files: Readonly<Record<string, string>>;
  /** What the document is of; an error names it. */
  name: string;
  /** When the document was made, as it says of itself: RFC 3339. */
  createdAt: string;
}

/** A document as it was set. */
export interface Typeset {
  pdf: Uint8Array;
  /** Where the template's `<seal>` stands: page from 1, points from the page's lower left corner; null where it has none. */
  seal: { page: number; x: number; y: number } | null;
}

export type Typesetter = (setting: Setting) => Typeset;

/**
 * Sets PDF/A-3b (ISO 19005-3) from the templates of a folder; the compiler may read nothing outside it. The same setting gives
 * the same bytes, in any process. Throws UnprintableText for a character that the fonts lack, RenderError where the template
 * cannot set the document.
 */
export function createTypesetter(folder: string): Typesetter {
  let compiler: NodeCompiler | null = null;
  return (setting) => {
    compiler ??= NodeCompiler.create({ workspace: folder, fontArgs: [{ fontPaths: FONTS }] });
    for (const [name, text] of Object.entries(setting.files)) {
      compiler.mapShadow(join(folder, name), Buffer.from(text));
    }
    try {
      return compile(compiler, join(folder, setting.template), setting);
    } finally {
      compiler.evictCache(CACHE_AGE);
    }
  };
}

function compile(by: NodeCompiler, mainFilePath: string, { name, createdAt }: Setting): Typeset {
  const compiled = by.compile({ mainFilePath });
  const { result } = compiled;
  if (!result) {
    const error = compiled.takeError();
    const told = error === null ? '' : JSON.stringify(by.fetchDiagnostics(error)).slice(0, 500);
    throw new RenderError(`the template cannot set ${name}: ${told}`);
  }
  const creationTimestamp = Math.floor(Date.parse(createdAt) / 1000);
  if (!Number.isSafeInteger(creationTimestamp)) throw new RenderError(`${name} was made at no time: ${createdAt}`);
  try {
    const [mark] = by.query(result, { selector: '<seal>', field: 'value' }) as Typeset['seal'][];
    return { pdf: by.pdf(result, { pdfStandard: 'a-3b' as never, creationTimestamp }), seal: mark ?? null };
  } catch (error) {
    const told = String(error);
    const missing = [...told.replaceAll('\\"', '"').matchAll(NO_GLYPH)].map((match) => match[1] ?? '');
    throw missing.length > 0 ? new UnprintableText(missing) : new RenderError(told.slice(0, 500));
  }
}

/** Throws UnprintableText where any text within `value`, however deep, has a character that shows nothing. */
export function requireVisible(value: unknown): void {
  const invisible = textsOf(value).flatMap((text) => text.match(INVISIBLE) ?? []);
  if (invisible.length > 0) throw new UnprintableText(invisible);
}

/** Throws UnprintableText where any text within `value` has a character that shows nothing, or that no font has. */
export function requirePrintable(value: unknown): void {
  requireVisible(value);
  const letters = new Set(textsOf(value).join(''));
  const missing = [...letters].filter((letter) => boldFont().charToGlyphIndex(letter) === 0);
  if (missing.length > 0) throw new UnprintableText(missing);
}

let bold: Font | null = null;

/** The bold font of documents; the other weights have the same characters. */
export function boldFont(): Font {
  if (!bold) {
    const { buffer, byteOffset, byteLength } = readFileSync(join(FONT_FOLDER, '700Bold/NotoSerifSC_700Bold.ttf'));
    bold = opentype.parse(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
  }
  return bold;
}

/** Every text within a value, however deep. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
