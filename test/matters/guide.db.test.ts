import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { seedHub } from '../../scripts/hub/seed.ts';
import { findGuideFacts } from '../../subgraphs/cases/fact/store.ts';
import { guideOn } from '../../subgraphs/cases/reception/guide.ts';

import { testClock } from '../support/clock.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { approveImport } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

const ADMINISTRATOR = 'administrator';
const SAMPLE = 'yd2022-3-31';
const clock = testClock('2026-03-02');
let hub: TestHub;
let admin: postgres.Sql;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  admin = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await admin?.end();
  await hub?.stop();
});

const GUIDE = `version sample note validFrom validTo divisionCode conditions promisedDays statutoryDays statutoryBasis
  steps { name what limitDays } materials { code name form copies required basis licenseType }
  fees { name amountFen basis } counters { name address hours phone } differences { part change text widens } matter { id: code }`;
const PAYLOAD = `proposal { id organ { code } } guide { ${GUIDE} } changed differences { part change text widens } lapsed { divisionCode reasons }
  problems { place message } refusal { code message field }`;

type Kind = 'importGuide' | 'importGuideOverlay';
async function importFile(
  kind: Kind,
  value: object | string,
  extraInput: object = {},
  person: string | null = ADMINISTRATOR,
) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const query = `mutation($input: ImportGuideInput!) { ${kind}(input: $input) { ${PAYLOAD} } }`;
  const { data, errors } = await hub.ask(person, query, { input: { format: 'JSON', text, ...extraInput } });
  if (errors) return { fault: errors[0]?.extensions.code };
  const { proposal, ...payload } = data[kind];
  if (!proposal) return payload;
  const approval = await approveImport(hub, proposal, 'guide { version validFrom divisionCode }');
  // Another version was published between proposal and approval.
  if (approval.refusal) return { ...payload, changed: false, refusal: approval.refusal };
  const { version, validFrom, divisionCode } = payload.guide;
  expect(approval.guide).toEqual({ version, validFrom, divisionCode });
  return payload;
}
async function readGuide(matter: string, on: string | null = null, division: string | null = null) {
  const query = `query($matter: ID!, $on: Date, $division: String) { matter(id: $matter) { guide(on: $on, division: $division) { ${GUIDE} } } }`;
  const { data, errors } = await hub.ask(null, query, { matter, on, division });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.matter.guide;
}
async function listVersions(matter: string) {
  const query = `query($matter: ID!) { matter(id: $matter) { guideVersions(first: 100) { edges { cursor node { id
    guide { version validFrom validTo sample } publishedAt digest lapsed { divisionCode reasons }
    overlays { divisionCode revision validFrom carriedFrom differences { text } } } } pageInfo { hasNextPage } } } }`;
  const { data, errors } = await hub.ask(null, query, { matter });
  if (errors) throw new Error(JSON.stringify(errors));
  // biome-ignore lint/suspicious/noExplicitAny: an answer as the hub gives it
  const nodes: any[] = data.matter.guideVersions.edges.map((edge: { node: object }) => edge.node);
  const again = 'query($ids: [ID!]!) { nodes(ids: $ids) { id ... on GuideVersion { digest } } }';
  const { data: found } = await hub.ask(null, again, { ids: nodes.map(({ id }) => id) });
  expect(found.nodes).toEqual(nodes.map(({ id, digest }) => ({ id, digest })));
  return nodes.map(({ id: _id, ...version }) => version);
}

const guideFor = (matterId: string, change: object = {}) => ({
  matterId,
  validFrom: '2026-01-01',
  conditions: ['有林权。'],
  steps: [
    { name: '受理', what: '核对材料。', limitDays: 1 },
    { name: '审查', what: '审查内容。', limitDays: 5 },
  ],
  materials: [
    { code: 'M01', name: '申请表', form: 'ORIGINAL', copies: 2, required: true },
    { code: 'M02', name: '场所证明', form: 'COPY', copies: 1, required: true },
  ],
  fees: [],
  statutoryDays: 20,
  statutoryBasis: '《中华人民共和国行政许可法》第四十二条',
  promisedDays: 10,
  counters: [],
  ...change,
});
const overlayFor = (matterId: string, change: object = {}) => ({
  matterId,
  version: 1,
  divisionCode: '360731',
  validFrom: '2026-03-02',
  promisedDays: 8,
  ...change,
});

