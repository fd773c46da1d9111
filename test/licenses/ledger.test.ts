import { describe, expect, test } from 'vitest';
import { readLicenseTypes } from '../../seeds/load.ts';
import type { LicenseTypeVersion } from '../../subgraphs/kernel/license-type/type.ts';
import { readLedger } from '../../subgraphs/licenses/registration/ledger.ts';
import { readLines } from '../../subgraphs/licenses/registration/line.ts';
import { actIdOf } from '../../subgraphs/licenses/registration/registration.ts';

/** What a ledger of existing paper says: encodings, columns, and every fault of every line. */

const ISSUER = {
  ...{ id: 'yudu-lyj', name: '于都县林业局', level: 'COUNTY' as const, divisionCode: '360731' },
  uscc: '11360731014881234K',
};
const [first] = readLicenseTypes();
if (!first) throw new Error('no license type');
const TYPE: LicenseTypeVersion = {
  ...first,
  ...{ version: 1, validTo: null },
  lines: [
    { ...line('用途'), maxLength: 5 },
    { ...line('面积'), kind: 'DECIMAL' },
    { ...line('地点'), required: true },
  ],
  numberFormats: [
    { issuer: 'yudu-lyj', template: '于林采{YEAR}{RUNNING:4}', source: null },
    { issuer: 'ganzhou-lyj', template: '赣林采{YEAR}{RUNNING:4}', source: null },
  ],
};
const SCOPE = { issuer: ISSUER, type: TYPE, today: '2026-03-02' };

function line(label: string) {
  return {
    ...{ key: `line${label.codePointAt(0)}`, label, help: null, example: null, kind: 'TEXT' as const, pattern: null },
    ...{ group: 'PERMISSION' as const, required: false, maxLength: 50, choices: [], printed: true, published: false },
    ...{ inCode: false, source: '示例', sample: true },
  };
}

const HEADER = '证照编号,持证主体,持证主体代码,颁发日期,有效期截止';
const COMPANY = '于都县贡江示范药业有限公司,91000000MA0000001R';
const read = (text: string | Uint8Array) =>
  readLedger({
    bytes: typeof text === 'string' ? Buffer.from(text) : text,
    labels: TYPE.lines.map(({ label }) => label),
  });
