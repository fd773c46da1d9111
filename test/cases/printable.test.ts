import { describe, expect, test } from 'vitest';
import { composeNotice } from '../../subgraphs/cases/notice/notice.ts';
import { renderNotice } from '../../subgraphs/cases/notice/render.ts';
import { findUnprintable } from '../../subgraphs/kernel/pdf/document.ts';
import { drawSeal } from '../../subgraphs/kernel/pdf/seal-picture.ts';
import { findTextProblem } from '../../subgraphs/kernel/text.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { buildNoticeCase, COUNTY_ORGAN } from '../support/notice.ts';
import { sampleRecord } from '../support/record.ts';

/** What is accepted at entry prints, and what is refused is named: for every character of Unicode. */

const MAX_CODE_POINT = 0x10ffff;
/** Characters of one document. */
const BATCH_CHARS = 480;

const characters = Array.from({ length: MAX_CODE_POINT + 1 }, (_, code) => String.fromCodePoint(code));
const accepted = characters.filter((character) => findUnprintable(character, 'LINES') === null);

const renderNote = (note: string) =>
  renderNotice(
    composeNotice(
      'REFUSAL',
      buildNoticeCase(),
      { at: new Date('2026-11-22T16:30:00Z'), note, finding: null },
      { organ: COUNTY_ORGAN, number: '1' },
    ),
  );

function batchesOf(texts: readonly string[]): string[] {
  const count = Math.ceil(texts.length / BATCH_CHARS);
  return Array.from({ length: count }, (_, i) => texts.slice(i * BATCH_CHARS, (i + 1) * BATCH_CHARS).join(''));
}

describe('every character of Unicode', () => {
  test('that is accepted at entry follows the rule for text', () => {
    expect(accepted.length).toBeGreaterThan(20_000);
    const rule = { form: 'LINES', maxChars: 10 } as const;
    expect(accepted.filter((character) => findTextProblem(character, rule) !== null)).toEqual([]);
  });

  test.each(batchesOf(accepted))('that is accepted prints on a notice, batch %#', (note) => {
    expect(() => renderNote(note)).not.toThrow();
  });

  test.each(batchesOf(accepted.filter((character) => character !== '\n')))(
    'that is accepted prints on a license, batch %#',
    (text) => {
      expect(() => renderLicense({ ...sampleRecord, KZ_NR: [{ label: '许可范围', text }] })).not.toThrow();
    },
  );

  test('that is accepted prints with every other in a row of its own', () => {
    // A mark that combines with the letter before it, and a letter alone.
    const mixed = ['A\u0301', '阿依·古丽', '·', '-', '\n', '（一）', '①', '〇'].filter(
      (text) => findUnprintable(text, 'LINES') === null,
    );
    expect(mixed).toContain('阿依·古丽');
    expect(() => renderNote(mixed.join('甲'))).not.toThrow();
    expect(() => drawSeal('阿依·古丽', '电子印章')).not.toThrow();
  });

  test('that is refused is named with its position', () => {
    const refused = characters
      .filter((_, code) => code % 997 === 0)
      .filter((character) => !accepted.includes(character));
    expect(refused.length).toBeGreaterThan(500);
    for (const character of [...refused, '\u0000', '\u200b', '\u202e', '𠮷', '\ud800', '\ufeff', '😀']) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      expect(findUnprintable(`甲𬱖${character}`)).toMatch(
        new RegExp(`^第3字.*（U\\+${code}）(看不见，无法打印|字库没有，无法打印(，可写明字形，.*${code}〕)?)$`, 'u'),
      );
    }
  });
});