describe('the sample guides of a new hub', () => {
  test('exist for five matters and are marked; no other matter has a guide', async () => {
    const { data } = await hub.ask(
      null,
      '{ matters(first: 100) { edges { node { id: code guide { sample note } } } } }',
    );
    const guidedMatters = data.matters.edges.filter(({ node }: { node: { guide: unknown } }) => node.guide !== null);
    expect(guidedMatters).toHaveLength(5);
    for (const { node } of guidedMatters) {
      expect(node.guide.sample).toBe(true);
      expect(node.guide.note).toMatch(/虚构示例.*invented sample/);
    }
  });

  test('the county guide reduces the city guide and lists the differences', async () => {
    const city = await readGuide(SAMPLE);
    const county = await readGuide(SAMPLE, null, '360731');
    expect(city).toMatchObject({
      version: 1,
      divisionCode: null,
      promisedDays: 15,
      differences: [],
      matter: { id: SAMPLE },
    });
    expect(county).toMatchObject({ version: 1, divisionCode: '360731', promisedDays: 10, sample: true });
    expect(county.differences.map((item: { text: string }) => item.text)).toEqual([
      '环节“现场检查”：时限由 5 个工作日缩短至 3 个工作日',
      '材料 M05：取消',
      '材料 M03：由必需改为可选',
      '材料 M04：份数由 2 减至 1',
      '承诺时限由 15 个工作日缩短至 10 个工作日',
      '窗口“示例窗口：于都县政务服务大厅“市县同权”综合受理窗口”：新增',
    ]);
    expect(county.materials.map((item: { code: string }) => item.code)).toEqual(['M01', 'M02', 'M03', 'M04', 'M06']);
    expect(county.counters).toHaveLength(2);
    expect(await readGuide(SAMPLE, null, '360732')).toEqual(city);
    expect(await readGuide(SAMPLE, '2022-05-31')).toBeNull();
  });

  test('a restarted hub publishes nothing twice', async () => {
    const before = await admin`select count(*)::int as n from matters.guide_version`;
    await seedHub(hub.hub);
    expect(await admin`select count(*)::int as n from matters.guide_version`).toEqual(before);
  });
});

