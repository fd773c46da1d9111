import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMatters, readOrgans } from '../../seeds/load.ts';
import { isWithin } from '../../subgraphs/kernel/day.ts';
import type { RefusalCode } from '../../subgraphs/kernel/refusal.ts';
import { MAX_CSV_CHARS, MAX_LINES, parseList } from '../../subgraphs/matters/import/csv.ts';
import { applyList, type ImportResult, MAX_PERIODS } from '../../subgraphs/matters/import/import.ts';
import {
  buildMatter,
  findDelegation,
  findLegalBasis,
  getOutcome,
  listDelegations,
  type Matter,
} from '../../subgraphs/matters/matter.ts';

const TODAY = '2026-03-02';
const organs = new Map(readOrgans().map((organ) => [organ.id, organ]));
const plan = new Map(readMatters().map((row) => [row.id, buildMatter(row)]));

/** Applies a list to the matters. Returns the verdict, with all problems in the order of the lines. */
function judge(csv: string, matters: ReadonlyMap<string, Matter> = plan): ImportResult {
  const parsedList = parseList(csv);
  const verdict = applyList(parsedList.lines, { matters, organs, today: TODAY });
  const problems = [...parsedList.problems, ...verdict.problems].sort((a, b) => a.line - b.line);
  return { ...verdict, problems };
}

/** Returns the plan after the lists. Each list must be valid. */
function planAfter(...arbitraryLists: string[]): Map<string, Matter> {
  const matters = new Map(plan);
  for (const list of arbitraryLists) {
    const { problems, matters: changed } = judge(list, matters);
    expect(problems).toEqual([]);
    for (const matter of changed) matters.set(matter.row.id, matter);
  }
  return matters;
}

function matterAfter(id: string, ...arbitraryLists: string[]): Matter {
  const matter = planAfter(...arbitraryLists).get(id);
  if (!matter) throw new Error(`no matter ${id}`);
  return matter;
}

function vectors(folder: 'valid' | 'invalid') {
  const home = new URL(`../vectors/${folder}/`, import.meta.url);
  return readdirSync(home)
    .filter((file) => file.startsWith('delegation-list.'))
    .map((file) => ({
      rule: file.replace(/^delegation-list\.(.*)\.csv$/, '$1'),
      csv: readFileSync(new URL(file, home), 'utf8'),
    }));
}

type ProblemKey = [line: number, column: string | null, code: RefusalCode];
/** Every bad line of each vector: line, column, code. */
const INVALID: Record<string, ProblemKey[]> = {
  'broken-line': [2, 3, 4, 5].map((line) => [line, null, 'LINE_BROKEN'] as const satisfies ProblemKey),
  'column-absent': [[1, 'valid_from', 'COLUMN_MISSING']],
  'column-twice': [[1, 'mode', 'COLUMN_TWICE']],
  'column-unknown': [
    [1, 'county_organ_id', 'COLUMN_UNKNOWN'],
    [3, 'matter', 'MATTER_UNKNOWN'],
  ],
  'control-character': [[2, 'outcome_name', 'FIELD_MALFORMED']],
  'day-before-the-current-period': [
    [2, 'valid_from', 'DAY_IN_CLOSED_PERIOD'],
    [3, 'valid_from', 'DAY_IN_CLOSED_PERIOD'],
  ],
  'day-not-real': [
    ...[2, 3, 4, 5].map((line) => [line, 'valid_from', 'DAY_INVALID'] as const satisfies ProblemKey),
    [6, 'valid_from', 'VALUE_MISSING'],
  ],
  'ending-with-other-organs': [
    [2, 'county_organ', 'MODE_ENDS_ALONE'],
    [3, 'running_cases', 'MODE_ENDS_ALONE'],
  ],
  'legal-basis-without-source': [
    [2, 'legal_basis_source', 'VALUE_MISSING'],
    [3, 'legal_basis', 'VALUE_MISSING'],
  ],
  'line-twice': [[4, 'matter', 'LINE_TWICE']],
  'line-without-change': [[2, null, 'LINE_WITHOUT_CHANGE']],
  'matter-unknown': [
    [2, 'matter', 'MATTER_UNKNOWN'],
    [3, 'matter', 'VALUE_MISSING'],
  ],
  'mode-ends-nothing': [[3, 'mode', 'MODE_ENDS_NOTHING']],
  'mode-missing-after-an-end': [[3, 'mode', 'MODE_MISSING']],
  'organ-of-another-county': [[2, 'county_organ', 'ORGAN_OF_ANOTHER_DIVISION']],
  'organ-of-another-level': ['city_organ', 'county_organ', 'city_industry', 'county_industry'].map(
    (column) => [2, column, 'ORGAN_OF_ANOTHER_LEVEL'] as const satisfies ProblemKey,
  ),
  'organ-unknown': ['city_organ', 'county_organ', 'city_industry', 'county_industry'].map(
    (column) => [2, column, 'ORGAN_UNKNOWN'] as const satisfies ProblemKey,
  ),
  'outcome-incoherent': [
    [2, 'license_type', 'OUTCOME_INCOHERENT'],
    [2, 'license_action', 'OUTCOME_INCOHERENT'],
    [2, 'validity_months', 'OUTCOME_INCOHERENT'],
    [3, 'license_type', 'OUTCOME_INCOHERENT'],
    [4, 'license_type', 'OUTCOME_INCOHERENT'],
  ],
  'value-unknown': ['mode', 'outcome_kind', 'license_type', 'validity_months', 'license_action', 'running_cases'].map(
    (column) => [2, column, 'VALUE_UNKNOWN'] as const satisfies ProblemKey,
  ),
};

