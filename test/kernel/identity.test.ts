import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isCountry, isCountryNumber, isPassportIssuer } from '../../subgraphs/kernel/identity/country.ts';
import {
  HOLDER_CODE_KINDS,
  type HolderCodeKind,
  IDENTITY_KINDS,
  isHolderCode,
  kindOfRecord,
  maskCode,
  normaliseHolderCode,
  requireHolderCode,
} from '../../subgraphs/kernel/identity/identity.ts';

const TODAY = '2026-11-30';

/** Codes of each kind, as they are kept, and how others see them. */
const GOOD: readonly [HolderCodeKind, string, string][] = [
  ['USCC', '11430000006122244L', '1143**********244L'],
  ['USCC', '12110000400777687U', '1211**********687U'],
  ['USCC', '91000000MA0000001R', '9100**********001R'],
  ['CITIZEN_NUMBER', '11010519491231002X', '1101**********002X'],
  ['PASSPORT', 'USA-123456789', 'USA-*******89'],
  ['PASSPORT', 'DEU-C01X00T47', 'DEU-*******47'],
  ['PASSPORT', 'UNO-12345', 'UNO-***45'],
  ['HK_MACAO_PERMIT', 'H12345678', 'H******78'],
  ['HK_MACAO_PERMIT', 'M1234567801', 'M********01'],
  ['TAIWAN_PERMIT', '12345678', '********'],
  ['TAIWAN_PERMIT', '0012345678A', '0012***678A'],
  ['RESIDENCE_PERMIT', withCheck('81000019800101001'), ''],
  ['PERMANENT_RESIDENT', withCheck('93684019800101001'), ''],
  ['PERMANENT_RESIDENT', 'USA360080010112', 'USA3*******0112'],
  ['FOREIGN_ORGANISATION', 'HKG/1234567', 'HKG/*****67'],
  ['FOREIGN_ORGANISATION', 'DEU/HRB-12345', 'DEU/*******45'],
];

/** What is wrong with a code: the words name the place. */
const BAD: readonly [HolderCodeKind, string, string][] = [
  ['USCC', '11430000006122244M', '第18位校验码不符'],
  ['USCC', '1143000000612224', '应为18位'],
  ['USCC', withUsccCheck('1O430000006122244'.replace('O', '0')), '第1、2位'],
  ['USCC', withUsccCheck('11990000006122244'), '第3至8位'],
  ['USCC', withUsccCheck('11430000006122245'), '第9至17位'],
  ['CITIZEN_NUMBER', '110105194912310021', '第18位校验码不符'],
  ['CITIZEN_NUMBER', '110105194912310', '应为18位数字'],
  ['CITIZEN_NUMBER', withCheck('99010519491231002'), '前2位'],
  ['CITIZEN_NUMBER', withCheck('81000019800101001'), '前2位'],
  ['CITIZEN_NUMBER', withCheck('11010519490230002'), '不是日期'],
  ['CITIZEN_NUMBER', withCheck('11010520261201002'), '尚未到来'],
  ['CITIZEN_NUMBER', withCheck('11010519491231000'), '顺序码'],
  ['PASSPORT', '123456789', '三字母代码'],
  ['PASSPORT', 'ZZZ-123456789', '不是国家或地区代码'],
  ['PASSPORT', 'USA-ABCDEFG', '三字母代码'],
  ['HK_MACAO_PERMIT', 'A12345678', 'H或M'],
  ['TAIWAN_PERMIT', '1234567', '8位数字'],
  ['RESIDENCE_PERMIT', withCheck('11010519491231002'), '前6位'],
  ['PERMANENT_RESIDENT', withCheck('93600019800101001'), '前6位'],
  ['PERMANENT_RESIDENT', 'ZZZ360080010112', '国籍'],
  ['PERMANENT_RESIDENT', 'USA360080133112', '日期'],
  ['FOREIGN_ORGANISATION', 'HKG-1234567', '登记号码'],
  ['FOREIGN_ORGANISATION', 'ZZZ/1234567', '不是国家或地区代码'],
];

function withCheck(body: string): string {
  const good = [...'0123456789X'].map((check) => body + check);
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1];
  const toNumber = (digit: string) => (digit === 'X' ? 10 : Number(digit));
  return (
    good.find((code) => [...code].reduce((sum, d, i) => sum + toNumber(d) * (weights[i] ?? 0), 0) % 11 === 1) ?? ''
  );
}

function withUsccCheck(body: string): string {
  const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
  const sum = [...body].reduce((total, letter, i) => total + alphabet.indexOf(letter) * 3 ** i, 0);
  return body + alphabet.charAt((31 - (sum % 31)) % 31);
}

test.each(GOOD)('%s %s is a code, and others see its ends', (kind, code, masked) => {
  expect(() => requireHolderCode(kind, code, 'code', TODAY)).not.toThrow();
  expect(isHolderCode(code)).toBe(true);
  expect(normaliseHolderCode(` ${code.toLowerCase()} `)).toBe(code);
  if (masked !== '') expect(maskCode(code)).toBe(masked);
  expect(maskCode(code)).not.toBe(code);
});

test('every kind has a code among the good ones and one among the bad ones', () => {
  expect([...new Set(GOOD.map(([kind]) => kind))].sort()).toEqual([...HOLDER_CODE_KINDS].sort());
  expect([...new Set(BAD.map(([kind]) => kind))].sort()).toEqual([...HOLDER_CODE_KINDS].sort());
});

test.each(BAD)('%s %s is none: %s', (kind, code, words) => {
  expect(IDENTITY_KINDS[kind].findFault(code, TODAY)).toContain(words);
  expect(() => requireHolderCode(kind, code, 'code', TODAY)).toThrow(
    expect.objectContaining({ code: 'HOLDER_CODE_INVALID', field: 'code' }),
  );
});

describe('the table of kinds', () => {
  test('no code is of two kinds: a code alone names its holder', () => {
    for (const [kind, code] of GOOD)
      expect(HOLDER_CODE_KINDS.filter((name) => IDENTITY_KINDS[name].findFault(code, TODAY) === null)).toEqual([kind]);
  });

  test('a record names each kind by a code of its own', () => {
    for (const kind of HOLDER_CODE_KINDS) expect(kindOfRecord(IDENTITY_KINDS[kind].record)).toBe(kind);
    expect(() => kindOfRecord('998' as never)).toThrow(RangeError);
  });

  test('documents print the labels of the table', () => {
    const template = new URL('../../subgraphs/licenses/document/templates/sheet.typ', import.meta.url);
    const printed = [...readFileSync(template, 'utf8').matchAll(/^ {2}"(\d{3})": "([^"]+)",$/gm)];
    const rows = HOLDER_CODE_KINDS.map((kind) => [IDENTITY_KINDS[kind].record, IDENTITY_KINDS[kind].label]);
    expect(printed.map(([, record, label]) => [record, label])).toEqual(rows);
  });
});

test('countries are those of ISO 3166-1, and passports have a few codes more', () => {
  expect(['CHN', 'HKG', 'MAC', 'TWN', 'USA'].every(isCountry)).toBe(true);
  expect(['156', '840'].every(isCountryNumber)).toBe(true);
  expect([isCountry('UNO'), isPassportIssuer('UNO'), isCountry('usa'), isCountryNumber('000')]).toEqual([
    ...[false, true, false, false],
  ]);
});
