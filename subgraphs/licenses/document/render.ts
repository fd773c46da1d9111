import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import { renderSVG } from 'uqr';
import { canonical } from '../../kernel/events.ts';
import type { LicenseRecord } from '../record.ts';

const TEMPLATE = readFileSync(new URL('license.typ', import.meta.url), 'utf8');
const FONT_FOLDER = dirname(createRequire(import.meta.url).resolve('@expo-google-fonts/noto-serif-sc/package.json'));
const FONTS = ['400Regular', '500Medium', '700Bold'].map((weight) => join(FONT_FOLDER, weight));
/** Compilations after which the compiler forgets what it has not used since. */
const CACHE_AGE = 10;

let compiler: NodeCompiler | null = null;

/**
 * Renders the document of a license version: PDF/A-3b (ISO 19005-3) with the record attached as `metadata.json` and a QR
 * code that leads to `record.KZ_HYDZ`. The same record gives the same bytes, in any process. Throws where the template
 * cannot set the record, and where a character is in none of the fonts: a license never shows an empty box for a name.
 */
export function renderLicense(record: LicenseRecord): Uint8Array {
  compiler ??= NodeCompiler.create({ workspace: '/', fontArgs: [{ fontPaths: FONTS }] });
  const text = Buffer.from(canonical(record));
  compiler.mapShadow('/record.json', text);
  compiler.mapShadow('/metadata.json', text);
  compiler.mapShadow('/qr.svg', Buffer.from(renderSVG(record.KZ_HYDZ, { ecc: 'M', border: 1 })));
  compiler.addSource('/license.typ', TEMPLATE);
  const compiled = compiler.compile({ mainFilePath: '/license.typ' });
  const { result } = compiled;
  if (!result) throw new Error(`the template cannot set ${record.ZZBS}: ${tell(compiler, compiled.takeError())}`);
  const pdf = compiler.pdf(result, {
    pdfStandard: 'a-3b' as never,
    creationTimestamp: Date.parse(record.ZZQZSJ) / 1000,
  });
  compiler.evictCache(CACHE_AGE);
  return pdf;
}

function tell(by: NodeCompiler, error: Parameters<NodeCompiler['fetchDiagnostics']>[0] | null): string {
  return error === null ? 'no reason given' : JSON.stringify(by.fetchDiagnostics(error)).slice(0, 500);
}