describe('an invalid list', () => {
  test.each(vectors('invalid'))('$rule: names every bad line', ({ rule, csv }) => {
    const problemKeys = judge(csv).problems.map(({ line, column, code }) => JSON.stringify([line, column, code]));
    expect(problemKeys.toSorted()).toEqual(INVALID[rule]?.map((entry) => JSON.stringify(entry)).toSorted());
    for (const { message } of judge(csv).problems) expect(message).toMatch(/[\u4e00-\u9fff].*。$/);
  });

  test('every rule has its vector', () => {
    expect(
      vectors('invalid')
        .map(({ rule }) => rule)
        .toSorted(),
    ).toEqual(Object.keys(INVALID).toSorted());
  });

  test('limits characters, lines and names, and refuses an empty list', () => {
    const header = 'matter,valid_from,outcome_name\n';
    expect(() => parseList('x'.repeat(MAX_CSV_CHARS + 1))).toThrow('清单过大');
    expect(() => parseList(header + 'a,2026-07-01,b\n'.repeat(MAX_LINES))).toThrow('清单过大');
    expect(parseList(header + 'a,2026-07-01,b\n'.repeat(MAX_LINES - 1)).problems).toHaveLength(MAX_LINES - 2);
    for (const empty of ['', '\ufeff\n\n', header, `${header}\n,,\n`])
      expect(() => parseList(empty)).toThrow('没有内容');
    expect(judge(`${header}yd2022-3-01,2026-07-01,${'证'.repeat(101)}`).problems).toMatchObject([
      { line: 2, column: 'outcome_name', code: 'FIELD_TOO_LONG' },
    ]);
  });

  test('limits the periods of a matter', () => {
    const days = Array.from({ length: MAX_PERIODS }, (_, i) => new Date(Date.UTC(2027, 0, 1 + i)).toISOString());
    const lines = days.map((day, i) => `yd2022-3-01,${day.slice(0, 10)},${i % 2 ? 'DIRECT' : 'SUBSTANTIVE_REVIEW'}`);
    const { problems } = judge(`matter,valid_from,mode\n${lines.join('\n')}`);
    expect(problems).toMatchObject([{ line: MAX_PERIODS + 1, column: 'valid_from', code: 'HISTORY_TOO_LONG' }]);
  });
});

