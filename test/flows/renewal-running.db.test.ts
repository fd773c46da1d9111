import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASE_ORDER } from '../../subgraphs/cases/standing/standing.ts';
import { VERSION_ACTS, type VersionAct } from '../../subgraphs/kernel/license-acts.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { consentFor } from '../support/consent.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { COMPANY, grantCase, ROUTES, type Route, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { waitForLicense } from '../support/supervision.ts';
import { type Asking, askSurfaces, type SealedVersion } from '../support/surfaces.ts';
import { sweep } from '../support/sweep.ts';
import { waitUntil } from '../support/until.ts';

/** A license while its renewal is undecided (行政许可法第五十条), and the other cases on it at that time. */

const DEVICE: Route = ROUTES.WINDOW_FORWARD;
const EXPLORATION: Route = { ...DEVICE, matter: 'yd2022-3-01', decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' };
const RENEWALS: Readonly<Record<string, string>> = {
  [DEVICE.matter]: 'yd2022-3-26',
  [EXPLORATION.matter]: 'yd2022-3-02',
};
const TRANSFER = 'yd2022-3-06';
const CANCEL = 'yd2022-3-30';
const BUYER = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const ISSUED_ON = '2025-03-02';
const ASKED_ON = '2026-01-15';
/** The first moments after the last day. */
const DEEMED = '2026-03-01T16:00:00.000Z';
const DECIDED_ON = '2026-03-05';
const FIELDS = 'license { identifier number version state validFrom validUntil document { digest url } }';

type Version = SealedVersion & { number: string; version: number; state: string };

/** Every act that makes a version while a renewal runs. */
const ROWS: { act: VersionAct; route: Route; application: object }[] = [
  {
    act: 'CHANGE',
    route: DEVICE,
    application: { matter: 'yd2022-3-27', applicant: { ...COMPANY, name: '于都县贡江示范药业股份公司' } },
  },
  { act: 'RETAIN', route: EXPLORATION, application: { matter: 'yd2022-3-03' } },
  {
    act: 'CORRECT',
    route: EXPLORATION,
    application: {
      situation: 'CORRECT',
      applicant: { ...COMPANY, name: '于都县贡江示范药业公司' },
      reason: '录入有误',
    },
  },
  { act: 'REISSUE', route: DEVICE, application: { matter: 'yd2022-3-29' } },
];

let hub: TestHub;
let clock: TestClock;
let asking: Asking;
let sql: postgres.Sql;
let serial = 0;
beforeAll(async () => {
  clock = testClock(ISSUED_ON);
  hub = await createTestHub({ now: clock });
  asking = { hub, now: clock, reader: 'auditor' };
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  // The term of the matters is five years. Seals do not last as long.
  await sql`update cases.matter_fact set fact = replace(fact::text, '"validityMonths": 60', '"validityMonths": 12')::jsonb`;
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

const perform = async (route: Route, act: VersionAct, application: object): Promise<Version> =>
  print(route, act, await grantCase(hub, route, application));

async function print(route: Route, act: VersionAct, caseId: string): Promise<Version> {
  const { license, refusal } = await tryPrint(route, act, caseId);
  expect([act, refusal]).toEqual([act, null]);
  await waitForLicense(hub, caseId);
  return license;
}
const tryPrint = (route: Route, act: VersionAct, caseId: string) => {
  const input = { case: caseId, ...toBlanks(route, ++serial) };
  return runMutation(hub, route.prints, `${act.toLowerCase()}License`, 'CaseActInput', input, FIELDS);
};

/** Accepts an application. Returns the case or its refusal. */
function tryAccept(route: Route, application: object, dryRun = false) {
  const input = { applicant: COMPANY, fields: [], ...consentFor(application), ...application, dryRun };
  return runMutation(hub, route.accepts, 'acceptCase', 'ApplicationInput', input, 'case { id: uuid number }');
}
async function accept(route: Route, application: object): Promise<{ id: string; number: string }> {
  const { case: accepted, refusal } = await tryAccept(route, application);
  expect(refusal).toBeNull();
  return accepted;
}
const renewalOf = (route: Route, { number }: Version) => ({
  matter: RENEWALS[route.matter],
  licenseNumber: number,
});
/** Applies for the renewal of a license, and waits until licenses know it. */
async function askRenewal(route: Route, license: Version): Promise<string> {
  const { id } = await accept(route, renewalOf(route, license));
  await waitUntil('licenses know the renewal', async () => {
    const rows = await sql`select from licenses.renewal where case_id = ${id}`;
    return rows.length === 1;
  });
  return id;
}

/** Examines, forwards and decides an accepted case. Returns the refusal of the decision. */
async function decide(route: Route, id: string, decision: object = { decision: 'GRANTED' }) {
  const input = { case: id, authoriseSeal: true, ...decision };
  for (const [person, name, type, step] of [
    [route.examines, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }],
    [route.forwards, 'forwardCase', 'CaseNoteInput', { case: id }],
  ] as const)
    await runMutation(hub, person ?? '', name, type, step, '__typename');
  return decideAgain(route, input);
}
async function decideAgain(route: Route, input: object) {
  return (await runMutation(hub, route.decides, 'decideCase', 'DecideCaseInput', input, '__typename')).refusal;
}
const isTaskOpen = (id: string) =>
  waitUntil('the case may be printed', async () => {
    const rows = await sql`select from licenses.certificate_task where case_id = ${id}`;
    return rows.length === 1;
  });

async function tellOf({ identifier }: Version) {
  const fields = 'state deemedRenewedSince isRenewalGranted deemedRenewals { from until }';
  const query = `query($id: ID!) { license(identifier: $id) { ${fields} renewalCase { uuid } } licenseStatus(identifier: $id) { ${fields} } }`;
  const { data } = await hub.ask('auditor', query, { id: identifier });
  const { renewalCase, ...license } = data.license;
  expect(data.licenseStatus).toEqual(license);
  return { ...license, renewalCase: renewalCase?.uuid ?? null };
}
const pageOf = async ({ identifier }: Version) => (await hub.hub.app.inject({ url: `/v/${identifier}` })).payload;
const statesOf = async (version: Version) => [...new Set(Object.values((await askSurfaces(asking, version)).states))];

/** The items of `attention` about a license that counts as renewed, as a person is shown them. */
async function listDeemed(person: string, { identifier }: Version) {
  const fields = 'kind dueOn message case { uuid } license { identifier }';
  const kinds = '[RENEWAL_UNDECIDED, RENEWAL_UNPRINTED]';
  const query = `{ attention(first: 100, filter: { kinds: ${kinds} }) { edges { node { ${fields} } } } }`;
  const { data } = await hub.ask(person, query);
  type Item = { kind: string; dueOn: string; message: string; case: { uuid: string }; license: { identifier: string } };
  const items: Item[] = data.attention.edges.map(({ node }: { node: Item }) => node);
  return items.filter(({ license }) => license.identifier === identifier);
}

/** What each license of a row is in the end, and the case that renews it. */
const kept: { route: Route; version: Version; renewal: string }[] = [];
let suspended: { license: Version; renewal: string };
let single: Version;
let plain: Version;

test('every act that makes a version while a renewal runs has a row', () => {
  const running = VERSION_ACTS.filter((act) => act !== 'ISSUE' && !CASE_ORDER[act].acceptance.RENEW);
  expect(ROWS.map(({ act }) => act).sort()).toEqual([...running].sort());
});

test('licenses are issued, some acts granted before their renewals are asked for, some after', async () => {
  const early: [number, string][] = [];
  const licenses = [];
  for (const { route } of ROWS) licenses.push(await perform(route, 'ISSUE', {}));
  const held = await perform(DEVICE, 'ISSUE', {});
  single = await perform(EXPLORATION, 'ISSUE', {});
  plain = await perform(DEVICE, 'ISSUE', {});
  clock.set(ASKED_ON);
  for (const [i, { route, application }] of ROWS.entries())
    if (i % 2 === 0)
      early.push([i, await grantCase(hub, route, { ...application, licenseNumber: licenses[i]?.number })]);
  for (const [i, { route, act, application }] of ROWS.entries()) {
    const license = licenses[i] as Version;
    const renewal = await askRenewal(route, license);
    const granted = early.find(([row]) => row === i)?.[1];
    const caseId = granted ?? (await grantCase(hub, route, { ...application, licenseNumber: license.number }));
    kept.push({ route, renewal, version: await print(route, act, caseId) });
  }
  suspended = { license: held, renewal: await askRenewal(DEVICE, held) };
  expect((await actForOrgan(hub, 'ganzhou-xzspj', 'suspend', { identifier: held.identifier })).refusal).toBeNull();
});

describe('cases on one license at the same time', () => {
  test('a second renewal is refused at acceptance, rehearsal and in the actions of what was received', async () => {
    const first = await accept(EXPLORATION, renewalOf(EXPLORATION, single));
    for (const dryRun of [true, false])
      expect((await tryAccept(EXPLORATION, renewalOf(EXPLORATION, single), dryRun)).refusal).toMatchObject({
        code: 'CASE_RUNNING_ON_LICENSE',
        message: `此证照另有办件须先办结：延续正在办理，办件${first.number}。`,
        field: 'licenseNumber',
      });
    const received = await runMutation(
      hub,
      'applicant-company',
      'receiveApplication',
      'ApplicationInput',
      { applicant: COMPANY, fields: [], ...renewalOf(EXPLORATION, single) },
      'case { uuid: id }',
    );
    expect(received.refusal).toBeNull();
    const { data } = await hub.ask(
      EXPLORATION.accepts,
      'query($id: ID!) { case(id: $id) { actions(names: ["acceptApplication"]) { name refusal { code } } } }',
      { id: received.case.uuid },
    );
    expect(data.case.actions).toEqual([{ name: 'acceptApplication', refusal: { code: 'CASE_RUNNING_ON_LICENSE' } }]);
    const transfer = { matter: TRANSFER, applicant: BUYER, licenseNumber: single.number };
    expect((await tryAccept(EXPLORATION, transfer)).refusal?.code).toBe('CASE_RUNNING_ON_LICENSE');
    expect(await decide(EXPLORATION, first.id, { decision: 'REJECTED', reason: '不符合条件' })).toBeNull();
    expect((await tryAccept(EXPLORATION, transfer, true)).refusal).toBeNull();
  });

  test('after a granted cancellation nothing else is accepted or granted until it is entered', async () => {
    const change = await accept(DEVICE, {
      ...{ matter: 'yd2022-3-27', licenseNumber: plain.number },
      applicant: { ...COMPANY, name: '于都县贡江示范药业股份公司' },
    });
    const cancel = await accept(DEVICE, { matter: CANCEL, licenseNumber: plain.number });
    expect(await decide(DEVICE, cancel.id)).toBeNull();
    expect((await tryAccept(DEVICE, renewalOf(DEVICE, plain))).refusal?.code).toBe('CASE_RUNNING_ON_LICENSE');
    expect((await decide(DEVICE, change.id))?.code).toBe('CASE_RUNNING_ON_LICENSE');
  });
});

test('after the last day each is in force on every surface, by whichever act its version was made', async () => {
  clock.set(DEEMED);
  // One was refused its renewal. The granted cancellation of another one is not entered yet.
  expect(await sweep(hub)).toBe(1);
  for (const { version, renewal } of kept) {
    expect(await statesOf(version)).toEqual(['VALID']);
    expect((await listDeemed('auditor', version)).map(({ kind }) => kind)).toEqual(['RENEWAL_UNDECIDED']);
    expect(await tellOf(version)).toEqual({
      ...{ state: 'VALID', renewalCase: renewal, isRenewalGranted: false, deemedRenewedSince: '2026-03-02' },
      deemedRenewals: [{ from: '2026-03-02', until: null }],
    });
    expect(await pageOf(version)).toContain('尚未作出决定');
  }
  expect(await statesOf(suspended.license)).toEqual(['SUSPENDED']);
});

test('while it counts as renewed, cases on it are accepted and granted, and their versions count as renewed too', async () => {
  const { route, version, renewal } = kept[0] as (typeof kept)[number];
  const reissued = await perform(route, 'REISSUE', {
    ...{ matter: 'yd2022-3-29', licenseNumber: version.number },
    applicant: { ...COMPANY, name: '于都县贡江示范药业股份公司' },
  });
  expect(await tellOf(reissued)).toMatchObject({
    state: 'VALID',
    renewalCase: renewal,
    deemedRenewedSince: '2026-03-02',
  });
  kept[0] = { route, renewal, version: reissued };
});

test('once granted it is being made; made, the license keeps when it counted as renewed', async () => {
  clock.set(DECIDED_ON);
  for (const { route, version, renewal } of kept.slice(0, 2)) {
    expect(await decide(route, renewal)).toBeNull();
    await isTaskOpen(renewal);
    await waitUntil('licenses know that it is granted', async () => (await tellOf(version)).isRenewalGranted);
    const page = await pageOf(version);
    expect([page.includes('已准予延续，正在制证'), page.includes('尚未作出决定')]).toEqual([true, false]);
    // Whoever prints is shown it now, nobody any more as undecided.
    const unprinted = { kind: 'RENEWAL_UNPRINTED', dueOn: '2026-03-01', case: { uuid: renewal } };
    expect(await listDeemed(route.prints, version)).toMatchObject([
      { ...unprinted, message: expect.stringContaining('请尽快制证') },
    ]);
    expect(await listDeemed('auditor', version)).toMatchObject([unprinted]);
    clock.advance(86_400_000);
    const renewed = await print(route, 'RENEW', renewal);
    expect([await listDeemed('auditor', version), await listDeemed('auditor', renewed)]).toEqual([[], []]);
    expect(renewed).toMatchObject({ state: 'VALID', validUntil: expect.stringMatching(/^2027-03-0/) });
    expect((await tellOf(renewed)).deemedRenewals).toEqual([
      { from: '2026-03-02', until: expect.stringMatching(/^2026-03-0[45]$/) },
    ]);
    expect(await pageOf(renewed)).toMatch(/视为准予延续[\s\S]*2026-03-02 至 2026-03-0[45]/);
  }
});

test('a refusal ends the license that day, and what was granted on it is not printed any more', async () => {
  const { route, version, renewal } = kept[2] as (typeof kept)[number];
  const correction = await grantCase(hub, route, {
    ...{ situation: 'CORRECT', licenseNumber: version.number, reason: '录入有误' },
    applicant: COMPANY,
  });
  expect(await decide(route, renewal, { decision: 'REJECTED', reason: '不符合条件' })).toBeNull();
  await waitUntil('the license has lapsed', async () => (await tellOf(version)).state === 'LAPSED');
  const until = (await tellOf(version)).deemedRenewals[0].until;
  expect(until).toBe(clock().toISOString().slice(0, 10));
  expect((await tryPrint(route, 'CORRECT', correction)).refusal).toMatchObject({
    code: 'TASK_LICENSE_ENDED',
    message: '证照有效期已届满，不能再制证，请作废本制证任务。',
  });
  expect(await sweep(hub)).toBe(0);
  const { identifier } = version;
  const blankNumber = toBlanks(route, serial - 1).blankNumber;
  const delivery = await runMutation(
    hub,
    route.prints,
    'deliverCertificate',
    'CertificateInput',
    { identifier, blankNumber: (await printedSheetOf(version)) ?? blankNumber },
    '__typename',
  );
  expect(delivery.refusal).toMatchObject({ code: 'PAPER_NOT_IN_FORCE', message: expect.stringContaining('失效') });
});

async function printedSheetOf({ identifier }: Version): Promise<string | undefined> {
  const [row] =
    await sql`select blank_number from licenses.sheet where identifier = ${identifier} and state = 'PRINTED'`;
  return row?.blank_number;
}

test('a suspended license is renewed, and the renewed version is suspended until it is restored', async () => {
  const { license, renewal } = suspended;
  expect(await decide(DEVICE, renewal)).toBeNull();
  await isTaskOpen(renewal);
  const renewed = await print(DEVICE, 'RENEW', renewal);
  expect(renewed.state).toBe('SUSPENDED');
  expect([await statesOf(license), await statesOf(renewed)]).toEqual([['SUPERSEDED'], ['SUSPENDED']]);
  const { refusal } = await actForOrgan(hub, 'ganzhou-xzspj', 'restore', { identifier: renewed.identifier });
  expect(refusal).toBeNull();
  clock.advance(3_600_001);
  expect(await statesOf(renewed)).toEqual(['VALID']);
});

test('ledgers, versions and paper agree', async () => {
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});
