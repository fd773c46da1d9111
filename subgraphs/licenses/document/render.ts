import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import { renderSVG } from 'uqr';
import { canonical } from '../../kernel/events.ts';
import type { LicenseRecord } from '../record.ts';

/** The template's folder; the compiler may read nothing outside it. */
const HERE = dirname(fileURLToPath(import.meta.url));
const FONT_FOLDER = dirname(createRequire(import.meta.url).resolve('@expo-google-fonts/noto-serif-sc/package.json'));
// The compiler also knows the machine's fonts; of two with one name it takes the one named here, so bytes do not differ.
const FONTS = ['400Regular', '500Medium', '700Bold'].map((weight) => join(FONT_FOLDER, weight));
/** Compilations after which the compiler forgets what it has not used since. */
const CACHE_AGE = 10;
/** Characters that say one thing and show another, or nothing: controls, direction marks, joiners, private use, unassigned. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** Longest address in the QR code: beyond it the modules get too small to scan at 32 mm. */
const ADDRESS_LENGTH = 300;
const NO_GLYPH = /the text `"(.+?)"` could not be displayed/gu;

/** A license cannot be set. */
export class RenderError extends Error {
  override readonly name: string = 'RenderError';
}

/** The record holds characters that no font of the document shows; a license never has an empty box in a name. */
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

let compiler: NodeCompiler | null = null;

/**
 * Renders the document of a license version: PDF/A-3b (ISO 19005-3) with the record attached as `metadata.json` and a QR
 * code that leads to `record.KZ_HYDZ`. The same record gives the same bytes, in any process. Throws UnprintableText for a
 * character that the fonts lack or that shows nothing, RenderError where the template cannot set the record.
 */
export function renderLicense(record: LicenseRecord): Uint8Array {
  const text = canonical(record);
  const invisible = textsOf(record).flatMap((said) => said.match(INVISIBLE) ?? []);
  if (invisible.length > 0) throw new UnprintableText(invisible);
  if (record.KZ_HYDZ.length > ADDRESS_LENGTH) throw new RenderError(`KZ_HYDZ is longer than ${ADDRESS_LENGTH}`);
  compiler ??= NodeCompiler.create({ workspace: HERE, fontArgs: [{ fontPaths: FONTS }] });
  compiler.mapShadow(join(HERE, 'record.json'), Buffer.from(text));
  compiler.mapShadow(join(HERE, 'metadata.json'), Buffer.from(text));
  compiler.mapShadow(join(HERE, 'qr.svg'), Buffer.from(renderSVG(record.KZ_HYDZ, { ecc: 'M', border: 1 })));
  try {
    return compile(compiler, record);
  } finally {
    compiler.evictCache(CACHE_AGE);
  }
}

function compile(by: NodeCompiler, record: LicenseRecord): Uint8Array {
  const compiled = by.compile({ mainFilePath: join(HERE, 'license.typ') });
  const { result } = compiled;
  if (!result) {
    const error = compiled.takeError();
    const told = error === null ? '' : JSON.stringify(by.fetchDiagnostics(error)).slice(0, 500);
    throw new RenderError(`the template cannot set ${record.ZZBS}: ${told}`);
  }
  const creationTimestamp = Math.floor(Date.parse(record.ZZQZSJ) / 1000);
  if (!Number.isSafeInteger(creationTimestamp)) throw new RenderError(`ZZQZSJ is no time: ${record.ZZQZSJ}`);
  try {
    return by.pdf(result, { pdfStandard: 'a-3b' as never, creationTimestamp });
  } catch (error) {
    const told = String(error);
    const missing = [...told.replaceAll('\\"', '"').matchAll(NO_GLYPH)].map((match) => match[1] ?? '');
    throw missing.length > 0 ? new UnprintableText(missing) : new RenderError(told.slice(0, 500));
  }
}

/** Every text within a value, however deep. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
