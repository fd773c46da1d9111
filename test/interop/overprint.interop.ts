import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { listSampleRecords } from '../../scripts/preview/samples.ts';
import type { SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import type { Form } from '../../subgraphs/licenses/document/forms.ts';
import { renderLicense, renderOverprint, renderSealable } from '../../subgraphs/licenses/document/render.ts';

/** What is printed onto a pre-printed blank (套打), by poppler: the values, each where the sealed sheet has it. */

const folder = mkdtempSync(join(tmpdir(), 'tongquan-overprint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Word {
  page: number;
  text: string;
  /** Left, top, right, bottom, in points. */
  box: [number, number, number, number];
}
const TOLERANCE_POINTS = 0.3;
const isNear = (one = Number.NaN, other = Number.NaN) => Math.abs(one - other) < TOLERANCE_POINTS;

function run(command: string, pdf: Uint8Array, ...args: string[]): string {
  const path = join(folder, 'x.pdf');
  writeFileSync(path, pdf);
  return execFileSync(command, [...args, path, ...(command === 'pdftotext' ? ['-'] : [])], { encoding: 'utf8' });
}

function readWords(pdf: Uint8Array): Word[] {
  const pages = run('pdftotext', pdf, '-bbox').split('<page ').slice(1);
  return pages.flatMap((page, i) =>
    [...page.matchAll(/<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)<\/word>/g)].map(
      ([, left, top, right, bottom, text = '']): Word => ({
        ...{ page: i + 1, text },
        box: [Number(left), Number(top), Number(right), Number(bottom)],
      }),
    ),
  );
}
const squeeze = (text: string) => text.replaceAll(/\s/g, '');
const textOf = (pdf: Uint8Array, ...args: string[]) => squeeze(run('pdftotext', pdf, '-raw', ...args));
/** Words that the form of every type has, and only the blank bears. */
const FIXED = ['扫码核验', '电子印章', '数字签名', '有效期', '证号', '编号', '（正本）', '监制', '发证机关', '根据《'];

/** Whether the sheet has the word at its place. In the sheet it may be the part of a word that begins with a label. */
const isOnSheet = (word: Word, sheet: readonly Word[]) =>
  sheet.some(({ page, text, box: [left, top, right, bottom] }) => {
    const [wordLeft, wordTop, wordRight, wordBottom] = word.box;
    const isWithin = left - TOLERANCE_POINTS <= wordLeft && wordRight <= right + TOLERANCE_POINTS;
    return (
      page === word.page && text.includes(word.text) && isNear(top, wordTop) && isNear(bottom, wordBottom) && isWithin
    );
  });

const long = (record: SealedRecord) => ({
  ...record,
  KZ_NR: [...record.KZ_NR, { label: '未列项目', text: '长内容'.repeat(60) }],
});
const cases = listSampleRecords().flatMap(([form, record]): [string, Form, SealedRecord][] => [
  ['as it is', form, record],
  ['with a long unknown line', form, long(record)],
  ['on a form of a release', 'general-first', record],
]);

describe.each(cases)('%s: %s', (_, form, record) => {
  const overprint = renderOverprint(record, form);
  const words = readWords(overprint);

  test('each text stands where the sheet has it', () => {
    const sheet = readWords(renderLicense(record, form));
    expect(words.length).toBeGreaterThan(10);
    expect(words.filter((word) => !isOnSheet(word, sheet))).toEqual([]);
  });

  test('every value is there', () => {
    const all = textOf(overprint);
    const dates = [record.ZZBFRQ].map((day) => day.replace(/^(\d+)-0?(\d+)-0?(\d+)$/, '$1年$2月$3日'));
    const values = [record.ZZBH, record.CZZT, record.CZZTDM, record.ZZBFJG, ...dates];
    for (const value of values) expect(all).toContain(squeeze(value));
    for (const { text } of record.KZ_NR.filter(({ text }) => text.length < 12 && !/[-；]/.test(text))) {
      expect(all).toContain(squeeze(text));
    }
  });

  test('no fixed text is on the blank, and no label of a line that has a place on it', () => {
    const first = textOf(overprint, '-l', '1');
    const values = record.KZ_NR.map(({ text }) => text).join();
    for (const fixed of [...FIXED, record.ZZMC].filter((one) => !values.includes(one)))
      expect([fixed, first.includes(fixed)]).toEqual([fixed, false]);
    const sheet = textOf(renderLicense(record, form));
    expect(sheet).toContain('扫码核验');
    const labels = record.KZ_NR.map(({ label }) => label).filter((label) => label !== '未列项目');
    for (const label of labels.filter((one) => !values.includes(one)))
      expect([label, first.includes(label)]).toEqual([label, false]);
  });

  test('it is no license: it says so, has no record, and no seal', () => {
    const info = run('pdfinfo', overprint);
    expect(info).toContain('套打打印件（不是证照）');
    expect(info).toContain('printing aid, no license');
    expect(run('pdfdetach', overprint, '-list')).toContain('0 embedded files');
    expect(run('pdfdetach', renderSealable(record, null, form), '-list')).toContain('1 embedded files');
    expect(Buffer.from(overprint).includes('/AcroForm')).toBe(false);
  });
});

test('a line that has no place on the form is printed with its label', () => {
  const [[, record] = []] = listSampleRecords().filter(([form]) => form === 'medicine');
  if (!record) throw new Error('no sample');
  expect(textOf(renderOverprint(long(record)), '-l', '1')).toContain('未列项目');
});
