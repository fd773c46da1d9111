import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { insertSignature, readSealedPdf } from '../../subgraphs/kernel/sealed-pdf.ts';
import { renderLicense, renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { sealPng } from '../support/picture.ts';
import { record } from '../support/record.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongquan-document-'));
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, ...args: string[]) {
  const file = new URL(`../../scripts/${script}.ts`, import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

describe('npm run preview', () => {
  test('renders a record by its template, with the picture of a seal and no signature', () => {
    writeFileSync(path('record.json'), JSON.stringify(record));
    expect(run('preview', path('record.json'), path('preview.pdf'))).toMatchObject({ status: 0 });
    const { unsigned, name } = readSealedPdf(readFileSync(path('preview.pdf')));
    expect(name).toBe(record.ZZQZMC);
    expect(Buffer.from(unsigned).equals(Buffer.from(renderLicense(record)))).toBe(true);
  });
  test('names each missing or wrong element, and fails for a file that cannot be read', () => {
    const { ZZMC: _, ...rest } = record;
    writeFileSync(path('wrong.json'), JSON.stringify({ ...rest, ZZBFRQ: 7, KZ_NR: [{ label: '经营方式' }] }));
    const { status, said } = run('preview', path('wrong.json'), path('wrong.pdf'));
    expect(status).toBe(1);
    for (const element of ['ZZMC', 'ZZBFRQ', 'KZ_NR.0.text']) expect(said).toContain(element);
    expect(run('preview', path('none.json')).status).toBe(1);
    expect(run('preview').said).toContain('用法');
  });
});

describe('npm run rerender', () => {
  test('tells a sheet that matches its record from one that does not, and from a file that is no sheet', () => {
    expect(run('rerender', path('preview.pdf'))).toMatchObject({
      status: 0,
      said: expect.stringContaining('一致 same'),
    });
    const cms = Buffer.concat([Buffer.from('30820080', 'hex'), Buffer.alloc(0x80)]);
    const own = Buffer.from(insertSignature(renderSealable(record, sealPng()), cms));
    writeFileSync(path('own.pdf'), own);
    expect(run('rerender', path('own.pdf'))).toMatchObject({ status: 0 });
    // A picture at another place, or a larger one, could hide content of the record.
    const moved = Buffer.from(own);
    const rect = moved.lastIndexOf('/Rect [') + '/Rect ['.length;
    moved.write(moved[rect] === 0x31 ? '2' : '1', rect, 'latin1');
    writeFileSync(path('moved.pdf'), moved);
    expect(run('rerender', path('moved.pdf'))).toMatchObject({ status: 1 });
    // The length does not change, so that every object stays at the offset in the table.
    const other = Buffer.from(renderLicense(record));
    other.write('9', other.indexOf('/MediaBox [0 0 5') + '/MediaBox [0 0 '.length, 'latin1');
    writeFileSync(path('other.pdf'), other);
    expect(run('rerender', path('preview.pdf'), path('other.pdf'))).toMatchObject({ status: 1 });
    expect(run('rerender', path('record.json'))).toMatchObject({ status: 2 });
    expect(run('rerender').status).toBe(2);
  });
});
