import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readLegalBases, readMatters, readOrgans } from '../../seeds/load.ts';
import { isUscc } from '../../subgraphs/kernel/identity/uscc.ts';
import { dayBefore, type MatterRow } from '../../subgraphs/matters/matter.ts';

/** Parses the text of the plan with an independent parser and compares it with the checked-in matters. */

const readSeed = (file: string) => readFileSync(new URL(`../../seeds/${file}`, import.meta.url), 'utf8');

const COLUMNS: Record<number, readonly string[]> = {
  1: ['序号', '市级实施单位', '县级承接单位', '主项名称', '子项名称', '备注'],
  2: ['序号', '市级实施单位', '县级承接单位', '主项名称', '子项名称', '权力类型', '备注'],
  3: ['序号', '市级实施单位', '县级承接单位', '主项名称', '子项名称', '权力类型', '备注'],
};
const MODES: Record<number, string> = { 1: 'DIRECT', 2: 'SUBSTANTIVE_REVIEW', 3: 'WINDOW_FORWARD' };
const POWER_TYPES: Record<string, string> = {
  行政许可: 'LICENSE',
  行政确认: 'CONFIRMATION',
  '其他行政权力-备案': 'FILING',
  '其他行政权力-其他': 'OTHER',
};

/** Returns the cells of every printed row of annexes 1 to 3, by `annex-row`. */
function readPlan(): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  let annex = 0;
  for (const line of readSeed('yudu-2022-30.txt').split(/\r?\n/)) {
    const heading = /^附件 ?(\d):?\s*$/.exec(line);
    if (heading) annex = Number(heading[1]);
    const cells = line.split('\t');
    if (annex in COLUMNS && /^\d+$/.test(cells[0] ?? '')) rows.set(`${annex}-${cells[0]}`, cells);
  }
  return rows;
}

const plan = readPlan();
const matters = readMatters();
const organs = readOrgans();
const organLines = readSeed('organs.csv').trim().split('\n').slice(1);
const organByPrintedName = new Map(
  organLines
    .map((line) => line.split(','))
    .flatMap(([id = '', printed = '']) => printed.split(' ').map((name) => [name, id] as const)),
);

function matterAt(annex: number, row: number): MatterRow {
  const matter = matters.find((entry) => entry.annex === annex && entry.row === row);
  if (!matter) throw new Error(`no matter ${annex}-${row}`);
  return matter;
}
const rowsOf = (annex: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => matterAt(annex, from + i));
const printedCell = (matter: MatterRow, column: string) =>
  matter.printed.find((entry) => entry.column === column)?.text;
const correctionOf = (matter: MatterRow, field: string) => matter.corrections.find((entry) => entry.field === field);

/** Returns the fields of a matter in the words of the plan. */
function wordsOf(matter: MatterRow): Record<string, string> {
  const printedName = (id: string) => [...organByPrintedName].find(([, organ]) => organ === id)?.[0] ?? `? ${id}`;
  const powerType = Object.entries(POWER_TYPES).find(([, code]) => code === matter.powerType)?.[0] ?? '?';
  return {
    cityOrgan: printedName(matter.cityOrgan),
    countyOrgan: printedName(matter.countyOrgan),
    mainItem: matter.mainItem,
    subItem: matter.subItem ?? '',
    powerType,
  };
}

describe('the plan is complete', () => {
  test('the annexes print 10, 45 and 53 rows, and there is a matter for each', () => {
    const count = (keys: Iterable<number>) =>
      [1, 2, 3].map((annex) => [...keys].filter((entry) => entry === annex).length);
    expect(count([...plan.keys()].map((key) => Number(key.charAt(0))))).toEqual([10, 45, 53]);
    expect(count(matters.map((entry) => entry.annex))).toEqual([10, 45, 53]);
    expect(new Set(matters.map((entry) => entry.id)).size).toBe(108);
  });

  test('a matter is named after its annex and row', () => {
    for (const { id, annex, row } of matters) expect(id).toBe(`yd2022-${annex}-${String(row).padStart(2, '0')}`);
  });

  test('the mode is that of the annex; only annex 1 is dated, the others are flagged', () => {
    for (const { annex, mode, validFrom, flags } of matters) {
      expect(mode).toBe(MODES[annex]);
      expect(validFrom).toBe(annex === 1 ? '2022-06-01' : null);
      expect(flags.some((flag) => flag.includes('未载明本事项的施行日期'))).toBe(annex !== 1);
    }
  });
});

