import { describe, expect, test } from 'vitest';
import { MAX_FILE_CHARS, MAX_PROBLEMS, parseGuide, parseOverlay } from '../../subgraphs/matters/guide/file.ts';
import type { GuideRefusal } from '../../subgraphs/matters/guide/guide.ts';

const GUIDE = {
  matterId: 'yd2022-1-07',
  validFrom: '2026-01-01',
  conditions: ['有林权。'],
  steps: [{ name: '受理', what: '核对材料。', limitDays: 1 }],
  materials: [{ code: 'M01', name: '申请表', form: 'ORIGINAL', copies: 2, required: true }],
  fees: [{ name: '工本费', amountFen: 1000, basis: '某文件' }],
  statutoryDays: 20,
  statutoryBasis: '某法',
  promisedDays: 10,
  counters: [{ name: '县窗口', address: '某路', hours: '工作日', phone: '0797' }],
};
const CSV_GUIDE = `part,code,name,text,form,copies,required,days,amount_fen,basis,license_type,address,hours,phone
matter,,,yd2022-1-07,,,,,,,,,,
valid_from,,,2026-01-01,,,,,,,,,,
condition,,,有林权。,,,,,,,,,,
step,,受理,核对材料。,,,,1,,,,,,
material,M01,申请表,,ORIGINAL,2,是,,,,,,,
fee,,工本费,,,,,,1000,某文件,,,,
statutory,,,,,,,20,,某法,,,,
promised,,,,,,,10,,,,,,
counter,,县窗口,,,,,,,,,某路,工作日,0797
`;

function problemsOf(run: () => unknown) {
  try {
    run();
    return [];
  } catch (error) {
    const { code, problems } = error as GuideRefusal;
    expect(code).toBe('GUIDE_FILE_INVALID');
    return problems.map(({ place, message }) => (place === '' ? message : `${place}：${message}`));
  }
}
const problemsOfJson = (change: object) =>
  problemsOf(() => parseGuide('JSON', JSON.stringify({ ...GUIDE, ...change })));
const problemsOfCsv = (change: (text: string) => string) => problemsOf(() => parseGuide('CSV', change(CSV_GUIDE)));

test('both formats give the same guide', () => {
  expect(parseGuide('CSV', CSV_GUIDE)).toEqual(parseGuide('JSON', JSON.stringify(GUIDE)));
  expect(parseGuide('CSV', `\ufeff${CSV_GUIDE.replaceAll('\n', '\r\n')}`)).toEqual(parseGuide('CSV', CSV_GUIDE));
  expect(parseGuide('CSV', CSV_GUIDE)).toMatchObject({ sample: false, note: null, materials: [{ licenseType: null }] });
});

test('situations are named in both formats, or the guide has none', () => {
  const named = parseGuide('JSON', JSON.stringify({ ...GUIDE, situations: ['ISSUE', 'CHANGE'] }));
  expect(named.situations).toEqual(['ISSUE', 'CHANGE']);
  const rows = ['ISSUE', 'CHANGE'].map((act) => `situation,,,${act},,,,,,,,,,\n`).join('');
  expect(parseGuide('CSV', CSV_GUIDE + rows)).toEqual(named);
  expect(Object.keys(parseGuide('JSON', JSON.stringify(GUIDE)))).not.toContain('situations');
  expect(problemsOfJson({ situations: [] })).toEqual([expect.stringContaining('situations')]);
  expect(problemsOfJson({ situations: ['MERGE'] })).toEqual([expect.stringContaining('situations[0]：应为 ISSUE')]);
  expect(problemsOfJson({ situations: ['ISSUE', 'ISSUE'] })).toEqual(['situations[1]：“ISSUE”重复']);
});

test('formats of a material are named in both formats, or the guide has none', () => {
  const [material] = GUIDE.materials;
  const withFormats = (formats: unknown) => ({ materials: [{ ...material, formats }] });
  const named = parseGuide('JSON', JSON.stringify({ ...GUIDE, ...withFormats(['PDF', 'OFD']) }));
  expect(named.materials[0]?.formats).toEqual(['PDF', 'OFD']);
  const table = CSV_GUIDE.split('\n').map(
    (row, i) => `${row}${i === 0 ? ',formats' : row.startsWith('material') ? ',PDF、OFD' : ','}`,
  );
  expect(parseGuide('CSV', table.slice(0, -1).join('\n'))).toEqual(named);
  expect(Object.keys(parseGuide('JSON', JSON.stringify(GUIDE)).materials[0] ?? {})).not.toContain('formats');
  expect(problemsOfJson(withFormats([]))).toEqual([expect.stringContaining('materials[0].formats')]);
  expect(problemsOfJson(withFormats(['EXE']))).toEqual([expect.stringContaining('materials[0].formats[0]：应为 PDF')]);
  expect(problemsOfJson(withFormats(['PDF', 'PDF']))).toEqual(['materials[0].formats[1]：“PDF”重复']);
});

