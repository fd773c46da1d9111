import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { readLicenseTypes } from '../../seeds/load.ts';
import * as cases from '../../subgraphs/cases/fact/store.ts';
import { findTypeOn } from '../../subgraphs/kernel/license-type/type.ts';
import * as licenses from '../../subgraphs/licenses/type/store.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

const DEVICE = '11000000000090018B033';

let hub: TestHub;
let admin: postgres.Sql;

beforeAll(async () => {
  hub = await createTestHub();
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