describe('matter = printed + corrections', () => {
  test.each(matters)('$id', (matter) => {
    const columns = COLUMNS[matter.annex] ?? [];
    const line = plan.get(`${matter.annex}-${matter.row}`);
    expect(line).toHaveLength(columns.length);
    expect(matter.printed).toEqual(columns.map((column, i) => ({ column, text: line?.[i] })));

    const words = wordsOf(matter);
    const columnOf: Record<string, string> = {
      cityOrgan: '市级实施单位',
      countyOrgan: '县级承接单位',
      mainItem: '主项名称',
      subItem: '子项名称',
      powerType: matter.annex === 1 ? '备注' : '权力类型',
    };
    const fields = matter.corrections.map((entry) => entry.field);
    expect(new Set(fields).size, 'one correction per field').toBe(fields.length);
    expect(Object.keys(columnOf)).toEqual(expect.arrayContaining(fields));
    for (const [field, column] of Object.entries(columnOf)) {
      const correction = correctionOf(matter, field);
      if (!correction) {
        expect(words[field], `${field} to the letter`).toBe(printedCell(matter, column));
        continue;
      }
      expect(correction.printed, `${field} as printed`).toBe(printedCell(matter, column));
      expect(words[field], `${field} as corrected`).toBe(correction.corrected);
      expect(correction.corrected).not.toBe(correction.printed);
      expect(correction.reason).not.toBe('');
    }
  });
});

