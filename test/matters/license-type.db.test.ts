import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { readLicenseTypes } from '../../seeds/load.ts';
import * as cases from '../../subgraphs/cases/fact/store.ts';
import { findTypeOn } from '../../subgraphs/kernel/license-type/type.ts';
import * as licenses from '../../subgraphs/licenses/type/store.ts';
import { testClock } from '../support/clock.ts';
import { runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { approveImport } from '../support/proposal.ts';

const DEVICE = '11000000000090018B033';

let hub: TestHub;
let admin: postgres.Sql;

beforeAll(async () => {
  hub = await createTestHub({ now: testClock('2026-03-02') });
  admin = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await admin?.end();
  await hub?.stop();
});

describe('license types of the seed', () => {
  test('are known to cases and licenses, with every version', async () => {
    const types = readLicenseTypes();
    const codes = types.map(({ code }) => code);
    const casesConnection = connect(hub.databaseUrls.cases, 'test-cases');
    const licensesConnection = connect(hub.databaseUrls.licenses, 'test-licenses');
    const facts = await cases.findLicenseTypes(casesConnection.db, codes);
    expect(await licenses.findLicenseTypes(licensesConnection.db, codes)).toEqual(facts);
    expect([...facts.keys()].toSorted()).toEqual(codes);
    const device = facts.get(DEVICE);
    expect(device && findTypeOn(device, '2026-01-01')).toMatchObject({ version: 1, validTo: null, code: DEVICE });
    expect(device && findTypeOn(device, '2020-01-01')).toBeNull();
    await casesConnection.close();
    await licensesConnection.close();
  });

  test('are added once, and one that exists stays', async () => {
    const types = readLicenseTypes().map((type) => ({ ...type, name: `${type.name}（改）` }));
    expect(await hub.hub.matters.publishLicenseTypes(types)).toBe(0);
    const [row] = await admin`select count(*)::int as n from matters.license_type_version`;
    expect(row?.n).toBe(types.length);
  });

  test('cannot be changed in the database', async () => {
    const sql = postgres(hub.databaseUrls.matters, { max: 1 });
    await expect(sql`update matters.license_type_version set version = 7`).rejects.toMatchObject({ code: '42501' });
    await sql.end();
  });
});

describe('the graph of license types', () => {
  const LINES = 'lines { key label kind required maxLength choices group help source sample }';
  const ask = async (query: string) => {
    const answer = await hub.ask(null, query);
    expect(answer.errors).toBeUndefined();
    return answer.data;
  };

  test('shows everybody a type by code and day, and a version by its id', async () => {
    const { licenseType } = await ask(
      `{ licenseType(code: "${DEVICE}") { id code name version validFrom validTo term { kind months } acts ${LINES} } }`,
    );
    const [seed] = readLicenseTypes().filter(({ code }) => code === DEVICE);
    expect(licenseType).toMatchObject({ name: '第三类医疗器械经营许可证', version: 1, term: { months: 60 } });
    expect(licenseType.lines.map(({ key }: { key: string }) => key)).toEqual(seed?.lines.map(({ key }) => key));
    const query = `{ node(id: "${licenseType.id}") { ... on LicenseType { code version } }
      early: licenseType(code: "${DEVICE}", on: "2022-05-31") { code }
      byId: licenseType(code: "${licenseType.id}", on: "2022-05-31") { code }
      unknown: licenseType(code: "11000000000090018B999") { code }
      later: licenseType(code: "${DEVICE}.2") { code } }`;
    const code = DEVICE;
    expect(await ask(query)).toEqual({
      ...{ node: { code, version: 1 }, early: null, byId: { code }, unknown: null, later: null },
    });
  });

  test('lists the types of a day in pages', async () => {
    const codes: string[] = [];
    for (let after = ''; ; ) {
      const { licenseTypes } = await ask(
        `{ licenseTypes(first: 20${after}) { edges { node { code numberFormats { template example } } }
          pageInfo { hasNextPage endCursor } } }`,
      );
      codes.push(...licenseTypes.edges.map((edge: { node: { code: string } }) => edge.node.code));
      if (!licenseTypes.pageInfo.hasNextPage) break;
      after = `, after: "${licenseTypes.pageInfo.endCursor}"`;
    }
    expect(codes).toEqual(readLicenseTypes().map(({ code }) => code));
    const { licenseTypes } = await ask('{ licenseTypes(first: 20, on: "2022-05-31") { edges { node { code } } } }');
    expect(licenseTypes.edges).toEqual([]);
  });

  test('gives a front end the form of a matter without knowing the type', async () => {
    const { license, decision } = await ask(`{
      license: matter(id: "yd2022-3-25") { licenseType { code } form { licenseType { version } groups { group ${LINES} } } }
      decision: matter(id: "yd2022-1-02") { licenseType { code } form { licenseType { version } } } }`);
    expect(license.licenseType).toEqual({ code: DEVICE });
    expect(license.form.groups.map(({ group }: { group: string }) => group)).toEqual([
      'HOLDER',
      'PERMISSION',
      'MANAGEMENT',
    ]);
    const lines = license.form.groups.flatMap((group: { lines: { label: string }[] }) => group.lines);
    expect(lines).toContainEqual(
      expect.objectContaining({ label: '经营范围', kind: 'LONG_TEXT', required: true, maxLength: 500 }),
    );
    expect(decision).toEqual({ licenseType: null, form: null });
  });
});

describe('an imported license type', () => {
  const base = { ...readLicenseTypes().find(({ code }) => code === DEVICE), validFrom: '2026-05-01' };
  const { lines = [] } = base;
  const [removed, ...kept] = lines;
  const added = { ...kept[0], key: 'added', label: '新项', required: false };
  const file = { ...base, lines: [...lines, added] };
  const FIELDS = `proposal { id organ { code } } licenseType { version validFrom validTo } changed
    differences { change lineKey lineLabel what before after text }
    problems { place message }`;
  const propose = (content: object | string, dryRun = false) => {
    const input = { text: typeof content === 'string' ? content : JSON.stringify(content), dryRun };
    return runMutation(hub, 'administrator', 'importLicenseType', 'ImportLicenseTypeInput', input, FIELDS);
  };
  const countVersions = async () => (await admin`select count(*)::int as n from matters.license_type_version`)[0]?.n;

  test('that removes or renames a line is refused unless it says so', async () => {
    const renamed = lines.map((line) => (line.key === removed?.key ? { ...line, label: '法人' } : line));
    for (const changed of [kept, renamed]) {
      const answer = await propose({ ...base, lines: changed });
      expect(answer.refusal.code).toBe('LICENSE_TYPE_FILE_INVALID');
      expect(answer.problems).toEqual([{ place: 'removes', message: expect.stringContaining(removed?.label ?? '') }]);
    }
    const { problems } = await propose({ ...base, removes: [removed?.key] });
    expect(problems).toMatchObject([{ place: 'removes' }]);
    expect(await propose({ ...base, lines: kept, removes: [removed?.key] }, true)).toMatchObject({ refusal: null });
  });

  test('changes nothing in a rehearsal, nor before another person approves it', async () => {
    const before = await countVersions();
    const preview = await propose(file, true);
    expect(preview).toMatchObject({ refusal: null, proposal: null, changed: true, licenseType: { version: 2 } });
    expect(preview.differences).toEqual([
      {
        ...{ change: 'CHANGED', lineKey: null, lineLabel: null, what: '施行日期' },
        ...{ before: '2022-06-01', after: '2026-05-01', text: '施行日期由“2022-06-01”改为“2026-05-01”' },
      },
      {
        ...{ change: 'ADDED', lineKey: 'added', lineLabel: '新项', what: '信息项', before: null },
        ...{ after: expect.stringContaining('新项，'), text: expect.stringContaining('新增信息项“新项”：') },
      },
    ]);
    const proposed = await propose(file);
    expect(await countVersions()).toBe(before);
    const done = await approveImport(hub, proposed.proposal, 'licenseType { version }');
    expect(done).toMatchObject({ refusal: null, licenseType: { version: 2 } });
    const query = `{ now: licenseType(code: "${DEVICE}") { version validTo }
      later: licenseType(code: "${DEVICE}", on: "2026-05-01") { version validTo } }`;
    expect((await hub.ask(null, query)).data).toEqual({
      ...{ now: { version: 1, validTo: '2026-04-30' }, later: { version: 2, validTo: null } },
    });
    expect(await propose(file)).toMatchObject({ changed: false, proposal: null });
  });

  test('must follow what is published', async () => {
    for (const validFrom of ['2026-05-01', '2026-04-30', '2022-01-01']) {
      const { refusal } = await propose({ ...file, validFrom, name: '别的名称' });
      expect(refusal.code, validFrom).toBe('LICENSE_TYPE_OUT_OF_ORDER');
    }
  });

  test.each([
    ['{', ''],
    ['[]', ''],
    [JSON.stringify({ ...base, extra: 1 }), ''],
    [JSON.stringify({ ...base, lines: [{ ...kept[0], kind: 'REGEX' }] }), 'lines[0].kind'],
    [JSON.stringify({ ...base, lines: [{ ...kept[0], label: '甲\u200b乙' }] }), 'lines[0].label'],
  ])('names the place of what is wrong in a file', async (text, place) => {
    const { refusal, problems } = await propose(text);
    expect(refusal.code).toBe('LICENSE_TYPE_FILE_INVALID');
    expect(problems.map((problem: { place: string }) => problem.place)).toContain(place);
  });
});
