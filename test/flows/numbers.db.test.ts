import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { readLicenseTypes } from '../../seeds/load.ts';
import { readLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { reserveSerial } from '../../subgraphs/licenses/number/workflow.ts';
import type { CertificateTask } from '../../subgraphs/licenses/task/task.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { linesFor } from '../support/content.ts';
import {
  findRefusalCode,
  grantCase,
  issueGrantedLicense,
  ROUTES,
  runMutation,
  toBlankNumber,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { actForOrgan } from '../support/own-act.ts';
import { approveImport } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

/** Licenses are numbered by the format that their type has for the issuer when they are printed. */

const ROUTE = ROUTES.WINDOW_FORWARD;
const TYPE = '11000000000090018B033';
const ISSUER = 'ganzhou-xzspj';
const FIELDS = linesFor(ROUTE.matter, { 备注: '内部说明' });

let hub: TestHub;
let clock: TestClock;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let sql: postgres.Sql;
let blank = 0;
beforeAll(async () => {
  clock = testClock('2026-03-02');
  library = await createTestLibrary();
  hub = await createTestHub({ now: clock, library: library.settings });
  sql = postgres(hub.adminUrl, { max: 1 });
  await library.open(await hub.hub.seals.rootCertificate());
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await library?.stop();
});

const issue = async (caseId?: string) =>
  issueGrantedLicense(hub, ROUTE, caseId ?? (await grantCase(hub, ROUTE, { fields: FIELDS })), ++blank);
const serialOf = (identifier: string) => readLicenseIdentifier(identifier).parts?.serial;
/** The newest running number of the issuer in a year. */
const readNewest = async (year: number) =>
  (await sql`select newest from licenses.number_series where series = ${`${TYPE} ${ISSUER}`} and year = ${year}`)[0]
    ?.newest;

/** Waits until the issuer is warned for a reason that its numbers run out, or is not warned. */
async function expectWarning(reason: string | null) {
  await hub.hub.licenses.watchSupplies();
  const query = '{ attention(first: 5, filter: { kinds: [NUMBERS_ENDING] }) { edges { node { message } } } }';
  await waitUntil(`the warning is ${reason}`, async () => {
    const { data } = await hub.ask(`${ISSUER}.approver`, query);
    const messages = data.attention.edges.map(({ node }: { node: { message: string } }) => node.message);
    return reason === null ? messages.length === 0 : messages.length === 1 && messages[0].includes(reason);
  });
}

/** Publishes a version of the type whose numbers are written by other templates. */
async function publishFormats(validFrom: string, numberFormats: { issuer: string | null; template: string }[]) {
  const file = { ...readLicenseTypes().find(({ code }) => code === TYPE), validFrom, numberFormats };
  const input = { text: JSON.stringify(file), dryRun: false };
  const fields = 'proposal { id organ { code } } problems { place message }';
  const { proposal } = await runMutation(
    hub,
    'administrator',
    'importLicenseType',
    'ImportLicenseTypeInput',
    input,
    fields,
  );
  expect((await approveImport(hub, proposal, 'licenseType { version }')).refusal).toBeNull();
  await waitUntil('the version is known', async () => {
    const [row] =
      await sql`select count(*)::int as n from licenses.license_type l join cases.license_type_fact c using (code)
      where code = ${TYPE} and l.fact = c.fact and l.fact->'versions' @> ${sql.json([{ validFrom }])}`;
    return row?.n === 1;
  });
}

test('a number of the issuer’s format is one everywhere: graph, search, public page, library, later acts', async () => {
  const { number, identifier } = await issue();
  expect([number, serialOf(identifier)]).toEqual(['赣虔药监械经营许20260001号', '20260001']);
  const { data } = await hub.ask(
    'auditor',
    `{ filtered: licenses(filter: { number: "赣虔药监械经营许 ２０２６0001号" }) { edges { node { identifier } } }
      searched: searchLicenses(text: "械经营许2026") { edges { node { identifier } } } }`,
  );
  const found = { edges: [{ node: { identifier } }] };
  expect(data).toEqual({ filtered: found, searched: found });
  const typed = `query($id: ID!) { license(identifier: $id) { typeVersion type { code version name lines { label } } } }`;
  expect((await hub.ask('auditor', typed, { id: identifier })).data.license).toMatchObject({
    typeVersion: 1,
    type: { code: TYPE, version: 1, lines: expect.arrayContaining([{ label: '经营范围' }]) },
  });
  const shown = await hub.ask(null, `{ licenseStatus(identifier: "${identifier}") { fields { label } } }`);
  expect(shown.data.licenseStatus.fields).toContainEqual({ label: '经营范围' });
  expect(shown.data.licenseStatus.fields).not.toContainEqual({ label: '备注' });
  const page = (await hub.hub.app.inject(`/v/${identifier}`)).body;
  expect([page.includes(number), page.includes('经营范围'), page.includes('备注')]).toEqual([true, true, false]);
  await waitUntil('the library has it', async () => (await library.receipts(number)).length === 1);

  for (const [action, state] of Object.entries({ suspend: 'SUSPENDED', restore: 'VALID' }))
    expect((await actForOrgan(hub, ISSUER, action, { identifier })).license).toEqual({ state });
  const change = await grantCase(hub, { ...ROUTE, matter: 'yd2022-3-27' }, { licenseNumber: number });
  const input = { case: change, ...toBlanks(ROUTE, ++blank) };
  const fields = 'license { number identifier version }';
  const changed = await runMutation(hub, ROUTE.prints, 'changeLicense', 'CaseActInput', input, fields);
  expect(changed.license).toMatchObject({ number, version: 2 });
  expect(serialOf(changed.license.identifier)).toBe('20260001');
  await waitUntil('the library has all', async () => (await library.receipts(number)).length === 4);
  const spoiled = { identifier: changed.license.identifier, blankNumber: input.blankNumber, reason: 'MISPRINT' };
  const spoilInput = { ...spoiled, replacement: toBlankNumber(ROUTE, ++blank) };
  expect(await findRefusalCode(hub, ROUTE.prints, 'spoilBlank', 'SpoilBlankInput', spoilInput)).toBeNull();
  await waitUntil('and the statement', async () => (await library.statements(number)).length === 1);
});

test('issues at the same moment get numbers that follow each other, and a repeated one keeps its number', async () => {
  const cases = [];
  for (let i = 0; i < 3; i++) cases.push(await grantCase(hub, ROUTE));
  const issued = await Promise.all(cases.map((id) => issue(id)));
  expect(issued.map(({ number }) => number).toSorted()).toEqual(
    ['0002', '0003', '0004'].map((digits) => `赣虔药监械经营许2026${digits}号`),
  );
});

test('a new version of the type goes on with the running number, also for a case accepted under the earlier one', async () => {
  const earlier = await grantCase(hub, ROUTE);
  await publishFormats('2026-03-10', [
    { issuer: null, template: '赣械{YEAR}{RUNNING:4}号' },
    { issuer: ISSUER, template: '虔械（{YEAR}）{MONTH}第{RUNNING:3}号' },
  ]);
  clock.set('2026-03-10');
  expect((await issue(earlier)).number).toBe('虔械（2026）03第005号');
  const { number, identifier } = await issue();
  expect([number, serialOf(identifier)]).toEqual(['虔械（2026）03第006号', '202603006']);
  const versions = await sql`select v.record->'KZ_LXBB' as sealed, t.content->'typeVersion' as granted
    from licenses.license_version v join licenses.certificate_task t using (case_id)
    where v.number in ('虔械（2026）03第005号', ${number}) order by v.number`;
  expect(versions.map(({ sealed, granted }) => [sealed, granted])).toEqual([
    [1, 1],
    [2, 2],
  ]);
  const { data } = await hub.ask(
    'auditor',
    '{ licenses(filter: { number: "虔械(2026)03第006号" }) { edges { node { number } } } }',
  );
  expect(data.licenses.edges).toEqual([{ node: { number } }]);
});

test('numbers and serials that others have are left out', async () => {
  await sql`insert into licenses.reserved_number values ('虔械(2026)03第007号')`;
  await sql`insert into licenses.license_serial select type_code, uscc, '202603008', 'lost', 'lost' from licenses.license_serial
    where type_code = ${TYPE} limit 1`;
  expect((await issue()).number).toBe('虔械（2026）03第009号');
  expect(await readNewest(2026)).toBe(9);
});

test('a series without room is refused and uses nothing, until a new format has room for what was granted before', async () => {
  await sql`update licenses.number_series set newest = 899 where series = ${`${TYPE} ${ISSUER}`}`;
  await expectWarning(null);
  await sql`update licenses.number_series set newest = 999 where series = ${`${TYPE} ${ISSUER}`}`;
  const input = { case: await grantCase(hub, ROUTE), ...toBlanks(ROUTE, blank + 1) };
  await expectWarning('本年度已编至第999号，最多999号');
  for (const dryRun of [true, false]) {
    const code = await findRefusalCode(hub, ROUTE.prints, 'issueLicense', 'CaseActInput', { ...input, dryRun });
    expect(code).toBe('LICENSE_NUMBERS_EXHAUSTED');
  }
  expect(await readNewest(2026)).toBe(999);
  await publishFormats('2026-03-11', [{ issuer: ISSUER, template: '虔械（{YEAR}）{MONTH}第{RUNNING:4}号' }]);
  await expectWarning('本年度已编至第999号，最多999号');
  clock.set('2026-03-11');
  await expectWarning(null);
  expect((await issue(input.case)).number).toBe('虔械（2026）03第1000号');
});

test('the year changes at midnight of Asia/Shanghai', async () => {
  clock.set('2026-12-31T15:59:59Z');
  const [last, next] = [await grantCase(hub, ROUTE), await grantCase(hub, ROUTE)];
  expect((await issue(last)).number).toBe('虔械（2026）12第1001号');
  clock.set('2026-12-31T16:00:00Z');
  expect((await issue(next)).number).toBe('虔械（2027）01第0001号');
});

test('a license that another organ goes on with keeps its number, and its identifier collides with none', async () => {
  const licenses = connect(hub.databaseUrls.licenses, 'test-licenses');
  const taskOf = (uscc: string) => ({ content: { licenseType: TYPE }, issuer: { uscc } }) as CertificateTask;
  const reserve = (uscc: string, number: string) =>
    licenses.db.transaction((tx) => reserveSerial(tx, taskOf(uscc), number));
  const taken = await reserve('11430000006122244L', '甲20260001号');
  const other = await reserve('11430000006122244L', '乙20260001号');
  expect([taken.serial, other.serial]).toEqual(['20260001', '20260001Z1']);
  expect(await reserve('11430000006122244L', '乙20260001号')).toEqual(other);
  await licenses.close();
});

test('the database is consistent', async () => {
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});