describe('how irregular rows are read', () => {
  test('a blank main item takes the item above it in the same annex', () => {
    let previousMatter: MatterRow | null = null;
    let inheritedCount = 0;
    for (const matter of matters) {
      if (previousMatter?.annex !== matter.annex) expect(printedCell(matter, '主项名称')).not.toBe('');
      else if (printedCell(matter, '主项名称') === '' && !(matter.annex === 3 && matter.row === 31)) {
        expect(matter.mainItem).toBe(previousMatter.mainItem);
        expect(correctionOf(matter, 'mainItem')?.reason).toContain('合并单元格');
        inheritedCount++;
      }
      previousMatter = matter;
    }
    const blankCount = [...plan.values()].filter((cells) => cells[3] === '').length;
    expect(inheritedCount).toBe(blankCount - 1);
    expect(matterAt(1, 3).mainItem).toBe('办理公路水运工程质量监督手续');
    expect(matterAt(2, 12).mainItem).toBe('不动产统一登记');
    expect(matterAt(3, 53).mainItem).toBe('权限内企业投资项目核准');
  });

  test('annex 3 row 31 is shifted by one cell, and its remark is lost', () => {
    const shiftedMatter = matterAt(3, 31);
    expect(plan.get('3-31')?.slice(3)).toEqual(['', '药品零售企业许可', '药品零售企业许可（新办）', '行政许可']);
    expect(shiftedMatter).toMatchObject({
      mainItem: '药品零售企业许可',
      subItem: '药品零售企业许可（新办）',
      powerType: 'LICENSE',
    });
    expect(shiftedMatter.corrections.map((entry) => entry.field)).toEqual(['mainItem', 'subItem', 'powerType']);
    expect(shiftedMatter.flags).toContainEqual(expect.stringContaining('备注缺失'));
  });

  test('annex 3 rows 32–36 are sub-items of 药品零售企业许可, not of the medical devices above', () => {
    for (const matter of rowsOf(3, 32, 36)) {
      expect(matter.mainItem).toBe('药品零售企业许可');
      expect(matter.subItem).toBe(printedCell(matter, '主项名称'));
      expect(matter.corrections.map((entry) => entry.field)).toEqual(['mainItem', 'subItem']);
      expect(matter.outcome.name).not.toContain('医疗器械');
    }
    const actions = rowsOf(3, 31, 36).map((entry) => entry.licenseAction);
    expect(actions).toEqual(['ISSUE', 'RENEW', 'REISSUE', 'CANCEL', 'CHANGE', 'CHANGE']);
    expect(matters.filter((entry) => entry.mainItem === '第三类医疗器械经营许可').map((entry) => entry.row)).toEqual([
      25, 26, 27, 28, 29, 30,
    ]);
  });

  test('annex 3 row 39 says 水利局 and means 县水利局', () => {
    expect(correctionOf(matterAt(3, 39), 'countyOrgan')).toMatchObject({ printed: '水利局', corrected: '县水利局' });
    expect(matterAt(3, 39).countyOrgan).toBe(matterAt(2, 29).countyOrgan);
  });

  test('annex 3 row 40 loses its HTML tags and nothing else', () => {
    const { subItem } = matterAt(3, 40);
    const printed = plan.get('3-40')?.[4] ?? '';
    expect(printed).toContain('<p>');
    expect(subItem).not.toMatch(/[<>]/);
    expect(subItem?.replace(/\s/g, '')).toBe(printed.replace(/<\/?p>/g, '').replace(/\s/g, ''));
    expect(subItem?.split('\n')).toHaveLength(printed.split('<p>').length - 1);
  });

  test('removes the blank of a line wrap in three names of annex 3', () => {
    const wrappedMatters = matters.filter((entry) => correctionOf(entry, 'mainItem')?.reason.includes('换行'));
    expect(wrappedMatters.map((entry) => [entry.row, entry.mainItem])).toEqual([
      [16, '二手车交易市场和经营主体备案'],
      [19, '自由类进出口技术合同登记'],
      [21, '第二类医疗器械经营备案'],
    ]);
    const chinese = /\p{Script=Han} \p{Script=Han}/u;
    for (const { mainItem, subItem } of matters) expect(`${mainItem}\n${subItem}`).not.toMatch(chinese);
  });

  test('the last column of annex 1 is headed 备注 and holds the power type', () => {
    for (const matter of rowsOf(1, 1, 10)) {
      expect(POWER_TYPES[printedCell(matter, '备注') ?? '']).toBe(matter.powerType);
      expect(matter.flags).toContainEqual(expect.stringContaining('所载内容为权力类型'));
    }
  });

  test('annex 1 row 8 names another city organ than rows 9 and 10: kept, and flagged', () => {
    expect(rowsOf(1, 8, 10).map((entry) => entry.cityOrgan)).toEqual(['ganzhou-xzspj', 'ganzhou-sfj', 'ganzhou-sfj']);
    expect(correctionOf(matterAt(1, 8), 'cityOrgan')).toBeUndefined();
    expect(matterAt(1, 8).flags).toContainEqual(expect.stringContaining('市司法局'));
  });

  test('annex 2 row 24 prints 猎守证: kept, and flagged', () => {
    expect(matterAt(2, 24).subItem).toContain('猎守证');
    expect(matterAt(2, 24).flags).toContainEqual(expect.stringContaining('狩猎证'));
  });

  test('two main items appear in two annexes, under different modes', () => {
    for (const name of ['燃气经营许可证核发', '建设项目环境影响评价审批']) {
      const modes = matters.filter((entry) => entry.mainItem === name).map((entry) => entry.mode);
      expect(modes).toEqual(['SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD']);
    }
  });
});

describe('industry organs', () => {
  test('an approval bureau does not supervise: null in 42 rows of the city, in 17 of the county', () => {
    const city = [...plan.values()].filter((cells) => cells[1] === '市行政审批局').length;
    const county = [...plan.values()].filter((cells) => cells[2] === '县行政审批局').length;
    expect([city, county]).toEqual([42, 17]);
    expect(matters.filter((entry) => entry.cityIndustry === null)).toHaveLength(42);
    expect(matters.filter((entry) => entry.countyIndustry === null)).toHaveLength(17);
  });

  test("the industry organ is the plan's organ, unless that is an approval bureau", () => {
    for (const { cityOrgan, countyOrgan, cityIndustry, countyIndustry } of matters) {
      expect(cityIndustry).toBe(cityOrgan === 'ganzhou-xzspj' ? null : cityOrgan);
      expect(countyIndustry).toBe(countyOrgan === 'yudu-xzspj' ? null : countyOrgan);
    }
  });
});

