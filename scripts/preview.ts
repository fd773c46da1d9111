import { readFileSync, writeFileSync } from 'node:fs';
import { renderPreview } from '../subgraphs/licenses/document/render.ts';
import type { AttachedRecord } from '../subgraphs/licenses/record.ts';
import { recordForm } from '../subgraphs/licenses/verify/attached.ts';

/**
 * `npm run preview -- RECORD.json [OUT.pdf]`: sets a record by the template of its type, with a seal that signs nothing. A record that lacks
 * an element of GB/T 36903, or has it in another form, is named with that element.
 */
try {
  const [path, out = 'preview.pdf'] = process.argv.slice(2);
  if (path === undefined) throw new Error('用法 usage: npm run preview -- RECORD.json [OUT.pdf]');
  const read = recordForm.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!read.success) {
    const named = read.error.issues.map(({ path: at, message }) => `${at.join('.') || '登记数据'}：${message}`);
    throw new Error(named.join('\n'));
  }
  writeFileSync(out, renderPreview(read.data as unknown as AttachedRecord));
  console.log(out);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
