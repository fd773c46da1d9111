import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTypesetter, requireVisible, textsOf, UnprintableText } from '../../kernel/document.ts';
import { canonical } from '../../kernel/events.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { NoticeContent } from './notice.ts';

const typeset = createTypesetter(dirname(fileURLToPath(import.meta.url)));

/**
 * Renders a notice: PDF/A-3b (ISO 19005-3) with its content attached as `notice.json`. The same content gives the same bytes, in
 * any process. Throws UnprintableText, RenderError.
 */
export function renderNotice(content: NoticeContent): Uint8Array {
  requireVisible(content);
  const text = canonical(content);
  return typeset({
    template: 'notice.typ',
    files: { 'content.json': text, 'notice.json': text },
    name: content.number,
    createdAt: content.issuedAt,
  });
}

/** When a sheet that only proves letters says it was made; nobody ever sees it. */
const NO_TIME = '1970-01-01T00:00:00Z';

/** Refuses FIELD_MALFORMED where any text within `value` could not be printed: a rare character, or one that shows nothing. */
export function requirePrintable(value: unknown, field: string | null): void {
  try {
    requireVisible(value);
    const letters = JSON.stringify(textsOf(value));
    typeset({ template: 'letters.typ', files: { 'letters.json': letters }, name: 'letters', createdAt: NO_TIME });
  } catch (error) {
    if (!(error instanceof UnprintableText)) throw error;
    throw new Refusal('FIELD_MALFORMED', field, '含有字库没有的字，无法制作文书');
  }
}