describe('license action and outcome of a sub-item', () => {
  const ACTIONS: readonly [RegExp, string][] = [
    [/注销/, 'CANCEL'],
    [/变更/, 'CHANGE'],
    [/延续|换证/, 'RENEW'],
    [/补发|补办|补证/, 'REISSUE'],
    [/保留/, 'RETAIN'],
    [/转让/, 'TRANSFER'],
    [/./, 'ISSUE'],
  ];

  test('the action follows from the words; a decision has no license action', () => {
    for (const { id, mainItem, subItem, licenseAction, outcome } of matters) {
      const words = subItem ?? mainItem;
      const expected = ACTIONS.find(([pattern]) => pattern.test(words))?.[1];
      expect([id, licenseAction]).toEqual([id, outcome.kind === 'DECISION' ? null : expected]);
      expect(outcome.licenseType === null).toBe(outcome.kind === 'DECISION');
      if (outcome.kind === 'DECISION') expect(outcome.validityMonths).toBeNull();
    }
  });

  test('for each matter that acts on a license, another matter issues that license', () => {
    for (const { licenseAction, outcome } of matters) {
      if (licenseAction === null || licenseAction === 'ISSUE') continue;
      const issuingMatters = matters.filter((entry) => entry.licenseAction === 'ISSUE');
      expect(issuingMatters.map((entry) => entry.outcome)).toContainEqual(outcome);
    }
  });

  test('each license has one type code; its defining organ is a test organ that is not in the plan', () => {
    const licenses = matters.flatMap(({ outcome }) => (outcome.licenseType ? [outcome] : []));
    const names = new Set(licenses.map((entry) => entry.name));
    const types = new Set(licenses.map((entry) => entry.licenseType));
    expect(new Set(licenses.map((entry) => `${entry.name} ${entry.licenseType}`)).size).toBe(names.size);
    expect(types.size).toBe(names.size);
    const definingOrgans = [...new Set([...types].map((type) => type?.slice(0, 18) ?? ''))];
    for (const code of definingOrgans) {
      expect(isTestCode(code)).toBe(true);
      expect(organs.map((organ) => organ.uscc)).not.toContain(code);
    }
  });

  test('the filing of second-class medical devices ends in a filing certificate, changed and cancelled like a license', () => {
    const filings = rowsOf(3, 21, 24);
    expect(filings.map((entry) => entry.licenseAction)).toEqual(['ISSUE', 'CHANGE', 'REISSUE', 'CANCEL']);
    for (const { outcome } of filings) {
      expect(outcome).toMatchObject({ kind: 'FILING_CERTIFICATE', name: '第二类医疗器械经营备案凭证' });
    }
  });

  test('the outcome does not follow from the power type', () => {
    const kinds = Map.groupBy(matters, (entry) => entry.powerType);
    for (const type of ['LICENSE', 'CONFIRMATION', 'OTHER'] as const) {
      expect(new Set(kinds.get(type)?.map((entry) => entry.outcome.kind)).size, type).toBeGreaterThan(1);
    }
  });
});

/** The check character of an organisation code (组织机构代码, GB 11714-1997) over its first 8 characters. */
function organisationCodeCheck(body: string): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const sum = [3, 7, 9, 10, 5, 8, 4, 2].reduce(
    (total, weight, i) => total + weight * alphabet.indexOf(body.charAt(i)),
    0,
  );
  const check = 11 - (sum % 11);
  return check === 10 ? 'X' : String(check % 11);
}

/** Returns true for a USCC of division 000000 whose two check characters are valid. */
function isTestCode(code: string): boolean {
  return isUscc(code) && code.slice(2, 8) === '000000' && organisationCodeCheck(code.slice(8, 16)) === code.charAt(16);
}

describe('legal bases', () => {
  const bases = readLegalBases();

  test('every matter has one on every day, and each says that it is a sample: the plan names none', () => {
    expect([...bases.keys()]).toEqual(matters.map(({ id }) => id));
    for (const [id, periods] of bases) {
      expect(periods[0]?.validFrom, id).toBeNull();
      expect(periods.at(-1)?.validTo, id).toBeNull();
      for (const [i, { validTo }] of periods.slice(0, -1).entries())
        expect(validTo, id).toBe(dayBefore(periods[i + 1]?.validFrom ?? ''));
      for (const { text, source, isSample } of periods) {
        expect(text, id).toMatch(/^(《[^《》]+》[^《》]*)+$/);
        expect([isSample, source?.startsWith('虚构示例')], id).toEqual([true, true]);
      }
    }
  });

  test('a line that has no source is refused', () => {
    const csv = 'matter,text,source,sample,valid_from,valid_to\nyd2022-1-07,《法》,,true,,\n';
    expect(() => readLegalBases(csv)).toThrow(/line 2[\s\S]*source/);
  });
});