describe('publishing a guide', () => {
  const MATTER = 'yd2022-1-07';

  test('a dry run shows the guide and stores nothing', async () => {
    const preview = await importFile('importGuide', guideFor(MATTER), { dryRun: true });
    expect(preview).toMatchObject({
      changed: true,
      problems: [],
      refusal: null,
      guide: { version: 1, sample: false },
    });
    expect(await readGuide(MATTER)).toBeNull();
  });

  test('publishes for the whole city and informs cases', async () => {
    const importAnswer = await importFile('importGuide', guideFor(MATTER));
    expect(importAnswer).toMatchObject({
      changed: true,
      refusal: null,
      differences: [],
      lapsed: [],
      guide: { version: 1 },
    });
    expect(await readGuide(MATTER)).toEqual(importAnswer.guide);
    const cases = connect(hub.databaseUrls.cases, 'test');
    try {
      const fact = await waitUntil('cases know the guide', async () =>
        (await findGuideFacts(cases.db, [MATTER])).get(MATTER),
      );
      expect(guideOn(fact, '2026-03-02', '360731')).toEqual({
        version: 1,
        steps: [
          { name: '受理', limitDays: 1 },
          { name: '审查', limitDays: 5 },
        ],
        materials: [
          { code: 'M01', name: '申请表', form: 'ORIGINAL', copies: 2, required: true, licenseType: null },
          { code: 'M02', name: '场所证明', form: 'COPY', copies: 1, required: true, licenseType: null },
        ],
        statutoryDays: 20,
        promisedDays: 10,
      });
    } finally {
      await cases.close();
    }
  });

  test('importing the same file again changes nothing', async () => {
    expect(await importFile('importGuide', guideFor(MATTER))).toMatchObject({ changed: false, guide: { version: 1 } });
    expect(await listVersions(MATTER)).toHaveLength(1);
  });

  test('the next version ends the previous one and lists the differences', async () => {
    const nextInput = guideFor(MATTER, { validFrom: '2026-04-01', promisedDays: 9, materials: [] });
    const importAnswer = await importFile('importGuide', nextInput);
    expect(importAnswer.guide).toMatchObject({ version: 2, validFrom: '2026-04-01', validTo: null });
    expect(importAnswer.differences.map((item: { text: string }) => item.text)).toEqual([
      '材料 M01：取消',
      '材料 M02：取消',
      '承诺时限由 10 个工作日缩短至 9 个工作日',
    ]);
    expect(await readGuide(MATTER, '2026-03-31')).toMatchObject({
      version: 1,
      validTo: '2026-03-31',
      promisedDays: 10,
    });
    expect(await readGuide(MATTER, '2026-04-01')).toMatchObject({ version: 2, promisedDays: 9 });
    expect((await listVersions(MATTER)).map((item: { guide: object }) => item.guide)).toEqual([
      { version: 1, validFrom: '2026-01-01', validTo: '2026-03-31', sample: false },
      { version: 2, validFrom: '2026-04-01', validTo: null, sample: false },
    ]);
    expect(await importFile('importGuide', guideFor(MATTER))).toMatchObject({ changed: false, guide: { version: 1 } });
  });

  test.each([
    ['on the first day of the previous one', '2026-04-01', '须晚于上一版的 2026-04-01'],
    ['before the first day of the previous one', '2026-02-01', '须晚于上一版的 2026-04-01'],
  ])('refuses a version %s', async (_, validFrom, expectedText) => {
    const { refusal } = await importFile('importGuide', guideFor(MATTER, { validFrom, promisedDays: 3 }));
    expect(refusal).toMatchObject({ code: 'GUIDE_OUT_OF_ORDER', message: expect.stringContaining(expectedText) });
  });

  test('refuses a first day in the past if a version is already in force', async () => {
    const { refusal } = await importFile('importGuide', { ...guideFor(SAMPLE), validFrom: '2026-03-01' });
    expect(refusal).toMatchObject({
      code: 'GUIDE_OUT_OF_ORDER',
      message: expect.stringContaining('不早于今天 2026-03-02'),
    });
  });

  test('accepts a CSV table', async () => {
    const table =
      'part,text,days,basis\nmatter,yd2022-1-10,,\nvalid_from,2026-01-01,,\ncondition,自愿。,,\nstatutory,,20,某法\n';
    const importAnswer = await importFile('importGuide', table, { format: 'CSV' });
    expect(importAnswer).toMatchObject({
      refusal: null,
      guide: { version: 1, conditions: ['自愿。'], statutoryDays: 20 },
    });
  });
});