describe('a valid list', () => {
  test.each(vectors('valid'))(
    '$rule: each line changes something, and nothing when the list is applied again',
    ({ csv }) => {
      const { changes, problems } = judge(csv);
      expect(problems).toEqual([]);
      const filledLines = csv.split(/\r?\n/).flatMap((text, i) => (text === '' ? [] : i + 1));
      expect(changes.map((change) => change.line)).toEqual(filledLines.slice(1));
      const again = judge(csv, planAfter(csv));
      expect([again.changes, again.matters, again.problems, again.unchanged]).toEqual([[], [], [], changes.length]);
    },
  );

  test('names each changed field with old value, new value, first day, and last day if a later period exists', () => {
    const later = 'matter,valid_from,mode\nyd2022-3-01,2028-01-01,DIRECT\n';
    const list = 'matter,valid_from,county_organ,city_industry\nyd2022-3-01,2026-07-01,yudu-xzspj,ganzhou-swj\n';
    expect(judge(list, planAfter(later)).changes).toEqual([
      {
        line: 2,
        matterId: 'yd2022-3-01',
        validFrom: '2026-07-01',
        runningCases: 'FOLLOW',
        fields: [
          { field: 'county_organ', before: 'yudu-zrzyj', after: 'yudu-xzspj', validTo: '2027-12-31' },
          { field: 'city_industry', before: 'ganzhou-zrzyj', after: 'ganzhou-swj', validTo: null },
        ],
      },
    ]);
  });

  test('a new industry organ or outcome changes neither the delegation nor running cases', () => {
    const list = 'matter,valid_from,city_industry,outcome_name\nyd2022-3-25,2026-07-01,ganzhou-scjgj,新证\n';
    expect(judge(list).changes).toMatchObject([
      {
        runningCases: null,
        fields: [
          { field: 'city_industry', before: null, after: 'ganzhou-scjgj' },
          { field: 'outcome_name', before: '第三类医疗器械经营许可证', after: '新证' },
        ],
      },
    ]);
    const matter = matterAfter('yd2022-3-25', list);
    expect(matter.periods).toHaveLength(1);
    expect(
      [getOutcome(matter, '2026-06-30'), getOutcome(matter, '2026-07-01')].map((entry) => entry.outcome.name),
    ).toEqual(['第三类医疗器械经营许可证', '新证']);
  });

  test('replaces the legal basis from a day on: the earlier one ends and stays, and neither is a sample', () => {
    const header = 'matter,valid_from,legal_basis,legal_basis_source\n';
    const list = `${header}yd2022-1-07,2026-07-01,《甲法》第一条,核对\nyd2022-1-07,2027-01-01,NONE,NONE\n`;
    const matter = matterAfter('yd2022-1-07', list);
    const onDays = ['2026-06-30', '2026-07-01', '2026-12-31', '2027-01-01'].map((day) => findLegalBasis(matter, day));
    const basis = { text: '《甲法》第一条', source: '核对', isSample: false, validFrom: '2026-07-01' };
    const current = { ...basis, validTo: '2026-12-31' };
    expect(onDays).toEqual([null, current, current, null]);
    expect(judge(list).changes[0]?.fields).toEqual([
      { field: 'legal_basis', before: null, after: basis.text, validTo: null },
      { field: 'legal_basis_source', before: null, after: basis.source, validTo: null },
    ]);
  });

  test('ends a mode with a last day; a later list can begin a mode with the same organs', () => {
    const end = 'matter,valid_from,mode\nyd2022-1-07,2026-07-01,END\n';
    expect(judge(end).changes).toMatchObject([
      { runningCases: 'STAY', fields: [{ field: 'mode', before: 'DIRECT', after: 'END' }] },
    ]);
    const endedMatter = matterAfter('yd2022-1-07', end);
    expect(listDelegations(endedMatter).map((entry) => [entry.validFrom, entry.validTo])).toEqual([
      ['2022-06-01', '2026-06-30'],
    ]);
    expect([findDelegation(endedMatter, '2026-06-30')?.mode, findDelegation(endedMatter, '2026-07-01')]).toEqual([
      'DIRECT',
      null,
    ]);
    const again = matterAfter('yd2022-1-07', end, 'matter,valid_from,mode\nyd2022-1-07,2027-01-01,DIRECT\n');
    expect(findDelegation(again, '2026-12-31')).toBeNull();
    expect(findDelegation(again, '2027-01-01')).toMatchObject({ mode: 'DIRECT', countyOrgan: 'yudu-lyj' });
  });

  test('may come late, but not before the current period; a period may be corrected from its first day', () => {
    const first = 'matter,valid_from,county_organ\nyd2022-1-07,2025-06-01,yudu-xzspj\n';
    expect(matterAfter('yd2022-1-07', first).periods.map((entry) => entry.validTo)).toEqual(['2025-05-31', null]);
    const earlierList = 'matter,valid_from,county_organ\nyd2022-1-07,2025-05-31,yudu-slj\n';
    expect(judge(earlierList, planAfter(first)).problems).toMatchObject([{ code: 'DAY_IN_CLOSED_PERIOD' }]);
    const correctedMatter = matterAfter('yd2022-1-07', first, earlierList.replace('2025-05-31', '2025-06-01'));
    expect(correctedMatter.periods.map((entry) => entry.countyOrgan)).toEqual(['yudu-lyj', 'yudu-slj']);
  });

  test('running cases follow unless a list says STAY, and a later list may change that', () => {
    const stay = 'matter,valid_from,county_organ,running_cases\nyd2022-1-07,2026-07-01,yudu-xzspj,STAY\n';
    expect(judge(stay).changes).toMatchObject([{ runningCases: 'STAY' }]);
    const silent = 'matter,valid_from,county_organ\nyd2022-1-07,2026-07-01,yudu-xzspj\n';
    expect(judge(silent, planAfter(stay))).toMatchObject({ changes: [], unchanged: 1 });
    const follow = 'matter,valid_from,running_cases\nyd2022-1-07,2026-07-01,FOLLOW\n';
    expect(judge(follow, planAfter(stay)).changes).toMatchObject([
      { runningCases: 'FOLLOW', fields: [{ field: 'running_cases', before: 'STAY', after: 'FOLLOW' }] },
    ]);
  });
});

