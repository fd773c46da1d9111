import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { listSampleRecords } from '../../scripts/preview/samples.ts';
import { insertSignature, readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { FORMS_BY_TYPE, listForms } from '../../subgraphs/licenses/document/forms.ts';
import { renderLicense, renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { sampleRecord } from '../support/record.ts';
import { buildSealPng } from '../support/seal-png.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongquan-document-'));
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, ...args: string[]) {
  const file = new URL(`../../scripts/${script}.ts`, import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('npm run preview', () => {
  test('renders a record by its template, with the picture of a seal and no signature', () => {
    writeFileSync(path('record.json'), JSON.stringify(sampleRecord));
    expect(run('preview/main', path('record.json'), path('preview.pdf'))).toMatchObject({ status: 0 });
    const { unsigned, name } = readSealedPdf(readFileSync(path('preview.pdf')));
    expect(name).toBe(sampleRecord.ZZQZMC);
    expect(Buffer.from(unsigned).equals(Buffer.from(renderLicense(sampleRecord)))).toBe(true);
  });
  test('names each missing or wrong element, and fails for a file that cannot be read', () => {
    const { ZZMC: _, ...incompleteRecord } = sampleRecord;
    writeFileSync(
      path('wrong.json'),
      JSON.stringify({ ...incompleteRecord, ZZBFRQ: 7, KZ_NR: [{ label: '经营方式' }] }),
    );
    const { status, output } = run('preview/main', path('wrong.json'), path('wrong.pdf'));
    expect(status).toBe(1);
    for (const element of ['ZZMC', 'ZZBFRQ', 'KZ_NR.0.text']) expect(output).toContain(element);
    expect(run('preview/main', path('none.json')).status).toBe(1);
  });
  test('draws a sample of every form that is printed, marked as a sample', () => {
    expect(run('preview/main')).toMatchObject({ status: 0 });
    const samples = listSampleRecords();
    expect(readdirSync(path('preview')).sort()).toEqual(samples.map(([form]) => `${form}.pdf`).sort());
    expect(samples.map(([form]) => form)).toEqual(['general', ...[...FORMS_BY_TYPE.values()].map(([form]) => form)]);
    for (const [form, record] of samples) {
      expect([record.ZZBH, record.CZZT, record.ZZQZMC].filter((text) => !text.includes('样本'))).toEqual([]);
      const { unsigned, name } = readSealedPdf(readFileSync(path(`preview/${form}.pdf`)));
      expect(name).toBe(record.ZZQZMC);
      expect(Buffer.from(unsigned).equals(Buffer.from(renderLicense(record)))).toBe(true);
    }
  });
});

describe('npm run rerender', () => {
  test('tells a sheet that matches its record from one that does not, and from a file that is no sheet', () => {
    expect(run('rerender', path('preview.pdf'))).toMatchObject({
      status: 0,
      output: expect.stringContaining('一致 same'),
    });
    const cms = Buffer.concat([Buffer.from('30820080', 'hex'), Buffer.alloc(0x80)]);
    const sealedSheet = Buffer.from(insertSignature(renderSealable(sampleRecord, buildSealPng()), cms));
    writeFileSync(path('own.pdf'), sealedSheet);
    expect(run('rerender', path('own.pdf'))).toMatchObject({ status: 0 });
    // A picture at another place, or a larger one, could hide content of the record.
    const movedPicture = Buffer.from(sealedSheet);
    const rect = movedPicture.lastIndexOf('/Rect [') + '/Rect ['.length;
    movedPicture.write(movedPicture[rect] === 0x31 ? '2' : '1', rect, 'latin1');
    writeFileSync(path('moved.pdf'), movedPicture);
    expect(run('rerender', path('moved.pdf'))).toMatchObject({ status: 1 });
    // The length does not change, so that every object stays at the offset in the table.
    const otherSheet = Buffer.from(renderLicense(sampleRecord));
    otherSheet.write('9', otherSheet.indexOf('/MediaBox [0 0 5') + '/MediaBox [0 0 '.length, 'latin1');
    writeFileSync(path('other.pdf'), otherSheet);
    expect(run('rerender', path('preview.pdf'), path('other.pdf'))).toMatchObject({ status: 1 });
    expect(run('rerender', path('record.json'))).toMatchObject({ status: 2 });
    // Sheets of releases that printed their type on another form.
    const sheets = listSampleRecords().flatMap(([, record]) =>
      listForms(record.ZZLXDM).map((form) => {
        writeFileSync(path(`${record.ZZLXDM}-${form}.pdf`), insertSignature(renderSealable(record, null, form), cms));
        return { form, file: path(`${record.ZZLXDM}-${form}.pdf`) };
      }),
    );
    expect(sheets.length).toBeGreaterThan(FORMS_BY_TYPE.size * 2);
    const { status, output } = run('rerender', ...sheets.map(({ file }) => file));
    expect(status).toBe(0);
    expect(output.trim().split('\n')).toEqual(
      sheets.map(({ form, file }) => `✓ 一致 same（版式 form ${form}）  ${file}`),
    );
    const [[, general] = []] = listSampleRecords();
    if (general) writeFileSync(path('foreign.pdf'), renderLicense(general, 'mining'));
    expect(run('rerender', path('foreign.pdf'))).toMatchObject({ status: 1 });
    expect(run('rerender').status).toBe(2);
  });
});