describe('publishing a county overlay', () => {
  const MATTER = 'yd2022-2-30';
  beforeAll(async () => {
    expect(await importFile('importGuide', guideFor(MATTER))).toMatchObject({ refusal: null });
  });

  test('refuses additions and longer limits, and names every difference', async () => {
    const wideningOverlay = overlayFor(MATTER, { materials: [{ code: 'M02', copies: 2 }], promisedDays: 12 });
    const answer = await importFile('importGuideOverlay', wideningOverlay);
    expect(answer).toMatchObject({
      guide: null,
      changed: false,
      refusal: {
        code: 'GUIDE_OVERLAY_WIDENS',
        message:
          '县级办事指南只能精简，不得增加或延长：材料 M02：份数由 1 增至 2；承诺时限由 10 个工作日延长至 12 个工作日。',
      },
    });
    expect(answer.problems.map((item: { message: string }) => item.message)).toEqual([
      '材料 M02：份数由 1 增至 2',
      '承诺时限由 10 个工作日延长至 12 个工作日',
    ]);
    expect(await readGuide(MATTER, null, '360731')).toMatchObject({ divisionCode: null, promisedDays: 10 });
  });

  test('a dry run shows the guide and stores nothing', async () => {
    const answer = await importFile('importGuideOverlay', overlayFor(MATTER), { dryRun: true });
    expect(answer).toMatchObject({ refusal: null, guide: { divisionCode: '360731', promisedDays: 8 } });
    expect(await readGuide(MATTER, null, '360731')).toMatchObject({ promisedDays: 10 });
  });

  test('accepts reductions for that county from the first day of the overlay', async () => {
    const importAnswer = await importFile('importGuideOverlay', overlayFor(MATTER));
    expect(importAnswer.differences).toEqual([
      { part: 'LIMIT', change: 'CHANGED', text: '承诺时限由 10 个工作日缩短至 8 个工作日', widens: false },
    ]);
    expect(await importFile('importGuideOverlay', overlayFor(MATTER))).toMatchObject({ changed: false });
    expect(await readGuide(MATTER, null, '360731')).toMatchObject({ promisedDays: 8, divisionCode: '360731' });
    expect(await readGuide(MATTER, '2026-03-01', '360731')).toMatchObject({ promisedDays: 10, divisionCode: null });
    expect(await readGuide(MATTER, null, null)).toMatchObject({ promisedDays: 10 });
    const cases = connect(hub.databaseUrls.cases, 'test');
    try {
      await waitUntil('cases know the overlay', async () => {
        const fact = (await findGuideFacts(cases.db, [MATTER])).get(MATTER) ?? null;
        return fact !== null && guideOn(fact, '2026-03-02', '360731')?.promisedDays === 8;
      });
    } finally {
      await cases.close();
    }
  });

  test('the next revision replaces the overlay and cannot begin earlier', async () => {
    const lateOverlay = overlayFor(MATTER, { validFrom: '2026-03-01', promisedDays: 7 });
    expect((await importFile('importGuideOverlay', lateOverlay)).refusal.code).toBe('GUIDE_OUT_OF_ORDER');
    const nextInput = overlayFor(MATTER, { validFrom: '2026-03-20', removeMaterials: ['M02'] });
    expect(await importFile('importGuideOverlay', nextInput)).toMatchObject({ guide: { validFrom: '2026-03-20' } });
    expect(await readGuide(MATTER, '2026-03-19', '360731')).toMatchObject({ validTo: '2026-03-19', promisedDays: 8 });
    expect((await readGuide(MATTER, '2026-03-20', '360731')).materials).toHaveLength(1);
  });

  test.each([
    ['an unknown version', { version: 9 }, 'GUIDE_UNKNOWN', '版本 9'],
    ['a first day before its version', { validFrom: '2025-12-31' }, 'GUIDE_OUT_OF_ORDER', '须在市级版本的施行期内'],
    ['an unknown matter', { matterId: 'yd2022-9-99' }, 'MATTER_UNKNOWN', 'yd2022-9-99'],
  ])('refused: %s', async (_, change, code, expectedText) => {
    const { refusal } = await importFile('importGuideOverlay', overlayFor(MATTER, change));
    expect(refusal).toMatchObject({ code, message: expect.stringContaining(expectedText) });
  });

  test.each([
    ['an unknown county', { divisionCode: '360799' }, 'divisionCode', '没有区划代码为 360799 的县级机关'],
    ['the city as a county', { divisionCode: '360700' }, 'divisionCode', '没有区划代码为 360700 的县级机关'],
    ['removing an unknown material', { removeMaterials: ['M99'] }, 'removeMaterials[0]', '市级指南没有“M99”'],
    [
      'removing and changing the same step',
      { removeSteps: ['审查'], steps: [{ name: '审查', limitDays: 1 }] },
      'steps[0]',
      '“审查”既取消又调整',
    ],
    [
      'a statutory limit shorter than the promise',
      { promisedDays: 8, statutoryDays: 5 },
      'promisedDays',
      '承诺时限 8 个工作日长于法定时限 5 个工作日',
    ],
    ['a field that no overlay has', { conditions: ['更严。'] }, '', '没有此项：conditions'],
  ])('refused: %s', async (_, change, place, message) => {
    const answer = await importFile('importGuideOverlay', overlayFor(MATTER, { validFrom: '2026-06-01', ...change }));
    expect(answer.problems).toEqual([{ place, message }]);
    expect(answer.refusal.code).toBe('GUIDE_FILE_INVALID');
  });
});

