import { readFileSync, writeFileSync } from 'node:fs';
import type { AttachedRecord } from '../subgraphs/licenses/act/record.ts';
import { renderPreview } from '../subgraphs/licenses/document/render.ts';
import { recordForm } from '../subgraphs/licenses/verify/format/attached.ts';

/**
 * `npm run preview -- RECORD.json [OUT.pdf]`: renders a record with the template of its type and a seal that signs
 * nothing. If an element of GB/T 36903 is missing or malformed, the error names it.
 */
try {
  const [path, outputPath = 'preview.pdf'] = process.argv.slice(2);
  if (path === undefined) throw new Error('用法 usage: npm run preview -- RECORD.json [OUT.pdf]');
  const parseResult = recordForm.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parseResult.success) {
    const problems = parseResult.error.issues.map(
      ({ path: at, message }) => `${at.join('.') || '登记数据'}：${message}`,
    );
    throw new Error(problems.join('\n'));
  }
  writeFileSync(outputPath, renderPreview(parseResult.data as unknown as AttachedRecord));
  console.log(outputPath);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
