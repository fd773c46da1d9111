import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttachedRecord } from '../../subgraphs/licenses/act/record.ts';
import { renderPreview } from '../../subgraphs/licenses/document/render.ts';
import { recordForm } from '../../subgraphs/licenses/verify/content/attached.ts';
import { listSampleRecords } from './samples.ts';

/**
 * `npm run preview`: draws a sample of every form into the folder `preview`.
 * `npm run preview -- RECORD.json [OUT.pdf]`: renders a record with the form of its type and a seal that signs nothing.
 * If an element of GB/T 36903 is missing or malformed, the error names it.
 */
const SAMPLE_FOLDER = 'preview';

function previewSamples(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [form, record] of listSampleRecords()) {
    const path = join(folder, `${form}.pdf`);
    writeFileSync(path, renderPreview(record));
    console.log(`${path}  ${record.ZZMC}`);
  }
}

function previewRecord(path: string, outputPath: string): void {
  const parseResult = recordForm.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parseResult.success) {
    const problems = parseResult.error.issues.map(
      ({ path: at, message }) => `${at.join('.') || '登记数据'}：${message}`,
    );
    throw new Error(problems.join('\n'));
  }
  writeFileSync(outputPath, renderPreview(parseResult.data as unknown as AttachedRecord));
  console.log(outputPath);
}

try {
  const [path, outputPath = 'preview.pdf'] = process.argv.slice(2);
  if (path === undefined) previewSamples(SAMPLE_FOLDER);
  else previewRecord(path, outputPath);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
