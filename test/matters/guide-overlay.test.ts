import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readGuides } from '../../seeds/load.ts';
import { MATERIAL_FORMS } from '../../subgraphs/kernel/events/guide-fact.ts';
import type { Guide } from '../../subgraphs/matters/guide/guide.ts';
import { applyOverlay, listCarryObstacles, type Overlay } from '../../subgraphs/matters/guide/overlay.ts';
import {
  buildGuidesFact,
  findGuide,
  type GuideVersion,
  lastDayOf,
  listLapsed,
} from '../../subgraphs/matters/guide/version.ts';

const CODES = ['M01', 'M02', 'M03', 'M04'];
const STEPS = ['受理', '审查', '决定'];
const FEES = ['工本费', '检验费'];
const days = fc.integer({ min: 1, max: 6 });
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });

const anyGuide: fc.Arbitrary<Guide> = fc.record({
  matterId: fc.constant('m'),
  validFrom: fc.constant('2026-01-01'),
  sample: fc.boolean(),
  note: fc.constant(null),
  conditions: fc.subarray(['甲', '乙']),
  steps: fc
    .subarray(STEPS)
    .chain((names) =>
      fc.tuple(
        ...names.map((name) =>
          fc.record({ name: fc.constant(name), what: fc.constant('办'), limitDays: orNull(days) }),
        ),
      ),
    ),
  materials: fc.subarray(CODES).chain((codes) =>
    fc.tuple(
      ...codes.map((code) =>
        fc.record({
          code: fc.constant(code),
          name: fc.constant('材料'),
          form: fc.constantFrom(...MATERIAL_FORMS),
          copies: fc.integer({ min: 0, max: 3 }),
          required: fc.boolean(),
          basis: fc.constant(null),
          licenseType: fc.constant(null),
        }),
      ),
    ),
  ),
  fees: fc
    .subarray(FEES)
    .chain((names) =>
      fc.tuple(
        ...names.map((name) =>
          fc.record({ name: fc.constant(name), amountFen: fc.integer({ min: 0, max: 3 }), basis: fc.constant('据') }),
        ),
      ),
    ),
  statutoryDays: orNull(days),
  statutoryBasis: fc.constant('据'),
  promisedDays: orNull(days),
  counters: fc.constant([]),
});

const anyOverlay: fc.Arbitrary<Overlay> = fc.record({
  matterId: fc.constant('m'),
  version: fc.constant(1),
  divisionCode: fc.constant('360731'),
  validFrom: fc.constant('2026-01-01'),
  sample: fc.boolean(),
  note: fc.constant(null),
  removeMaterials: fc.subarray(CODES),
  removeSteps: fc.subarray(STEPS),
  materials: fc
    .subarray(CODES)
    .chain((codes) =>
      fc.tuple(
        ...codes.map((code) =>
          fc.record(
            { code: fc.constant(code), required: fc.boolean(), copies: fc.integer({ min: 0, max: 3 }) },
            { requiredKeys: ['code'] },
          ),
        ),
      ),
    ),
  steps: fc
    .subarray(STEPS)
    .chain((names) => fc.tuple(...names.map((name) => fc.record({ name: fc.constant(name), limitDays: days })))),
  fees: fc
    .subarray(FEES)
    .chain((names) =>
      fc.tuple(
        ...names.map((name) => fc.record({ name: fc.constant(name), amountFen: fc.integer({ min: 0, max: 3 }) })),
      ),
    ),
  statutoryDays: fc.option(days, { nil: undefined }),
  promisedDays: fc.option(days, { nil: undefined }),
  counters: fc.constant([{ name: '窗口', address: '址', hours: '时', phone: '号' }]),
});

