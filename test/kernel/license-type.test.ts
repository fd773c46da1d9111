import { describe, expect, test } from 'vitest';
import { readLicenseTypes, readMatters } from '../../seeds/load.ts';
import { requireLicenseIdentifier, writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import {
  listContentFaults,
  matchesPattern,
  readFields,
  toFields,
} from '../../subgraphs/kernel/license-type/content.ts';
import { LINE_KINDS, MAX_LINE_CHARS } from '../../subgraphs/kernel/license-type/line.ts';
import {
  findTemplateProblem,
  fitsRunning,
  HUB_TEMPLATE,
  isWrittenBy,
  templateFor,
  toSerial,
  writeNumber,
} from '../../subgraphs/kernel/license-type/number.ts';
import {
  findTypeOn,
  type LicenseType,
  licenseTypeFile,
  listTypeProblems,
} from '../../subgraphs/kernel/license-type/type.ts';

const LINE = { key: 'a', label: '甲', kind: 'TEXT', group: 'PERMISSION', required: false, maxLength: 10, sample: true };
const FILE = {
  code: '11000000000090018B001',
  name: '示例证',
  validFrom: '2026-01-01',
  lines: [LINE],
  term: { kind: 'NONE' },
  acts: ['ISSUE'],
};

function makeType(...lines: object[]): LicenseType {
  const entries = lines.map((line, i) => ({ ...LINE, key: `line${i}`, label: `第${i}项`, ...line }));
  return licenseTypeFile.parse({ ...FILE, lines: entries });
}

/** One good and some bad texts of each kind of line. */
const TEXTS: Record<(typeof LINE_KINDS)[number], { line?: object; good: string[]; bad: string[] }> = {
  TEXT: { good: ['于都县', '阿依·古丽'], bad: ['甲\u200b', '甲\n乙', ' 甲', '甲'.repeat(11)] },
  LONG_TEXT: { good: ['甲；乙'], bad: ['甲\n乙', '甲\u202e'] },
  DATE: { good: ['2024-02-29'], bad: ['2026-02-29', '2026/01/01', '今天'] },
  INTEGER: { good: ['0', '12', '-3'], bad: ['1.5', '01', '一', '1e3', '１'] },
  DECIMAL: { good: ['12.5', '0', '0.25'], bad: ['.5', '1,000', '5.', 'NaN', 'Infinity'] },
  CODE_USCC: { line: { maxLength: 18 }, good: ['11430000006122244L'], bad: ['11430000006122244M', '1143'] },
  CITIZEN_NUMBER: { line: { maxLength: 18 }, good: ['11010519491231002X'], bad: ['110105194912310021'] },
  PHONE: { line: { maxLength: 20 }, good: ['0797-6233456', '+8613800000000'], bad: ['无', '12'] },
  CHOICE: { line: { choices: ['甲', '乙'] }, good: ['甲'], bad: ['丙', '甲、乙', 'toString'] },
  CHOICES: { line: { choices: ['甲', '乙'] }, good: ['甲', '乙、甲'], bad: ['丙', '甲、甲', '甲、', '甲，乙'] },
};

describe('each kind of line', () => {
  test.each(LINE_KINDS)('%s takes what it is, and nothing else', (kind) => {
    const { line, good, bad } = TEXTS[kind];
    const type = makeType({ kind, ...line });
    for (const text of good) expect(listContentFaults(type, [{ key: 'line0', text }]), text).toEqual([]);
    for (const text of bad) expect(listContentFaults(type, [{ key: 'line0', text }]), text).toHaveLength(1);
  });
});

describe('a content', () => {
  const type = makeType(
    { required: true },
    { kind: 'DATE' },
    { kind: 'CHOICE', choices: ['甲'] },
    { required: true },
    { pattern: '##-@&?' },
  );

  test('has every fault named at once, with place, line and words', () => {
    const faults = listContentFaults(type, [
      { key: 'line0', text: '甲'.repeat(11) },
      { key: 'line1', text: '2026-02-30' },
      { key: 'line2', text: '乙' },
      { key: 'line1', text: '2026-01-01' },
      { key: 'constructor', text: '甲' },
      { key: 'line4', text: '12-a' },
    ]);
    expect(faults.map(({ index, key, fault }) => `${index} ${key} ${fault}`)).toEqual([
      '0 line0 TOO_LONG',
      '1 line1 WRONG_KIND',
      '2 line2 NOT_A_CHOICE',
      '3 line1 REPEATED',
      '4 constructor UNKNOWN',
      '5 line4 MALFORMED',
      'null line3 MISSING',
    ]);
    expect(faults[0]?.message).toBe('“第0项”最多 10 字');
  });

  test('has no fault if it is complete, and an empty text is a line without content', () => {
    const content = [
      { key: 'line3', text: '乙' },
      { key: 'line0', text: '甲' },
      { key: 'line1', text: '' },
      { key: 'line4', text: '12-A9字' },
    ];
    expect(listContentFaults(type, content)).toEqual([]);
    expect(listContentFaults(type, [{ key: 'line0', text: '' }])[0]).toMatchObject({ index: 0, fault: 'MISSING' });
    const fields = toFields(type, content);
    expect(fields.map(({ label }) => label)).toEqual(['第0项', '第3项', '第4项']);
    expect(listContentFaults(type, readFields(type, fields))).toEqual([]);
    expect(readFields(type, [{ label: '旧项', text: '甲' }])).toEqual([{ key: '旧项', text: '甲' }]);
  });
});

test('a pattern compares sign by sign', () => {
  expect(matchesPattern('CN###', 'CN123')).toBe(true);
  for (const text of ['CN12', 'CN1234', 'CX123', 'cn123', 'CN１２３'])
    expect(matchesPattern('CN###', text)).toBe(false);
  expect(matchesPattern('?', '𠮷')).toBe(true);
});

describe('a template of numbers', () => {
  const parts = { divisionCode: '360731', day: '2026-03-05', running: 7 };
  test('writes numbers that an identifier carries', () => {
    const number = writeNumber('赣虔药监械经营许{YEAR}{RUNNING:4}号', parts);
    expect(number).toBe('赣虔药监械经营许20260007号');
    const serial = toSerial(number);
    const issuer = '11430000006122244L';
    const identifier = writeLicenseIdentifier({ type: FILE.code, issuer, serial, version: 1 });
    expect(requireLicenseIdentifier(identifier, 'identifier').serial).toBe(serial);
    expect(writeNumber('C{DIVISION}{YEAR}{MONTH}{RUNNING:11}', parts)).toBe('C36073120260300000000007');
  });

  test('has room for so many running numbers; the hub’s own grows', () => {
    const rooms = [9, 10].map((running) => fitsRunning('{YEAR}{RUNNING:1}', running));
    expect([...rooms, fitsRunning(HUB_TEMPLATE, 10_000_000)]).toEqual([true, false, true]);
  });

  test('is that of the issuer, else that of all, else the hub’s', () => {
    const [own, all] = [
      { issuer: 'a', template: '甲' },
      { issuer: null, template: '乙' },
    ];
    expect([templateFor([all, own], 'a'), templateFor([all, own], 'b')]).toEqual(['甲', '乙']);
    expect([templateFor([own], 'b'), templateFor([], 'a')]).toEqual([HUB_TEMPLATE, HUB_TEMPLATE]);
  });

  test.each([
    ['赣虔药监械经营许{YEAR}{RUNNING:4}号', '赣虔药监械经营许20260007号', true],
    ['赣虔药监械经营许{YEAR}{RUNNING:4}号', '赣虔药监械经营许202600007号', false],
    ['赣虔药监械经营许{YEAR}{RUNNING:4}号', '赣虔药监械经营备20260007号', false],
    ['C{DIVISION}{YEAR}{MONTH}{RUNNING:11}', 'C36073120260300000000007', true],
    ['C{DIVISION}{YEAR}{MONTH}{RUNNING:11}', 'C36073020260300000000007', false],
    ['{YEAR}{RUNNING:1}甲', '20261乙', false],
    ['{YEAR}{RUNNING:1}', '2026甲', false],
    [HUB_TEMPLATE, '3607312026000001', true],
    [HUB_TEMPLATE, '36073120261000001', true],
    [HUB_TEMPLATE, '360731202600001', false],
  ])('%s: %s is written by it: %s', (template, number, expected) => {
    expect(isWrittenBy(template, number, '360731')).toBe(expected);
  });

  test.each([
    ['甲{YEAR}号'],
    ['{RUNNING:4}'],
    ['{YEAR}{RUNNING:4}{RUNNING:4}'],
    ['{YEAR}{RUNNING:0}'],
    ['{YEAR}{RUNNING:4}{YEAR'],
    ['{YEAR}{RUNNING:4}{NAME}'],
    ['甲 {YEAR}{RUNNING:4}'],
    ['{YEAR}{RUNNING:12}{DIVISION}{DIVISION}{DIVISION}{DIVISION}'],
  ])('%s is refused', (template) => {
    expect(findTemplateProblem(template)).not.toBeNull();
  });
});

describe('a type', () => {
  test.each<[string, object]>([
    ['lines[1].key', { lines: [LINE, { ...LINE, label: '乙' }] }],
    ['lines[1].label', { lines: [LINE, { ...LINE, key: 'b' }] }],
    ['lines[0]', { lines: [{ ...LINE, sample: false }] }],
    ['lines[0]', { lines: [{ ...LINE, kind: 'CHOICE' }] }],
    ['lines[0]', { lines: [{ ...LINE, kind: 'DATE', example: '昨天' }] }],
    ['lines[0]', { lines: [{ ...LINE, choices: ['甲'] }] }],
    ['lines[0]', { lines: [{ ...LINE, kind: 'CHOICES', choices: ['甲', '甲'] }] }],
    ['lines[0]', { lines: [{ ...LINE, kind: 'CHOICES', choices: ['甲、乙'] }] }],
    ['lines[0]', { lines: [{ ...LINE, kind: 'CHOICE', choices: ['甲'.repeat(11)] }] }],
    ['lines[0]', { lines: [{ ...LINE, kind: 'DATE', pattern: '#' }] }],
    ['lines[0]', { lines: [{ ...LINE, pattern: '#'.repeat(11) }] }],
    ['lines[0]', { lines: [{ ...LINE, inCode: true, printed: false }] }],
    ['lines', { lines: [{ ...LINE, inCode: true, maxLength: 201 }] }],
    ['numberFormats[0].template', { numberFormats: [{ issuer: null, template: '号' }] }],
    ['numberFormats[1].issuer', { numberFormats: [1, 2].map(() => ({ issuer: null, template: '{YEAR}{RUNNING:4}' })) }],
    ['term.months', { term: { kind: 'FIXED' } }],
    ['term.months', { term: { kind: 'NONE', months: 1 } }],
    ['acts[1]', { acts: ['ISSUE', 'ISSUE'] }],
    ['warningDays[1]', { warningDays: [30, 30] }],
    ['note', { sample: true }],
  ])('names the problem at %s', (place, members) => {
    expect(listTypeProblems(licenseTypeFile.parse({ ...FILE, ...members })).map((problem) => problem.place)).toEqual([
      place,
    ]);
  });

  test.each<[string, object]>([
    ['code', { code: '11000000000090018C001' }],
    ['lines.0.key', { lines: [{ ...LINE, key: '甲' }] }],
    ['lines.0.label', { lines: [{ ...LINE, label: '甲\u200b' }] }],
    ['lines.0.maxLength', { lines: [{ ...LINE, maxLength: MAX_LINE_CHARS + 1 }] }],
    ['lines.0.kind', { lines: [{ ...LINE, kind: 'REGEX' }] }],
    ['validFrom', { validFrom: '2026-02-29' }],
    ['template', { template: '../x' }],
    ['lines', { lines: Array.from({ length: 21 }, () => LINE) }],
    ['lines.0', { lines: [{ ...LINE, extra: 1 }] }],
  ])('is malformed at %s', (path, members) => {
    const { error } = licenseTypeFile.safeParse({ ...FILE, ...members });
    expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });

  test('without problems has its defaults', () => {
    const type = licenseTypeFile.parse(FILE);
    expect(listTypeProblems(type)).toEqual([]);
    expect(type).toMatchObject({ originals: 1, duplicates: 0, template: 'general', warningDays: [90, 30] });
  });

  test('is the version in force on a day', () => {
    const first = { ...licenseTypeFile.parse(FILE), version: 1, validTo: '2026-06-30' };
    const second = { ...first, version: 2, validFrom: '2026-07-01', validTo: null };
    const published = { code: FILE.code, versions: [first, second] };
    const days = ['2025-12-31', '2026-01-01', '2026-06-30', '2026-07-01'];
    expect(days.map((day) => findTypeOn(published, day)?.version ?? null)).toEqual([null, 1, 1, 2]);
  });
});

describe('the types of the plan', () => {
  const types = readLicenseTypes();
  const byCode = new Map(types.map((type) => [type.code, type]));

  test('are those of its matters, with their names, terms and acts', () => {
    const matters = readMatters().filter(({ outcome }) => outcome.licenseType !== null);
    expect(new Set(matters.map(({ outcome }) => outcome.licenseType))).toEqual(new Set(byCode.keys()));
    for (const { id, outcome, licenseAction } of matters) {
      const type = byCode.get(outcome.licenseType ?? '');
      expect(type, id).toMatchObject({ name: outcome.name, term: { months: outcome.validityMonths } });
      expect(type?.acts, id).toContain(licenseAction);
    }
  });

  test('have lines with a source or marked as samples, and at least one that is required', () => {
    for (const { code, lines } of types) {
      expect(
        lines.every(({ source, sample }) => (source !== null) !== sample),
        code,
      ).toBe(true);
      expect(
        lines.some(({ required }) => required),
        code,
      ).toBe(true);
    }
  });
});
