import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listSampleRecords } from '../../scripts/preview/samples.ts';
import { readLicenseTypes, readMatters } from '../../seeds/load.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { FORMS, FORMS_BY_TYPE, type Form, listForms } from '../../subgraphs/licenses/document/forms.ts';
import { renderLicense, renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { sampleRecord } from '../support/record.ts';

/**
 * SHA-256 of the sample record on each form of a release. Sheets on it exist: `npm run rerender` must find the same
 * bytes. A form that is new since the last release may change until it is released, and is then added here.
 */
const RELEASED: Partial<Record<Form, string>> = {
  'general-first': 'cdc9eaea7d35ad6aa3b6b27aa14337015902c6fc17e42bb25e502d418580720d',
  'medical-device-first': 'fe87fcb0aa5d64da23958301720f98b311e10afe8e1527d12799495a1ddf9f9d',
};

describe('the table of forms', () => {
  test('names every template, and only templates', () => {
    const files = readdirSync(new URL('../../subgraphs/licenses/document/templates', import.meta.url));
    const shared = ['fit.typ', 'form.typ', 'sheet.typ'];
    expect(files.filter((name) => !shared.includes(name)).sort()).toEqual(FORMS.map((form) => `${form}.typ`).sort());
  });

  test('uses every form, and names types of the plan', () => {
    const used = new Set(['general', 'general-first', ...[...FORMS_BY_TYPE.values()].flat()]);
    expect(FORMS.filter((form) => !used.has(form))).toEqual([]);
    const types = readMatters().map(({ outcome }) => outcome.licenseType);
    expect([...FORMS_BY_TYPE.keys()].filter((type) => !types.includes(type))).toEqual([]);
    expect(listForms('no such type')).toEqual(['general', 'general-first']);
  });

  test('says what the shipped license types say', () => {
    const forms = readLicenseTypes().map(({ code }) => [code, listForms(code)[0]]);
    expect(readLicenseTypes().map(({ code, template }) => [code, template])).toEqual(forms);
  });

  test.each(Object.entries(RELEASED))('keeps the bytes of the released form %s', (form, digest) => {
    expect(sha256(renderLicense(recordOn(form as Form), form as Form))).toBe(digest);
  });
});

/** The sample record, as the release printed it on a form. */
function recordOn(form: Form) {
  return { ...sampleRecord, ...(form === 'general-first' ? {} : { ZZLXDM: '11000000000090018B033' }) };
}

describe.each(listSampleRecords())('the form %s', (form, record) => {
  test('gives the same bytes again, and a place for the seal on a page', () => {
    expect(Buffer.from(renderLicense(record)).equals(Buffer.from(renderLicense(record, form)))).toBe(true);
    const file = Buffer.from(renderSealable(record)).toString('latin1');
    const [, ...corners] =
      /\/Rect \[([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)\]/.exec(file.slice(file.lastIndexOf('/Rect ['))) ?? [];
    const [, width, height] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(file) ?? [];
    const [x = 0, y = 0, right = 0, top = 0] = corners.map(Number);
    expect(x > 0 && y > 0 && right < Number(width) && top < Number(height)).toBe(true);
    // Landscape and portrait: the seal is in the lower half of its page.
    expect(y).toBeLessThan(Number(height) / 2);
  });

  test('keeps the seal on the first page, however long its lines are', () => {
    const numbers = Array.from({ length: 14 }, (_, i) => `${i + 1},${2890000.123 + i},${38567890.456 + i}`).join('；');
    const long = [numbers, '内容'.repeat(120), '2026-11-29'].map((text, i) => ({ label: `未知项${i}`, text }));
    const many = Array.from({ length: 20 - record.KZ_NR.length }, (_, i) => ({
      label: `未知项${i}`,
      text: '内容'.repeat(90),
    }));
    const pagesOf = (extra: typeof long) => {
      const file = Buffer.from(renderSealable({ ...record, KZ_NR: [...record.KZ_NR, ...extra] })).toString('latin1');
      const pages = new Set([...file.matchAll(/(\d+) 0 obj\s*<<\s*\/Type \/Page\s/g)].map(([, id]) => id));
      return { first: [...pages][0], count: pages.size, sealed: /\/T \(Seal\)[\s\S]*?\/P (\d+) 0 R/.exec(file)?.[1] };
    };
    for (const extra of [[], long, many]) {
      const { first, sealed } = pagesOf(extra);
      expect(sealed).toBe(first);
    }
    // 不动产权证书 is a booklet: its second opening has notes and map.
    expect(pagesOf([]).count).toBe(form === 'real-estate' ? 2 : 1);
    expect(pagesOf(many).count).toBeGreaterThan(1);
  });

  test('declares PDF/A-3b and prints a record without lines, and one with unknown lines', () => {
    const KZ_NR = Array.from({ length: 20 }, (_, i) => ({ label: `未知项${i}`, text: '内容'.repeat(250) }));
    for (const changes of [{}, { KZ_NR: [] }, { KZ_NR }, { CZZTDMLX: '111' as const, CZZTDM: '11010519491231002X' }]) {
      const text = Buffer.from(renderLicense({ ...record, ...changes })).toString('latin1');
      expect(text).toContain('<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>');
      expect(text).toContain('/StructTreeRoot');
    }
  });
});