const codeOf = (run: () => unknown) => {
  try {
    run();
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const isLonger = (countyLimit: number | undefined, cityLimit: number | null) =>
  countyLimit !== undefined && cityLimit !== null && countyLimit > cityLimit;

/** States the rule independently: an overlay must not add or raise anything, except what it removes. */
function isWidening(guide: Guide, overlay: Overlay): boolean {
  const findStep = (name: string) => guide.steps.find((entry) => entry.name === name);
  const findFee = (name: string) => guide.fees.find((entry) => entry.name === name);
  const { removeSteps, removeMaterials } = overlay;
  return (
    isLonger(overlay.statutoryDays, guide.statutoryDays) ||
    isLonger(overlay.promisedDays, guide.promisedDays) ||
    overlay.steps.some(({ name, limitDays }) => {
      const cityPart = findStep(name);
      return !cityPart || (!removeSteps.includes(name) && isLonger(limitDays, cityPart.limitDays));
    }) ||
    overlay.fees.some(({ name, amountFen }) => amountFen > (findFee(name)?.amountFen ?? -1)) ||
    overlay.materials.some(({ code, copies, required }) => {
      const cityPart = guide.materials.find((entry) => entry.code === code);
      if (!cityPart) return true;
      return (
        !removeMaterials.includes(code) &&
        (isLonger(copies, cityPart.copies) || (required === true && !cityPart.required))
      );
    })
  );
}

const isAtMost = (limit: number | null, maximum: number | null) =>
  maximum === null || (limit !== null && limit <= maximum);

describe('any overlay on any guide', () => {
  test('is refused if and only if it widens something', () => {
    fc.assert(
      fc.property(anyGuide, anyOverlay, (guide, overlay) => {
        expect(codeOf(() => applyOverlay(guide, overlay))).toBe(
          isWidening(guide, overlay) ? 'GUIDE_OVERLAY_WIDENS' : null,
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('if accepted, never requires more materials, steps, copies, days or fees than the city', () => {
    let acceptedCount = 0;
    fc.assert(
      fc.property(anyGuide, anyOverlay, (guide, overlay) => {
        if (isWidening(guide, overlay)) return;
        acceptedCount++;
        const { guide: countyGuide } = applyOverlay(guide, overlay);
        for (const entry of countyGuide.materials) {
          const city = guide.materials.find(({ code }) => code === entry.code);
          expect(entry.copies).toBeLessThanOrEqual(city?.copies ?? -1);
          expect(entry.required && !city?.required).toBe(false);
        }
        for (const entry of countyGuide.steps) {
          const city = guide.steps.find(({ name }) => name === entry.name);
          expect(city && isAtMost(entry.limitDays, city.limitDays)).toBe(true);
        }
        for (const entry of countyGuide.fees) {
          expect(entry.amountFen).toBeLessThanOrEqual(
            guide.fees.find(({ name }) => name === entry.name)?.amountFen ?? -1,
          );
        }
        expect(countyGuide.conditions).toEqual(guide.conditions);
        expect(
          isAtMost(countyGuide.statutoryDays, guide.statutoryDays) &&
            isAtMost(countyGuide.promisedDays, guide.promisedDays),
        ).toBe(true);
        for (const { code } of countyGuide.materials) expect(overlay.removeMaterials).not.toContain(code);
        for (const { name } of countyGuide.steps) expect(overlay.removeSteps).not.toContain(name);
      }),
      { numRuns: 2000 },
    );
    expect(acceptedCount).toBeGreaterThan(50);
  });
});

const city: Guide = {
  matterId: 'm',
  validFrom: '2026-01-01',
  sample: false,
  note: null,
  conditions: ['有场所。'],
  steps: [
    { name: '受理', what: '核对材料。', limitDays: 1 },
    { name: '审查', what: '审查内容。', limitDays: 5 },
  ],
  materials: [
    { code: 'M01', name: '申请表', form: 'ORIGINAL', copies: 2, required: true, basis: null, licenseType: null },
    { code: 'M03', name: '场所证明', form: 'COPY', copies: 1, required: true, basis: null, licenseType: null },
  ],
  fees: [{ name: '工本费', amountFen: 1000, basis: '某文件' }],
  statutoryDays: 20,
  statutoryBasis: '某法',
  promisedDays: 10,
  counters: [],
};
const emptyOverlay: Overlay = {
  matterId: 'm',
  version: 1,
  divisionCode: '360731',
  validFrom: '2026-01-01',
  sample: false,
  note: null,
  removeMaterials: [],
  removeSteps: [],
  materials: [],
  steps: [],
  fees: [],
  counters: [],
};

describe('the differences are named', () => {
  const messageOf = (overlay: Partial<Overlay>) => {
    try {
      return applyOverlay(city, { ...emptyOverlay, ...overlay }).differences.map((entry) => entry.text);
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each([
    [
      'copies and promise',
      { materials: [{ code: 'M03', copies: 2 }], promisedDays: 12 },
      '材料 M03：份数由 1 增至 2；承诺时限由 10 个工作日延长至 12 个工作日',
    ],
    ['statutory limit', { statutoryDays: 30 }, '法定时限由 20 个工作日延长至 30 个工作日'],
    ['step limit', { steps: [{ name: '审查', limitDays: 6 }] }, '环节“审查”：时限由 5 个工作日延长至 6 个工作日'],
    ['fee', { fees: [{ name: '工本费', amountFen: 1050 }] }, '收费“工本费”：金额由 10.00 元增至 10.50 元'],
    ['a new material', { materials: [{ code: 'M09' }] }, '材料 M09：市级指南没有，属新增'],
    ['a new step', { steps: [{ name: '公示', limitDays: 5 }] }, '环节“公示”：市级指南没有，属新增'],
    ['a new fee', { fees: [{ name: '检验费', amountFen: 0 }] }, '收费“检验费”：市级指南没有，属新增'],
  ] as const)('%s', (_, overlay, expectedText) => {
    expect(messageOf(overlay as never)).toBe(`县级办事指南只能精简，不得增加或延长：${expectedText}。`);
  });

  test('names and accepts reductions', () => {
    const counter = { name: '县窗口', address: '址', hours: '时', phone: '号' };
    const eased = messageOf({
      removeMaterials: ['M03'],
      removeSteps: ['受理'],
      materials: [{ code: 'M01', copies: 1, required: false }],
      steps: [{ name: '审查', limitDays: 3 }],
      fees: [{ name: '工本费', amountFen: 0 }],
      statutoryDays: 15,
      promisedDays: 5,
      counters: [counter],
    });
    expect(eased).toEqual([
      '环节“受理”：取消',
      '环节“审查”：时限由 5 个工作日缩短至 3 个工作日',
      '材料 M03：取消',
      '材料 M01：份数由 2 减至 1',
      '材料 M01：由必需改为可选',
      '收费“工本费”：金额由 10.00 元减至 0.00 元',
      '法定时限由 20 个工作日缩短至 15 个工作日',
      '承诺时限由 10 个工作日缩短至 5 个工作日',
      '窗口“县窗口”：新增',
    ]);
  });

  test('a county limit counts as shorter if the city sets none', () => {
    const unlimitedCity = { ...city, promisedDays: null };
    expect(applyOverlay(unlimitedCity, { ...emptyOverlay, promisedDays: 30 }).differences).toMatchObject([
      { part: 'LIMIT', widens: false },
    ]);
  });
});

describe('the overlay on the old version when the city publishes a new version', () => {
  const eased: Overlay = {
    ...emptyOverlay,
    removeMaterials: ['M03'],
    steps: [{ name: '审查', limitDays: 3 }],
    promisedDays: 8,
  };
  test('is carried over if everything that it changes is the same in the new version', () => {
    expect(listCarryObstacles(city, { ...city, conditions: [], fees: [], promisedDays: 9 }, eased)).toEqual([]);
  });
  test.each([
    [
      'its material has changed',
      { materials: city.materials.map((entry) => ({ ...entry, name: '别的' })) },
      '材料 M03：市级新版本已取消或改动',
    ],
    ['its step is removed', { steps: [] }, '环节“审查”：市级新版本已取消或改动'],
    ['the city now promises less than the county', { promisedDays: 6 }, '承诺时限由 6 个工作日延长至 8 个工作日'],
    [
      'the law now allows less than the county promises',
      { statutoryDays: 7, promisedDays: null },
      '承诺时限 8 个工作日长于法定时限 7 个工作日',
    ],
  ])('is not carried over if %s', (_, change, hindrance) => {
    expect(listCarryObstacles(city, { ...city, ...change }, eased)).toEqual([hindrance]);
  });
});

describe('versions over time', () => {
  const publishedAt = new Date('2026-01-01T00:00:00Z');
  const revision = (number: number, validFrom: string, promisedDays: number) => {
    const overlay: Overlay = { ...emptyOverlay, validFrom, promisedDays };
    return { divisionCode: '360731', revision: number, validFrom, overlay, carriedFrom: null, publishedAt, digest: '' };
  };
  const first: GuideVersion = {
    version: 1,
    guide: city,
    publishedAt,
    digest: '',
    overlays: [revision(1, '2026-02-01', 8), revision(2, '2026-04-01', 7)],
  };
  const nextGuide = { ...city, validFrom: '2026-07-01', promisedDays: 9 };
  const second: GuideVersion = { version: 2, guide: nextGuide, publishedAt, digest: '', overlays: [] };
  const versions = [first, second];

  test.each([
    ['2025-12-31', null, undefined],
    ['2026-01-01', '360731', 10],
    ['2026-02-01', '360731', 8],
    ['2026-02-01', '360732', 10],
    ['2026-02-01', null, 10],
    ['2026-03-31', '360731', 8],
    ['2026-04-01', '360731', 7],
    ['2026-06-30', '360731', 7],
    ['2026-07-01', '360731', 9],
  ])('on %s for %s', (on, division, promisedDays) => {
    expect(findGuide(versions, on, division)?.guide.promisedDays).toBe(promisedDays);
  });

  test('the next version ends the previous one', () => {
    expect([lastDayOf(versions, 1), lastDayOf(versions, 2)]).toEqual(['2026-06-30', null]);
    expect(findGuide(versions, '2026-03-01', '360731')).toMatchObject({
      validFrom: '2026-02-01',
      validTo: '2026-03-31',
    });
    expect(findGuide(versions, '2026-05-01', '360731')).toMatchObject({
      validFrom: '2026-04-01',
      validTo: '2026-06-30',
    });
  });

  test('names a county whose overlay is not carried over', () => {
    expect(listLapsed(versions, first)).toEqual([]);
    expect(listLapsed(versions, second)).toEqual([
      { divisionCode: '360731', reasons: ['在市级新版本发布之后才发布，须另行发布'] },
    ]);
  });

  test('the event for cases contains only current and future versions', () => {
    const listVersions = (today: string) =>
      buildGuidesFact('m', versions, today).versions.map(({ version, validTo, counties }) => [
        version,
        validTo,
        counties.map((entry) => [entry.validFrom, entry.guide.promisedDays]),
      ]);
    expect(listVersions('2026-01-01')).toEqual([
      [
        1,
        '2026-06-30',
        [
          ['2026-02-01', 8],
          ['2026-04-01', 7],
        ],
      ],
      [2, null, []],
    ]);
    expect(listVersions('2026-05-01')).toEqual([
      [1, '2026-06-30', [['2026-04-01', 7]]],
      [2, null, []],
    ]);
    expect(listVersions('2026-07-01')).toEqual([[2, null, []]]);
  });
});

describe('the sample guides', () => {
  const { guides, overlays } = readGuides();
  test('are five guides and one county overlay, each marked as invented in both languages', () => {
    expect(guides.map((entry) => entry.matterId)).toEqual([
      'yd2022-1-08',
      'yd2022-2-28',
      'yd2022-3-21',
      'yd2022-3-31',
      'yd2022-3-37',
    ]);
    expect(overlays.map((entry) => [entry.matterId, entry.divisionCode])).toEqual([['yd2022-3-31', '360731']]);
    for (const { sample, note } of [...guides, ...overlays]) {
      expect(sample).toBe(true);
      expect(note).toMatch(/虚构示例.*invented sample/);
    }
  });
  test('state 20 working days as the statutory limit where the power is a license', () => {
    for (const { matterId, statutoryDays, statutoryBasis } of guides) {
      const filing = matterId === 'yd2022-3-21';
      expect(statutoryDays).toBe(filing ? null : 20);
      expect(statutoryBasis).toBe(filing ? null : '《中华人民共和国行政许可法》第四十二条');
    }
  });
});