const faultsOf = (text: string) => {
  const ledger = read(text);
  const { problems } = readLines(ledger.rows, SCOPE);
  return [...ledger.problems, ...problems].map((problem) => `${problem.line} ${problem.column} ${problem.code}`);
};
const refusalOf = (text: string | Uint8Array) => {
  try {
    read(text);
    return null;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('a ledger', () => {
  test('is CSV in UTF-8 or GB18030, or JSON, with the same meaning', () => {
    const csv = `${HEADER},用途\n于林采20190001,${COMPANY},2019-3-5,长期,自用\n`;
    const json = JSON.stringify([
      {
        ...{ 证照编号: '于林采20190001', 持证主体: '于都县贡江示范药业有限公司', 持证主体代码: '91000000MA0000001R' },
        ...{ 颁发日期: '2019年3月5日', 有效期截止: '长期', 用途: '自用' },
      },
    ]);
    // 证照编号 and so on in GB18030: encoded by hand, since the platform only decodes it.
    const meaning = (text: string | Uint8Array) => {
      const { rows, problems } = read(text);
      const { licenses, problems: faults } = readLines(rows, SCOPE);
      expect([...problems, ...faults]).toEqual([]);
      return licenses.map(({ line: _, ...license }) => license);
    };
    const expected = [
      {
        number: '于林采20190001',
        holder: { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' },
        ...{ issuedOn: '2019-03-05', validFrom: '2019-03-05', validUntil: null, scan: null },
        fields: [{ label: '用途', text: '自用' }],
      },
    ];
    expect(meaning(csv)).toEqual(expected);
    expect(meaning(`\uFEFF${csv.replaceAll('\n', '\r\n')}`)).toEqual(expected);
    expect(meaning(json)).toEqual(expected);
  });

  test('is taken in GB18030, as spreadsheets save it', () => {
    // “证照编号” in GB18030.
    const heading = Buffer.from([0xd6, 0xa4, 0xd5, 0xd5, 0xb1, 0xe0, 0xba, 0xc5]);
    const ledger = read(Buffer.concat([heading, Buffer.from(',x\n1,2\n')]));
    expect(ledger.encoding).toBe('GB18030');
    expect(ledger.problems.map(({ column }) => column)).not.toContain('证照编号');
  });

  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'IMPORT_EMPTY'],
    ['a header alone', HEADER, 'IMPORT_EMPTY'],
    ['UTF-16', Buffer.from(`\uFEFF${HEADER}\n`, 'utf16le'), 'LEDGER_UNREADABLE'],
    ['a workbook', Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0xff, 0xff]), 'LEDGER_UNREADABLE'],
    ['broken JSON', '[{"证照编号": "1"', 'LEDGER_UNREADABLE'],
    ['too many lines', `${HEADER}\n${'1\n'.repeat(5_001)}`, 'IMPORT_TOO_LARGE'],
  ])('is refused whole: %s', (_, text, code) => expect(refusalOf(text)).toBe(code));

  test('names columns that are unknown, missing or twice, once', () => {
    expect(faultsOf('证照编号,持证主体,颜色,证照编号\n1,2,3,4')).toEqual([
      '1 持证主体代码 COLUMN_MISSING',
      '1 颁发日期 COLUMN_MISSING',
      '1 有效期截止 COLUMN_MISSING',
      '1 颜色 COLUMN_UNKNOWN',
      '1 证照编号 COLUMN_TWICE',
    ]);
  });

  test('names every fault of every line', () => {
    const rows = [
      `于林采20190001,${COMPANY},2019-03-05,2029-03-04`,
      `于林采20190002,${COMPANY},2019-02-30,2018-01-01`,
      `赣林采20190003,${COMPANY},2027-01-01,长期`,
      `于林采20190001,${COMPANY},2019-03-05,长期`,
      `,于都县某公司,91000000MA0000001X,2019-03-05,不知道`,
      `甲,乙`,
      `"甲,${COMPANY},2019-03-05,长期`,
      `于林采20190004,${COMPANY},2019-03-05,2019-03-04`,
    ];
    expect(faultsOf(`${HEADER}\n${rows.join('\n')}`)).toEqual([
      '7 null LINE_BROKEN',
      '8 null LINE_BROKEN',
      '3 颁发日期 DAY_INVALID',
      '4 证照编号 LICENSE_NUMBER_OF_ANOTHER',
      '4 颁发日期 DAY_INVALID',
      '5 证照编号 LEDGER_NUMBER_TWICE',
      '6 证照编号 VALUE_MISSING',
      '6 持证主体代码 HOLDER_CODE_INVALID',
      '6 有效期截止 DAY_INVALID',
      '9 有效期截止 DAY_INVALID',
    ]);
  });

  test('has the lines of the type as the type says, and may lack any of them', () => {
    const header = `${HEADER},用途,面积,发证机关,持证主体代码类型,扫描件SHA256`;
    const start = `${COMPANY},2019-03-05,长期`;
    const digest = 'a'.repeat(64);
    expect(faultsOf(`${header}\n1,${start},自用,1.5,于都县林业局,统一社会信用代码,${digest}\n`)).toEqual([]);
    expect(faultsOf(`${header}\n2,${start},六个字的用途,很大,兴国县林业局,护照号码,abc\n`)).toEqual([
      '2 持证主体代码类型 VALUE_UNKNOWN',
      '2 发证机关 LICENSE_NUMBER_OF_ANOTHER',
      '2 扫描件SHA256 FIELD_MALFORMED',
      '2 用途 FIELD_MALFORMED',
      '2 面积 FIELD_MALFORMED',
    ]);
  });
});

test('a line has the same act whenever it is entered', () => {
  const id = '7d2f2f0e-4c67-4a4c-9f8b-0a2c7a3a9f10';
  expect(actIdOf(id, 1)).toBe(actIdOf(id, 1));
  expect(actIdOf(id, 1)).not.toBe(actIdOf(id, 2));
  expect(actIdOf(id, 1)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
