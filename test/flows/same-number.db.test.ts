import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { changedLine, linesFor } from '../support/content.ts';
import { COMPANY, grantCase, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { proposeLedger, registerLedger } from '../support/ledger.ts';
import { createTestLibrary } from '../support/library.ts';
import { actForOrgan } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

/** Two offices printed the same number on old paper: each license is registered, found, acted on and collected. */

const { DIRECT } = ROUTES;
const FIRST = { organ: 'yudu-sfj', matter: 'yd2022-1-08', issuedOn: '2019-03-05' };
const SECOND = { organ: 'yudu-lyj', matter: DIRECT.matter, issuedOn: '2018-06-01' };
const [CARRIED, TEXT] = ['36073120180001', '许字第7号'];
const HEADER = '证照编号,持证主体,持证主体代码,颁发日期,有效期起始,有效期截止';
const ledgerOf = (issuedOn: string, ...numbers: string[]) =>
  `${HEADER}\n${numbers.map((number) => `${number},${COMPANY.name},${COMPANY.code},${issuedOn},,长期`).join('\n')}\n`;

let hub: TestHub;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let sql: postgres.Sql;
beforeAll(async () => {
  library = await createTestLibrary();
  hub = await createTestHub({ now: testClock('2026-03-02'), library: library.settings });
  sql = postgres(hub.adminUrl, { max: 1 });
  await library.open(await hub.hub.seals.rootCertificate());
  for (const { organ, matter, issuedOn } of [FIRST, SECOND])
    await registerLedger(hub, organ, matter, ledgerOf(issuedOn, CARRIED, TEXT));
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await library?.stop();
});

/** Returns the licenses with a number that a person finds. */
async function findByNumber(person: string, number: string) {
  const query =
    'query($n: String!) { licenses(first: 9, filter: { number: $n }) { edges { node { identifier number state issuer { code } } } } }';
  const { data } = await hub.ask(person, query, { n: number });
  return data.licenses.edges.map((edge: { node: Found }) => edge.node) as Found[];
}
interface Found {
  identifier: string;
  number: string;
  state: string;
  issuer: { code: string };
}
const findOf = async ({ organ }: { organ: string }, number: string) => {
  const [found] = await findByNumber(`${organ}.approver`, number);
  if (!found) throw new Error(`${organ} finds no ${number}`);
  return found;
};

describe.each([CARRIED, TEXT])('%s', (number) => {
  test('is a license of each office, and a list gives both', async () => {
    const all = await findByNumber('auditor', number);
    expect(all.map(({ number: printed }) => printed)).toEqual([number, number]);
    expect(new Set(all.map(({ identifier }) => identifier)).size).toBe(2);
    for (const office of [FIRST, SECOND]) {
      expect(await findByNumber(`${office.organ}.approver`, number)).toMatchObject([
        { issuer: { code: office.organ } },
      ]);
    }
  });

  test('is shown as printed on the page of each', async () => {
    for (const { identifier } of await findByNumber('auditor', number)) {
      const { body } = await hub.hub.app.inject({ url: `/v/${identifier}` });
      expect(body).toContain(number);
      expect(body).not.toMatch(/@[0-9a-f]{8}/);
    }
  });
});

test('an office cannot enter a number twice, and no number may look like a key', async () => {
  for (const { organ, matter } of [FIRST, SECOND]) {
    const { problems } = await proposeLedger(
      hub,
      `${organ}.reviewer`,
      matter,
      ledgerOf('2017-01-01', CARRIED, '许字第７号', 'X@0a1b2c3d'),
      true,
    );
    expect(problems.map(({ line, code }: { line: number; code: string }) => `${line} ${code}`)).toEqual([
      '2 LICENSE_NUMBER_TAKEN',
      '3 LICENSE_NUMBER_TAKEN',
      '4 FIELD_MALFORMED',
    ]);
  }
});

test('a case acts on the license of its own office, whose number stays', async () => {
  const before = await findOf(SECOND, TEXT);
  const fields = [...linesFor(DIRECT.matter), changedLine(DIRECT.matter)];
  const caseId = await grantCase(hub, DIRECT, { licenseNumber: TEXT, situation: 'CHANGE', fields });
  const selection = '{ case(id: $id) { licenseNumber certificateTask { licenseNumber } } }';
  const { data } = await hub.ask(DIRECT.prints, `query($id: ID!) ${selection}`, { id: caseId });
  expect(data.case).toEqual({ licenseNumber: TEXT, certificateTask: { licenseNumber: TEXT } });
  const act = { case: caseId, ...toBlanks(DIRECT, 1) };
  const { license } = await runMutation(
    hub,
    DIRECT.prints,
    'changeLicense',
    'CaseActInput',
    act,
    'license { identifier number version }',
  );
  expect(license).toMatchObject({ number: TEXT, version: 2 });
  expect(license.identifier.slice(0, -5)).toBe(before.identifier.slice(0, -5));
  const [row] = await sql`select record from licenses.license_version where identifier = ${license.identifier}`;
  expect(row?.record.ZZBH).toBe(TEXT);
  expect(await findOf(FIRST, TEXT)).toMatchObject({ state: 'VALID' });
});

test('an act on the own authority ends one and leaves the other', async () => {
  const { identifier } = await findOf(FIRST, CARRIED);
  expect((await actForOrgan(hub, FIRST.organ, 'suspend', { identifier })).license).toMatchObject({
    state: 'SUSPENDED',
  });
  expect(await findOf(SECOND, CARRIED)).toMatchObject({ state: 'VALID' });
  const second = await findOf(SECOND, CARRIED);
  const acted = await actForOrgan(
    hub,
    SECOND.organ,
    'suspend',
    { identifier: second.identifier },
    'license { number state }',
  );
  expect(acted.license).toEqual({ number: CARRIED, state: 'SUSPENDED' });
});

test('a case may name its license by identifier, and none by its key', async () => {
  const { identifier } = await findOf(SECOND, TEXT);
  const fields = [...linesFor(DIRECT.matter), { ...changedLine(DIRECT.matter), text: '另一改动' }];
  const input = { matter: DIRECT.matter, applicant: COMPANY, situation: 'CHANGE', fields, dryRun: true };
  const receive = (licenseNumber: string) =>
    runMutation(
      hub,
      DIRECT.accepts,
      'receiveApplication',
      'ApplicationInput',
      { ...input, licenseNumber },
      'case { licenseNumber }',
    );
  expect((await receive(identifier)).case).toEqual({ licenseNumber: TEXT });
  const [{ number: key } = { number: '' }] =
    await sql`select number from licenses.license where head_identifier = ${identifier}`;
  expect(key).toMatch(/^许字第7号@[0-9a-f]{8}$/);
  expect((await receive(key)).refusal.code).toBe('LICENSE_UNKNOWN');
});

test('the library collects all of them, and the audit has nothing to say', async () => {
  await waitUntil('everything is collected', async () => {
    const [row] = await sql`select count(*)::int as open from licenses.outbox_delivery
      where consumer like 'library%' and delivered < head`;
    return row?.open === 0;
  });
  const refused = await sql`select stream, last_error from licenses.outbox_delivery
    where consumer like 'library%' and last_error is not null`;
  expect([...refused]).toEqual([]);
  const city = postgres(library.databaseUrl, { max: 1 });
  const rows = await city`select record->>'ZZBH' as number, state from city_library.certificate
    where state <> 'SUPERSEDED' order by 1, 2`;
  await city.end();
  expect(rows.map((row) => `${row.number} ${row.state}`)).toEqual([
    `${CARRIED} SUSPENDED`,
    `${CARRIED} SUSPENDED`,
    `${TEXT} VALID`,
    `${TEXT} VALID`,
  ]);
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});