test('situations of a material are named in both formats, each once, and only those of the guide', () => {
  const [material] = GUIDE.materials;
  const withSituations = (situations: unknown) => ({ materials: [{ ...material, situations }] });
  const named = parseGuide('JSON', JSON.stringify({ ...GUIDE, ...withSituations(['ISSUE', 'REISSUE']) }));
  expect(named.materials[0]?.situations).toEqual(['ISSUE', 'REISSUE']);
  const table = CSV_GUIDE.split('\n').map(
    (row, i) => `${row}${i === 0 ? ',situations' : row.startsWith('material') ? ',ISSUE、REISSUE' : ','}`,
  );
  expect(parseGuide('CSV', table.slice(0, -1).join('\n'))).toEqual(named);
  expect(Object.keys(parseGuide('JSON', JSON.stringify(GUIDE)).materials[0] ?? {})).not.toContain('situations');
  expect(problemsOfJson(withSituations([]))).toEqual([expect.stringContaining('materials[0].situations')]);
  expect(problemsOfJson(withSituations(['ISSUE', 'ISSUE']))).toEqual(['materials[0].situations[1]：“ISSUE”重复']);
  const guided = (...acts: string[]) => problemsOfJson({ ...withSituations(acts), situations: ['ISSUE', 'CHANGE'] });
  expect(guided('ISSUE', 'RENEW')).toEqual(['materials[0].situations[1]：指南不办理“延续”']);
  // An error is corrected whatever situations the guide names.
  expect(guided('CORRECT')).toEqual([]);
});

test('both formats give the same overlay', () => {
  const overlay = {
    matterId: 'm',
    version: 2,
    divisionCode: '360731',
    validFrom: '2026-01-01',
    sample: true,
    note: '示例',
    removeMaterials: ['M02'],
    removeSteps: ['公示'],
    materials: [{ code: 'M01', copies: 1, required: false }],
    steps: [{ name: '审查', limitDays: 3 }],
    fees: [{ name: '工本费', amountFen: 0 }],
    promisedDays: 5,
    counters: [],
  };
  const table = `part,code,name,text,copies,required,days,amount_fen
matter,,,m,,,,
version,,,2,,,,
division,,,360731,,,,
valid_from,,,2026-01-01,,,,
sample,,,true,,,,
note,,,示例,,,,
remove_material,M02,,,,,,
remove_step,,公示,,,,,
material,M01,,,1,否,,
step,,审查,,,,3,
fee,,工本费,,,,,0
promised,,,,,,5,
`;
  expect(parseOverlay('CSV', table)).toEqual(parseOverlay('JSON', JSON.stringify(overlay)));
  expect(parseOverlay('CSV', table)).toMatchObject(overlay);
});

