import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createTypesetter,
  RenderError,
  requirePrintable as requireLetters,
  requireVisible,
  type TypesetDocument,
  UnprintableText,
} from '../../kernel/document.ts';
import { toCanonicalJson } from '../../kernel/events.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { toSealImage } from '../../kernel/seal-image.ts';
import { drawSeal } from '../../kernel/seal-picture.ts';
import { makeSealable } from '../../kernel/sealed-pdf.ts';
import type { NoticeContent } from './notice.ts';

const typeset = createTypesetter(dirname(fileURLToPath(import.meta.url)));

/**
 * Renders a notice as PDF/A-3b (ISO 19005-3) with its content attached as `notice.json`.
 * The same content gives the same bytes in any process. Throws UnprintableText, RenderError.
 */
export function renderNotice(content: NoticeContent): Uint8Array {
  return typesetContent(content).pdf;
}

/**
 * Renders a decision document, ready for the signature, with the picture of its organ's seal where the template puts
 * it.
 * The picture is `ownPicture`, the office's own PNG, or a drawn one if that is null.
 * Throws UnprintableText, RenderError.
 */
export function renderSealable(content: NoticeContent, ownPicture: Uint8Array | null): Uint8Array {
  const { pdf, seal } = typesetContent(content);
  if (!seal) throw new RenderError(`the template of ${content.number} says nowhere where the seal goes`);
  const { name } = content.organ;
  const picture = ownPicture ? toSealImage(ownPicture) : drawSeal(name, '电子印章');
  const place = { page: seal.page, x: seal.x - picture.width / 2, y: seal.y - picture.height / 2 };
  return makeSealable(pdf, { name, at: new Date(content.issuedAt), picture, place });
}

function typesetContent(content: NoticeContent): TypesetDocument {
  requireVisible(content);
  const text = toCanonicalJson(content);
  return typeset({
    template: 'notice.typ',
    files: { 'content.json': text, 'notice.json': text },
    name: content.number,
    createdAt: content.issuedAt,
  });
}

/** Refuses FIELD_MALFORMED if any text in `value` cannot be printed: a rare character, or an invisible one. */
export function requirePrintable(value: unknown, field: string | null): void {
  try {
    requireLetters(value);
  } catch (error) {
    if (!(error instanceof UnprintableText)) throw error;
    throw new Refusal('FIELD_MALFORMED', field, '含有字库没有的字，无法制作文书');
  }
}
