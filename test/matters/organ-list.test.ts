import { expect, test } from 'vitest';
import { readMatters, readOrgans } from '../../seeds/load.ts';
import type { Succession } from '../../subgraphs/kernel/organ/reform.ts';
import { buildMatter, type Matter } from '../../subgraphs/matters/matter.ts';
import { parseOrgans } from '../../subgraphs/matters/organ/list.ts';
import { applyOrgans, succeedMatter } from '../../subgraphs/matters/organ/reform.ts';

/** Lists of changes of organs (机构改革): what is refused, and what becomes of matters. */

const HEADER = 'organ,valid_from,action,name,level,division_code,uscc,document_mark,successor,matters';
const organs = readOrgans();
const matterOf = (id: string): Matter => {
  const row = readMatters().find((one) => one.id === id);
  if (!row) throw new Error(id);
  return buildMatter(row);
};
const matters = new Set(readMatters().map(({ id }) => id));

function apply(lines: readonly string[], shares: readonly Succession[] = []) {
  const list = parseOrgans([HEADER, ...lines].join('\n'));
  const register = { organs: new Map(organs.map((organ) => [organ.id, organ])), shares, matters, today: '2026-03-02' };
  const reform = applyOrgans(list.lines, register);
  return { ...reform, problems: [...list.problems, ...reform.problems] };
}
const problemsOf = (lines: readonly string[], shares: readonly Succession[] = []) =>
  apply(lines, shares).problems.map(({ line, code, column }) => [line, code, column]);

const NEW = 'yudu-lcj,2026-07-01,ENTER,于都县林业和草原局,COUNTY,360731,11000000000000270L,于林草,,';
const end = (organ: string, successor: string, more = '', day = '2026-07-01') =>
  `${organ},${day},END,,,,,,${successor},${more}`;

test('a new organ, a new name, a merger and a split are told in sentences', () => {
  const uscc = parseOrgans(`${HEADER}\n${NEW}`).problems;
  expect(uscc.every(({ column }) => column === 'uscc')).toBe(true);
  const { differences, problems, renamed, ended } = apply([
    'yudu-swj,2026-07-01,RENAME,于都县商务和开放局,,,,,,',
    end('yudu-lyj', 'yudu-zrzyj'),
    end('yudu-sjj', 'yudu-jktj'),
    end('yudu-sjj', 'yudu-zjj', 'yd2022-2-30 yd2022-1-07'),
  ]);
  expect(problems).toEqual([]);
  expect(differences).toEqual([
    '第 2 行 yudu-swj 自 2026-07-01 起由 于都县商务局 更名为 于都县商务和开放局',
    '第 3 行 yudu-lyj 于都县林业局 自 2026-07-01 起撤并，由 yudu-zrzyj 于都县自然资源局 承接',
    '第 4 行 yudu-sjj 于都县市场监督管理局 自 2026-07-01 起撤并，由 yudu-jktj 于都县教育科技体育局 承接',
    '第 5 行 yudu-sjj 于都县市场监督管理局 自 2026-07-01 起撤并，由 yudu-zjj 于都县住房和城乡建设局 承接（事项 yd2022-2-30、yd2022-1-07）',
  ]);
  expect(renamed).toEqual([{ organ: 'yudu-swj', name: '于都县商务和开放局', from: '2026-07-01' }]);
  expect(ended).toHaveLength(3);
});