describe('JSON: names every bad path', () => {
  test.each([
    ['a fee without a basis', { fees: [{ name: '工本费', amountFen: 1000 }] }, ['fees[0].basis：未填写']],
    [
      'a fee with an empty basis',
      { fees: [{ name: '工本费', amountFen: 1000, basis: ' ' }] },
      ['fees[0].basis：未填写'],
    ],
    [
      'a promise longer than the statutory limit',
      { promisedDays: 21 },
      ['promisedDays：承诺时限 21 个工作日长于法定时限 20 个工作日'],
    ],
    ['a statutory limit without a basis', { statutoryBasis: null }, ['statutoryBasis：法定时限须写明依据']],
    ['a sample without a note', { sample: true }, ['note：示例须在说明中写明是示例']],
    ['a duplicate material', { materials: [GUIDE.materials[0], GUIDE.materials[0]] }, ['materials[1]：“M01”重复']],
    ['a duplicate step', { steps: [GUIDE.steps[0], GUIDE.steps[0]] }, ['steps[1]：“受理”重复']],
    [
      'an unknown form',
      { materials: [{ ...GUIDE.materials[0], form: 'FAX' }] },
      ['materials[0].form：应为 ORIGINAL、COPY、ORIGINAL_SEEN、ELECTRONIC 之一'],
    ],
    [
      'a fraction of a copy',
      { materials: [{ ...GUIDE.materials[0], copies: 0.5 }] },
      ['materials[0].copies：应为整数'],
    ],
    ['zero days', { promisedDays: 0 }, ['promisedDays：须大于 0']],
    ['an invalid day', { validFrom: '2026-02-30' }, ['validFrom：应为日期，如 2026-01-01']],
    ['an unknown field', { surprise: 1 }, ['没有此项：surprise']],
    ['a control character', { conditions: ['有\u0000'] }, ['conditions[0]：第2字 U+0000 是控制字符，请删去']],
    ['an unpaired surrogate', { conditions: ['有\ud800'] }, ['conditions[0]：第2字 U+D800 是不成对的代理码，请删去']],
    [
      'too many conditions',
      { conditions: Array.from({ length: 51 }, (_, i) => `条件${i}`) },
      ['conditions：最多 50 项'],
    ],
    ['a condition that is too long', { conditions: ['长'.repeat(501)] }, ['conditions[0]：最多 500 字']],
    ['two problems', { validFrom: 1, fees: null }, ['validFrom：应为文字', 'fees：应为列表']],
  ])('%s', (_, change, expectedProblems) => {
    expect(problemsOfJson(change)).toEqual(expectedProblems);
  });

  test('refuses files that are no guide', () => {
    expect(problemsOf(() => parseGuide('JSON', '{'))).toEqual(['不是 JSON']);
    expect(problemsOf(() => parseGuide('JSON', '[]'))).toEqual(['应为对象']);
    expect(problemsOf(() => parseGuide('JSON', ' '.repeat(MAX_FILE_CHARS + 1)))).toEqual([
      `文件最多 ${MAX_FILE_CHARS} 字`,
    ]);
  });

  test('names at most one hundred problems', () => {
    const emptyCounters = Array.from({ length: 50 }, () => ({ name: '', address: '', hours: '', phone: '' }));
    expect(problemsOfJson({ counters: emptyCounters })).toHaveLength(MAX_PROBLEMS);
  });
});

describe('CSV: names every bad line', () => {
  test.each([
    [
      'an unknown part',
      (text: string) => text.replace('fee,', 'cost,'),
      [
        '第 7 行：part 不能是“cost”，应为 matter、valid_from、sample、note、promised、counter、situation、condition、step、material、fee、statutory 之一',
      ],
    ],
    [
      'a cell that the part does not have',
      (text: string) => text.replace('promised,,,', 'promised,,,多,'.slice(0, -1)),
      ['第 9 行：promised 行没有 text 一栏，应为空'],
    ],
    ['a duplicate part', (text: string) => `${text}promised,,,,,,,9,,,,,,\n`, ['第 11 行：promised 已在第 9 行写过']],
    ['a fee without a basis', (text: string) => text.replace('某文件', ''), ['第 7 行 basis：未填写']],
    ['an invalid number', (text: string) => text.replace('ORIGINAL,2', 'ORIGINAL,两'), ['第 6 行 copies：应为整数']],
    ['neither yes nor no', (text: string) => text.replace('是', '对'), ['第 6 行 required：应为是或否']],
    [
      'a promise longer than the statutory limit',
      (text: string) => text.replace(',10,', ',21,'),
      ['第 9 行 promisedDays：承诺时限 21 个工作日长于法定时限 20 个工作日'],
    ],
    ['a duplicate material', (text: string) => `${text}material,M01,表,,COPY,1,是,,,,,,,\n`, ['第 11 行：“M01”重复']],
    ['an unknown column', (text: string) => text.replace('phone', 'fax'), ['第 1 行：没有此栏：fax']],
    ['a duplicate column', (text: string) => text.replace('phone', 'name'), ['第 1 行：name 一栏重复']],
    [
      'a missing part column',
      (text: string) => text.replace('part,', 'code,'),
      ['第 1 行：缺少 part 一栏', '第 1 行：code 一栏重复'],
    ],
    ['no matter line', (text: string) => text.replace(/matter,.*\n/, ''), ['matterId：未填写']],
    ['an empty file', () => '', ['matterId：未填写', 'validFrom：未填写']],
  ])('%s', (_, change, expectedProblems) => {
    expect(problemsOfCsv(change)).toEqual(expectedProblems);
  });

  test('a line with too few cells', () => {
    const [problem] = problemsOfCsv((text) => text.replace('condition,,,有林权。,,,,,,,,,,', 'condition,,,有林权。'));
    expect(problem).toMatch(/^第 4 行：不是 CSV/);
  });

  test('an open quote', () => {
    const [problem] = problemsOfCsv((text) => text.replace('有林权', '"有林权'));
    expect(problem).toMatch(/不是 CSV/);
  });
});