/** Generates lines in any order. Some of them are invalid. */
const cell = <Value extends string>(...values: Value[]) => fc.constantFrom('', ...values);
const line = fc
  .record({
    matter: fc.constantFrom('yd2022-1-07', 'yd2022-3-01', 'yd2022-3-25'),
    day: fc.integer({ min: 0, max: 40 }).map((n) => new Date(Date.UTC(2026, n, 1)).toISOString().slice(0, 10)),
    mode: cell('DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD', 'END'),
    county: cell('yudu-xzspj', 'yudu-lyj', 'yudu-zrzyj'),
    industry: cell('yudu-lyj', 'yudu-zrzyj', 'NONE'),
    outcome: cell('甲证', '乙证'),
    running: cell('FOLLOW', 'STAY'),
  })
  .map((entry) => Object.values(entry).join(','));
const arbitraryLists = fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });

test('any lists: histories have no gap or overlap, each day has one outcome, a repeated list changes nothing', () => {
  const header = 'matter,valid_from,mode,county_organ,county_industry,outcome_name,running_cases';
  fc.assert(
    fc.property(arbitraryLists, (generatedLists) => {
      const matters = new Map(plan);
      for (const lines of generatedLists) {
        const csv = [header, ...lines].join('\n');
        const verdict = judge(csv, matters);
        if (verdict.problems.length > 0) continue;
        for (const matter of verdict.matters) matters.set(matter.row.id, matter);
        expect(judge(csv, matters)).toMatchObject({ changes: [], matters: [], problems: [] });
        for (const matter of verdict.matters) expect(faultsOf(matter)).toEqual([]);
      }
    }),
    { numRuns: 300 },
  );
});

/** Returns neighbouring periods that do not meet, and sample days without exactly one outcome. */
function faultsOf(matter: Matter): string[] {
  const ofLevel = (level: string) => matter.industryOrgans.filter((entry) => entry.level === level);
  const unmetPeriods = [matter.periods, matter.outcomes, ofLevel('CITY'), ofLevel('COUNTY')].flatMap((history) =>
    history.flatMap((entry, i) => {
      const next = history[i + 1];
      if (!next) return entry.validTo === null ? [] : ['the last period ends'];
      const [last, first] = [Date.parse(entry.validTo ?? ''), Date.parse(next.validFrom ?? '')];
      return first - last === 86_400_000 ? [] : [`${entry.validTo} and ${next.validFrom} do not meet`];
    }),
  );
  const daysWithoutOutcome = ['1900-01-01', TODAY, '2100-01-01'].filter(
    (day) => matter.outcomes.filter((entry) => isWithin(day, entry.validFrom, entry.validTo)).length !== 1,
  );
  return [...unmetPeriods, ...daysWithoutOutcome];
}
