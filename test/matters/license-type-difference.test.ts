import { expect, test } from 'vitest';
import { readLicenseTypes } from '../../seeds/load.ts';
import type { LicenseType } from '../../subgraphs/kernel/license-type/type.ts';
import { listTypeDifferences } from '../../subgraphs/matters/license-type/difference.ts';

/** What a person reads of the differences between two versions of a license type. */

const TYPE = readLicenseTypes().find(({ code }) => code === '11000000000090018B033') as LicenseType;
const change = (key: string, changes: Partial<LicenseType['lines'][number]>): LicenseType => ({
  ...TYPE,
  lines: TYPE.lines.map((line) => (line.key === key ? { ...line, ...changes } : line)),
});
const textsOf = (after: LicenseType, before: LicenseType | null = TYPE) =>
  listTypeDifferences(before, after).map(({ text }) => text);

test('each says what it was and what it is', () => {
  expect(textsOf(change('premises', { label: '经营地址', required: true, kind: 'LONG_TEXT' }))).toEqual([
    '信息项“经营场所”的名称由“经营场所”改为“经营地址”',
    '信息项“经营场所”的类别由“文字”改为“长文字”',
    '信息项“经营场所”的是否必填由“否”改为“是”',
  ]);
  expect(listTypeDifferences(TYPE, { ...TYPE, term: { kind: 'DATE_OF_CASE', months: null } })).toEqual([
    {
      ...{ change: 'CHANGED', lineKey: null, lineLabel: null, what: '有效期', before: '60 个月', after: '由决定写明' },
      text: '有效期由“60 个月”改为“由决定写明”',
    },
  ]);
  expect(textsOf({ ...TYPE, acts: ['ISSUE', 'CANCEL'] })).toEqual([
    expect.stringMatching(/^办理情形由“.*、.*”改为“[^A-Z]+、[^A-Z]+”$/),
  ]);
});

test('a line that goes, one that comes, and another order are one difference each', () => {
  const [first, ...others] = TYPE.lines as [LicenseType['lines'][number], ...LicenseType['lines']];
  expect(listTypeDifferences(TYPE, { ...TYPE, lines: others, removes: [first.key] })).toMatchObject([
    { change: 'REMOVED', lineKey: first.key, lineLabel: first.label, after: null, text: '删除信息项“法定代表人”' },
  ]);
  const added = { ...first, key: 'added', label: '新项' };
  expect(textsOf({ ...TYPE, lines: [...TYPE.lines, added] })).toEqual(['新增信息项“新项”：新项，文字，至多 50 字']);
  expect(listTypeDifferences(TYPE, { ...TYPE, lines: [...others, first] })).toMatchObject([{ what: '信息项的顺序' }]);
});

test('every member that a version can change is told, none of them as JSON', () => {
  const others = readLicenseTypes().filter(({ code }) => code !== TYPE.code);
  for (const type of others) {
    const texts = textsOf(type);
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) expect(text).not.toMatch(/[[\]{]"|null|undefined/);
  }
  expect(textsOf(TYPE, null).length).toBeGreaterThan(TYPE.lines.length);
  expect(textsOf(TYPE)).toEqual([]);
});
