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