describe("county overlays and the city's next version", () => {
  const MATTER = 'yd2022-3-25';
  beforeAll(async () => {
    await importFile('importGuide', guideFor(MATTER));
    await importFile('importGuideOverlay', overlayFor(MATTER, { removeMaterials: ['M02'] }));
    await importFile(
      'importGuideOverlay',
      overlayFor(MATTER, { divisionCode: '360732', steps: [{ name: '审查', limitDays: 2 }] }),
    );
  });

  test('carries over an overlay that still fits, and names an overlay that lapses', async () => {
    const steps = [{ name: '审查', what: '审查内容，从严。', limitDays: 4 }];
    const nextInput = guideFor(MATTER, { validFrom: '2026-05-01', promisedDays: 9, steps });
    const lapsed = [{ divisionCode: '360732', reasons: ['环节“审查”：市级新版本已取消或改动'] }];
    expect(await importFile('importGuide', nextInput, { dryRun: true })).toMatchObject({ lapsed });
    expect(await importFile('importGuide', nextInput)).toMatchObject({ lapsed });
    const [first, second] = await listVersions(MATTER);
    expect(first).toMatchObject({ lapsed: [], overlays: [{ carriedFrom: null }, { carriedFrom: null }] });
    expect(second).toMatchObject({
      lapsed,
      overlays: [{ divisionCode: '360731', revision: 1, validFrom: '2026-05-01', carriedFrom: 1 }],
    });
    expect((await readGuide(MATTER, '2026-05-01', '360731')).materials).toHaveLength(1);
    expect(await readGuide(MATTER, '2026-05-01', '360732')).toMatchObject({ divisionCode: null, promisedDays: 9 });
    expect(await readGuide(MATTER, '2026-04-30', '360732')).toMatchObject({ divisionCode: '360732', promisedDays: 8 });
  });

  test('a county whose overlay lapsed can publish one for the new version', async () => {
    const newOverlay = { version: 2, divisionCode: '360732', validFrom: '2026-05-01', promisedDays: 5 };
    expect(await importFile('importGuideOverlay', overlayFor(MATTER, newOverlay))).toMatchObject({ refusal: null });
    expect((await listVersions(MATTER))[1]).toMatchObject({ lapsed: [], overlays: [{}, { divisionCode: '360732' }] });
  });
});

describe('refused publications', () => {
  const MATTER = 'yd2022-1-08';
  test.each<[Kind]>([['importGuide'], ['importGuideOverlay']])(
    '%s: refuses everybody except an administrator',
    async (kind) => {
      const people = [
        'yudu-sfj.approver',
        'ganzhou-xzspj.approver',
        'window-yudu',
        'applicant-company',
        'auditor',
        'library',
      ];
      for (const person of people) {
        const { refusal } = await importFile(kind, '{', {}, person);
        expect([person, refusal.code]).toEqual([person, 'ROLE_NOT_ALLOWED']);
      }
      expect(await importFile(kind, '{', {}, null)).toEqual({ fault: 'UNAUTHENTICATED' });
    },
  );

  test('refuses a file with errors and names each of them', async () => {
    const badGuide = guideFor(MATTER, { promisedDays: 0, fees: [{ name: '费', amountFen: 1 }] });
    const answer = await importFile('importGuide', badGuide);
    expect(answer).toMatchObject({
      guide: null,
      changed: false,
      refusal: { code: 'GUIDE_FILE_INVALID', field: 'text' },
    });
    expect(answer.problems).toEqual([
      { place: 'fees[0].basis', message: '未填写' },
      { place: 'promisedDays', message: '须大于 0' },
    ]);
  });

  test('refuses an unknown matter', async () => {
    expect((await importFile('importGuide', guideFor('yd2022-9-99'))).refusal.code).toBe('MATTER_UNKNOWN');
  });

  test('the database role cannot change or delete what is published', async () => {
    const sql = postgres(hub.databaseUrls.matters, { max: 1 });
    try {
      await expect(sql`update matters.guide_version set version = 7`).rejects.toMatchObject({ code: '42501' });
      await expect(sql`delete from matters.guide_overlay`).rejects.toMatchObject({ code: '42501' });
    } finally {
      await sql.end();
    }
  });

  test('concurrent imports become successive versions', async () => {
    const matter = 'yd2022-1-09';
    const days = ['2026-06-01', '2026-07-01', '2026-08-01'];
    const answers = await Promise.all(
      days.map((validFrom) => importFile('importGuide', guideFor(matter, { validFrom }))),
    );
    const publishedVersions = answers.filter((item) => item.refusal === null).map((item) => item.guide.version);
    expect(publishedVersions.length).toBeGreaterThan(0);
    expect((await listVersions(matter)).map((item: { guide: { version: number } }) => item.guide.version)).toEqual(
      publishedVersions.sort((a, b) => a - b),
    );
    for (const { refusal } of answers)
      if (refusal) expect(['GUIDE_OUT_OF_ORDER', 'PROPOSAL_OUTDATED']).toContain(refusal.code);
  });
});