describe('organs', () => {
  test('each has a mark of its own for the numbers of its documents', () => {
    const marks = organs.map(({ documentMark }) => documentMark);
    expect(new Set(marks).size).toBe(organs.length);
    for (const mark of marks) expect(mark).toMatch(/^\p{Script=Han}{2,5}$/u);
  });

  test('the check character of the organisation code follows the standard', () => {
    for (const code of ['11430000006122244L', '12110000400777687U']) {
      expect(organisationCodeCheck(code.slice(8, 16))).toBe(code.charAt(16));
    }
  });

  test('an official name is the printed one with its place, abbreviations written out', () => {
    const ABBREVIATED: Record<string, string> = {
      县住建局: '于都县住房和城乡建设局',
      县市监局: '于都县市场监督管理局',
      县教科体局: '于都县教育科技体育局',
      县发改委: '于都县发展和改革委员会',
      市市场监管局: '赣州市市场监督管理局',
      县工信局: '于都县工业和信息化局',
      县委编办: '中共于都县委机构编制委员会办公室',
      县编办: '中共于都县委机构编制委员会办公室',
      县人社局: '于都县人力资源和社会保障局',
    };
    for (const [printed, id] of organByPrintedName) {
      if (printed === '') continue;
      const expectedName = ABBREVIATED[printed] ?? printed.replace(/^县/, '于都县').replace(/^市/, '赣州市');
      expect(organs.find((organ) => organ.id === id)?.name).toBe(expectedName);
    }
  });

  test('contains each organ that the plan prints once, and one organ of another county', () => {
    const organNames = new Set([...plan.values()].flatMap((cells) => [cells[1] ?? '', cells[2] ?? '']));
    organNames.delete('水利局');
    // Annex 4 and the body name four more, one of them under two names.
    for (const name of ['县工信局', '县委编办', '县编办', '县人社局', '县财政局']) organNames.add(name);
    const printed = [...organByPrintedName.keys()].filter((name) => name !== '');
    expect(printed.toSorted()).toEqual([...organNames].toSorted());
    expect(organs).toHaveLength(organNames.size - 1 + 1);
    expect(organs.filter((organ) => !['360700', '360731'].includes(organ.divisionCode))).toEqual([
      expect.objectContaining({
        id: 'xingguo-xzspj',
        name: '兴国县行政审批局',
        level: 'COUNTY',
        divisionCode: '360732',
      }),
    ]);
  });

  test.each(organs)('$name has a test code of division 000000 with good check characters', ({ uscc, level, id }) => {
    expect(isTestCode(uscc)).toBe(true);
    expect(organs.filter((organ) => organ.uscc === uscc)).toHaveLength(1);
    expect(id.startsWith('ganzhou-')).toBe(level === 'CITY');
  });
});

describe('names a malformed line', () => {
  const csv = readSeed('matters.csv');
  const [heading = '', first = ''] = csv.split('\n');
  const readDamaged = (from: string, to: string) => {
    expect(first).toContain(from);
    return () => readMatters(`${heading}\n${first.replace(from, to)}\n`);
  };

  test.each([
    ['an unknown mode', ',DIRECT,', ',WHOLE,', /line 2[\s\S]*mode/],
    ['an invalid day', '2022-06-01', '2022-02-30', /line 2[\s\S]*valid_from/],
    ['an unknown kind of outcome', 'FILING_CERTIFICATE', 'PAPER', /line 2[\s\S]*outcome_kind/],
    ['a license type of another length', 'B001,', 'B01,', /line 2[\s\S]*license_type/],
    ['a cell that is not JSON', '"[{', '"[', /line 2[\s\S]*printed/],
  ])('%s', (_what, from, to, message) => {
    expect(readDamaged(from, to)).toThrow(message);
  });

  test('a duplicate id', () => {
    expect(() => readMatters(`${heading}\n${first}\n${first}\n`)).toThrow('line 3: yd2022-1-01 stands twice');
  });

  test('an organ with a bad check character', () => {
    const line = 'a,市局,赣州市某局,CITY,360700,11000000000000019R';
    expect(() => readOrgans(`id,printed_name,name,level,division_code,uscc\n${line}\n`)).toThrow(/line 2[\s\S]*uscc/);
  });
});