test('lines are refused with their columns', () => {
  expect(problemsOf([end('yudu-lyj', 'yudu-lyj')])).toEqual([[2, 'ORGAN_CIRCLE', 'successor']]);
  expect(problemsOf([end('yudu-lyj', 'yudu-swj'), end('yudu-swj', 'yudu-lyj')])).toEqual([
    [2, 'ORGAN_CIRCLE', 'successor'],
    [3, 'ORGAN_CIRCLE', 'successor'],
  ]);
  expect(problemsOf([end('yudu-no', 'yudu-lyj')])).toEqual([[2, 'ORGAN_UNKNOWN', 'organ']]);
  expect(problemsOf([end('yudu-lyj', 'yudu-no')])).toEqual([[2, 'ORGAN_UNKNOWN', 'successor']]);
  expect(problemsOf([end('yudu-lyj', 'ganzhou-sfj')])).toEqual([[2, 'ORGAN_OF_ANOTHER_LEVEL', 'successor']]);
  expect(problemsOf([end('yudu-lyj', 'xingguo-xzspj')])).toEqual([[2, 'ORGAN_OF_ANOTHER_DIVISION', 'successor']]);
  expect(problemsOf([end('yudu-lyj', 'yudu-swj', '', '2026-03-01')])).toEqual([[2, 'DAY_PASSED', 'valid_from']]);
  expect(problemsOf([end('yudu-lyj', 'yudu-swj', 'yd2022-1-07')])).toEqual([[2, 'ORGAN_SHARE_UNFIT', 'matters']]);
  expect(problemsOf([end('yudu-lyj', 'yudu-swj'), end('yudu-lyj', 'yudu-slj')])).toEqual([
    [2, 'ORGAN_SHARE_UNFIT', 'matters'],
  ]);
  const twice = [end('yudu-lyj', 'yudu-swj'), end('yudu-lyj', 'yudu-slj', 'yd2022-1-07 yd2022-1-07')];
  expect(problemsOf(twice)).toEqual([[2, 'ORGAN_SHARE_UNFIT', 'matters']]);
  expect(problemsOf([end('yudu-lyj', 'yudu-swj'), end('yudu-lyj', 'yudu-slj', 'yd2022-9-99')])).toEqual([
    [3, 'MATTER_UNKNOWN', 'matters'],
  ]);
  expect(problemsOf(['yudu-lyj,2026-07-01,RENAME,,,,,,,'])).toEqual([[2, 'VALUE_MISSING', 'name']]);
  expect(problemsOf(['yudu-lyj,2026-02-30,RENAME,新,,,,,,'])).toEqual([[2, 'DAY_INVALID', 'valid_from']]);
  expect(problemsOf(['yudu-lyj,2026-07-01,RENAME,新,,,,,yudu-swj,'])).toEqual([[2, 'VALUE_UNKNOWN', 'successor']]);
  expect(problemsOf([organLine('yudu-new', '于都县新局', '11000000000000123W')])).toEqual([
    [2, 'ORGAN_EXISTS', 'uscc'],
  ]);
});

const organLine = (id: string, name: string, uscc: string) => `${id},2026-07-01,ENTER,${name},COUNTY,360731,${uscc},,,`;

test('what is entered already changes nothing, and an end is not changed any more', () => {
  const shares = [{ organ: 'yudu-lyj', successor: 'yudu-swj', from: '2026-07-01', matters: null }];
  expect(apply([end('yudu-lyj', 'yudu-swj')], shares)).toMatchObject({ unchanged: 1, differences: [], problems: [] });
  expect(problemsOf([end('yudu-lyj', 'yudu-slj')], shares)).toEqual([[2, 'ORGAN_OVER', 'organ']]);
  expect(problemsOf([end('yudu-slj', 'yudu-lyj', '', '2026-08-01')], shares)).toEqual([[2, 'ORGAN_OVER', 'successor']]);
  expect(problemsOf(['yudu-lyj,2026-07-01,RENAME,新,,,,,,'], shares)).toEqual([[2, 'ORGAN_OVER', 'organ']]);
  // A chain: the successor may end later.
  expect(problemsOf([end('yudu-swj', 'yudu-slj', '', '2026-08-01')], shares)).toEqual([]);
});

test('the matters of a former organ pass to its successors from their first day, also in later periods', () => {
  const matter = matterOf('yd2022-1-07');
  const share = (successor: string, of: readonly string[] | null = null): Succession => ({
    ...{ organ: 'yudu-lyj', successor, from: '2026-07-01', matters: of },
  });
  const moved = succeedMatter(matter, [share('yudu-zrzyj')]);
  expect(moved.periods.map(({ countyOrgan, validFrom, validTo }) => [countyOrgan, validFrom, validTo])).toEqual([
    ['yudu-lyj', matter.periods[0]?.validFrom ?? null, '2026-06-30'],
    ['yudu-zrzyj', '2026-07-01', null],
  ]);
  const split = succeedMatter(matter, [share('yudu-zrzyj'), share('yudu-slj', ['yd2022-1-07'])]);
  expect(split.periods.at(-1)).toMatchObject({ countyOrgan: 'yudu-slj', runningCases: 'FOLLOW' });
  expect(succeedMatter(matter, [{ ...share('yudu-slj'), organ: 'yudu-swj' }])).toBe(matter);
  const [first] = matter.periods;
  if (!first) throw new Error('no period');
  const later = { ...first, validFrom: '2026-09-01', validTo: null };
  const planned = { ...matter, periods: [{ ...first, validTo: '2026-08-31' }, later] };
  const both = succeedMatter(planned, [share('yudu-zrzyj')]);
  expect(both.periods.map(({ countyOrgan, validFrom, validTo }) => [countyOrgan, validFrom, validTo])).toEqual([
    ['yudu-lyj', first.validFrom, '2026-06-30'],
    ['yudu-zrzyj', '2026-07-01', '2026-08-31'],
    ['yudu-zrzyj', '2026-09-01', null],
  ]);
});