describe('limits', () => {
  test('limits the versions of a matter', async () => {
    const matter = 'yd2022-2-31';
    await importFile('importGuide', guideFor(matter));
    await admin`insert into matters.guide_version (matter_id, version, guide, valid_from, digest, published_at, published_by)
      select matter_id, n, guide, valid_from, n::text, published_at, published_by
      from matters.guide_version, generate_series(2, 200) as n where matter_id = ${matter} and version = 1`;
    const { refusal } = await importFile('importGuide', guideFor(matter, { validFrom: '2026-06-01' }));
    expect(refusal).toMatchObject({ code: 'GUIDE_LIMIT_REACHED', message: expect.stringContaining('最多 200 版') });
  });

  test('limits the overlays on a version', async () => {
    const matter = 'yd2022-2-32';
    await importFile('importGuide', guideFor(matter));
    await importFile('importGuideOverlay', overlayFor(matter));
    await admin`insert into matters.guide_overlay (matter_id, version, division_code, revision, overlay, valid_from, digest, published_at, published_by)
      select matter_id, version, division_code, n, overlay, valid_from, n::text, published_at, published_by
      from matters.guide_overlay, generate_series(2, 200) as n where matter_id = ${matter}`;
    const { refusal } = await importFile('importGuideOverlay', overlayFor(matter, { validFrom: '2026-06-01' }));
    expect(refusal).toMatchObject({ code: 'GUIDE_LIMIT_REACHED', message: expect.stringContaining('一版最多 200 份') });
  });

  test('limits the size of the event for cases', async () => {
    const matter = 'yd2022-2-33';
    const materials = Array.from({ length: 60 }, (_, i) => ({
      ...guideFor(matter).materials[0],
      code: `M${i}`,
      name: '长'.repeat(100),
    }));
    const publish = (month: number) => {
      const validFrom = `20${30 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`;
      return importFile('importGuide', guideFor(matter, { materials, validFrom }));
    };
    let month = 0;
    let answer = await publish(month);
    for (; answer.refusal === null && month < 100; month++) answer = await publish(month + 1);
    expect(answer.refusal).toMatchObject({
      code: 'GUIDE_LIMIT_REACHED',
      message: expect.stringContaining('待施行的版本施行后再发布'),
    });
    expect(await listVersions(matter)).toHaveLength(month);
  });
});

test('accepts the examples in the docs', async () => {
  const text = readFileSync(new URL('../../docs/guides.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```(json|csv)\n([\s\S]*?)```/g)];
  expect(examples).toHaveLength(4);
  for (const [, format = '', body = ''] of examples) {
    const kind = /division/.test(body) ? 'importGuideOverlay' : 'importGuide';
    const answer = await importFile(kind, body, { format: format.toUpperCase(), dryRun: format === 'csv' });
    expect(answer).toMatchObject({ problems: [], refusal: null });
  }
});
