import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { listSampleRecords } from '../../scripts/preview/samples.ts';
import { POINTS_PER_MM, SEAL_DIAMETER_POINTS } from '../../subgraphs/kernel/pdf/seal-image.ts';
import type { SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import type { Form } from '../../subgraphs/licenses/document/forms.ts';
import { renderLicense, renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { listRareCharacters } from '../support/odd-text.ts';

/** Where texts of each form stand, by poppler: all on the pages, none on the seal, the QR code or another text. */

const folder = mkdtempSync(join(tmpdir(), 'tongquan-sheets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Word {
  text: string;
  page: number;
  x: number;
  y: number;
  right: number;
  bottom: number;
}
type Area = Omit<Word, 'text'>;

/** The inner edge of the border. */
const FRAME_MM = 16;
const MAX_LINES = 20;
const CODE_POINTS = 38 * POINTS_PER_MM;
const CODE_WORDS = '扫码核验与查询状态';
/** Words of two neighbours may touch by so much: a box is as high as the font, not as its letters. */
const TOUCH_POINTS = 1;

/** Draws a form and returns its words with their places, the page size, and all of its text without blanks. */
function draw(record: SealedRecord) {
  const path = join(folder, 'sheet.pdf');
  writeFileSync(path, renderLicense(record));
  const run = (...args: string[]) => execFileSync('pdftotext', [...args, path, '-'], { encoding: 'utf8' });
  const pages = run('-bbox').split('<page ').slice(1);
  const words = pages.flatMap((page, index) =>
    [...page.matchAll(/<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)<\/word>/g)].map(
      ([, x, y, right, bottom, text]): Word => ({
        ...{ text: unescapeXml(text ?? ''), page: index + 1 },
        ...{ x: Number(x), y: Number(y), right: Number(right), bottom: Number(bottom) },
      }),
    ),
  );
  const [, width = '', height = ''] = /width="(.*?)" height="(.*?)"/.exec(pages[0] ?? '') ?? [];
  return { words, width: Number(width), height: Number(height), pages: pages.length };
}

function unescapeXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

/** Returns the square of the seal's picture, from the annotation of the sealable file. */
function findSeal(record: SealedRecord, pageHeight: number): Area {
  const file = Buffer.from(renderSealable(record)).toString('latin1');
  const [, ...corners] =
    /\/Rect \[([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)\]/.exec(file.slice(file.lastIndexOf('/Rect ['))) ?? [];
  const [x = 0, low = 0, right = 0, high = 0] = corners.map(Number);
  expect(right - x).toBeCloseTo(SEAL_DIAMETER_POINTS, 0);
  return { page: 0, x, right, y: pageHeight - high, bottom: pageHeight - low };
}

const overlap = (a: Area, b: Area, by = TOUCH_POINTS) =>
  Math.min(a.right, b.right) - Math.max(a.x, b.x) > by && Math.min(a.bottom, b.bottom) - Math.max(a.y, b.y) > by;

/** Returns the square of the QR code, which stands over its words. */
function findCode(words: readonly Word[]): Area {
  const below = words.find(({ text }) => text === CODE_WORDS);
  if (!below) throw new Error('no words under the QR code');
  const middle = (below.x + below.right) / 2;
  return {
    page: below.page,
    ...{ x: middle - CODE_POINTS / 2, right: middle + CODE_POINTS / 2 },
    ...{ y: below.y - CODE_POINTS, bottom: below.y },
  };
}

/** Whether a word belongs to what a seal is put over: issuer and day. */
function isSealed(text: string, { ZZBFJG }: SealedRecord): boolean {
  return ZZBFJG.includes(text) || /^(发证|登记|备案|签发)(机关|部门|机构|日期)|^[年月日\d]+$/.test(text);
}

function listOverlaps(words: readonly Word[]): string[] {
  return words.flatMap((a, i) =>
    words.slice(i + 1).flatMap((b) => (a.page === b.page && overlap(a, b) ? [`${a.text} ${b.text}`] : [])),
  );
}

/** Returns what the pages must show of a record. A form prints the holder once where a line names the holder too. */
function listPrinted(record: SealedRecord): string[] {
  const { ZZMC, ZZBH, ZZBS, ZZBFJG, CZZT, CZZTDM, ZZQZMC, KZ_NR } = record;
  const holder = KZ_NR.some(({ text }) => text.includes(CZZT)) ? [] : [CZZT];
  return [
    ...[ZZMC, ZZBH, ZZBS, ZZBFJG, CZZTDM, ZZQZMC, ...holder],
    ...KZ_NR.flatMap(({ label, text }) => [label, text]),
  ];
}

/** Lists the characters that a record has more often than its pages. */
function listMissing(expected: readonly string[], words: readonly Word[]): string[] {
  const left = new Map<string, number>();
  for (const letter of words.flatMap(({ text }) => [...text])) left.set(letter, (left.get(letter) ?? 0) + 1);
  return [...expected.join('').replaceAll(/\s/g, '')].filter((letter) => {
    const count = left.get(letter) ?? 0;
    left.set(letter, count - 1);
    return count <= 0;
  });
}

function checkPlaces(record: SealedRecord, expected = listPrinted(record)): number {
  const { words, width, height, pages } = draw(record);
  const code = findCode(words);
  const seal = { ...findSeal(record, height), page: code.page };
  const border = FRAME_MM * POINTS_PER_MM;
  const isOutside = ({ x, y, right, bottom }: Word) =>
    x < border || y < border || right > width - border || bottom > height - border;
  const covered = (area: Area) => words.filter((word) => word.page === area.page && overlap(word, area));
  expect(words.filter(isOutside)).toEqual([]);
  expect(listMissing(expected, words)).toEqual([]);
  expect(listOverlaps(words)).toEqual([]);
  expect(covered(code)).toEqual([]);
  expect(overlap(code, seal)).toBe(false);
  expect(covered(seal).filter(({ text }) => !isSealed(text, record))).toEqual([]);
  return pages;
}

const RARE = listRareCharacters();
const longText = (i: number) =>
  `${i}`.concat(Array.from({ length: 490 }, (_, k) => LETTERS[(k * 7 + i) % LETTERS.length]).join(''));
const LETTERS = [...'于都县贡江镇示范路一号经营场所，（）、许可范围用途'];
/** The released general form has room for 40 characters in the header of its further pages. */
const longNames = (form: Form) => ({
  ...{ ZZMC: '证'.repeat(form === 'general' ? 20 : 60), ZZBH: '编'.repeat(form === 'general' ? 20 : 60) },
  ...{ ZZBFJG: '局'.repeat(60), ZZQZMC: '章'.repeat(80), CZZT: '于都示范'.repeat(30) },
});

describe.each(listSampleRecords())('the form %s', (form, record) => {
  const labels = record.KZ_NR.map(({ label }) => label);
  const others = Array.from({ length: MAX_LINES }, (_, i) => `其他第${i + 1}项`);
  const withLines = (lines: readonly string[], text: (i: number) => string, changes: Partial<SealedRecord> = {}) => ({
    ...{ ...record, ...changes },
    KZ_NR: lines.slice(0, MAX_LINES).map((label, i) => ({ label, text: text(i) })),
  });

  test('shows a sample', () => {
    const printed = listPrinted(record).map((text) =>
      /[；;].*[；;]/.test(text) ? text.replaceAll(/[，；]/g, '') : text,
    );
    expect(checkPlaces(record, printed)).toBe(form === 'real-estate' ? 2 : 1);
  });
  test('leaves the place of a missing line empty', () => {
    expect(checkPlaces({ ...record, KZ_NR: [] })).toBe(form === 'real-estate' ? 2 : 1);
  });
  test('prints lines that it does not know, with every name as long as can be', () => {
    checkPlaces(withLines([...labels, ...others], (i) => `内容${i}`, longNames(form)));
  });
  test('continues 20 lines of 500 characters on further pages', () => {
    expect(checkPlaces(withLines([...labels, ...others], longText))).toBeGreaterThan(5);
    expect(checkPlaces(withLines([...others, ...labels], longText, longNames(form)))).toBeGreaterThan(5);
  });
  test('prints rare characters, and words without an end', () => {
    const rare = (i: number) => RARE.slice(i * 40, i * 40 + 40).join('');
    checkPlaces(withLines([...labels, ...others], rare));
    checkPlaces(withLines([...labels, '备'.repeat(20)], (i) => `${i}`.repeat(400)));
  });
});
