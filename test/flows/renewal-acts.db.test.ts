import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditPaper } from '../../scripts/audit/paper.ts';
import { auditTypes } from '../../scripts/audit/types/types.ts';
import { findCaseBefore } from '../../subgraphs/cases/standing/standing.ts';
import {
  changesLines,
  servesReplaced,
  takesOverOnFirstDay,
  VERSION_ACTS,
  type VersionAct,
} from '../../subgraphs/kernel/license-acts.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import {
  COMPANY,
  findRefusalCode,
  grantCase,
  ROUTES,
  type Route,
  runMutation,
  toBlankNumber,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { sampleCases } from '../support/sample.ts';
import { waitForLicense } from '../support/supervision.ts';
import { type Asking, askSurfaces, type SealedVersion } from '../support/surfaces.ts';
import { sweep } from '../support/sweep.ts';
import { waitUntil } from '../support/until.ts';

/** Acts on a license, and what happens to its paper, while its renewal waits for its first day. */

const DEVICE: Route = ROUTES.WINDOW_FORWARD;
const EXPLORATION: Route = { ...DEVICE, matter: 'yd2022-3-01', decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' };
const RENEWALS: Readonly<Record<string, string>> = {
  [DEVICE.matter]: 'yd2022-3-26',
  [EXPLORATION.matter]: 'yd2022-3-02',
};
const BUYER = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const CORRECTED = { ...COMPANY, name: '于都县贡江示范药业有限责任公司' };

const ISSUED_ON = '2025-03-02';
const RENEWED_ON = '2025-12-03';
const ACTED_ON = '2026-01-10';
/** The last moment before the renewal begins, and the first of it. */
const BEFORE = '2026-03-01T15:59:59.999Z';
const AFTER = '2026-03-01T16:00:00.000Z';
/** The day after the last day of the renewal. */
const ENDED = '2027-03-02';
/** The serials of blanks for spoiled sheets are this much later. */
const SPARE = 60;
/** The line that a change gives. */
const LINE = [{ label: '地址', text: '甲地' }];
const ADDRESS = 'query($id: ID!) { license(identifier: $id) { versions { fields { label text } } } }';
const FIELDS = `license { identifier number version state validFrom validUntil document { digest url }
  papers { blankNumber kind state recallDue } }`;

interface Paper {
  blankNumber: string;
  kind: string;
  state: string;
  recallDue: boolean;
}
type Version = SealedVersion & { number: string; papers: Paper[] };

/** Each act that replaces both versions. Before it the paper of the renewal was delivered, or was not. */
const ROWS: { act: VersionAct; route: Route; application: object; isDelivered: boolean }[] = [
  { act: 'CHANGE', route: EXPLORATION, application: { matter: 'yd2022-3-05' }, isDelivered: true },
  { act: 'RETAIN', route: EXPLORATION, application: { matter: 'yd2022-3-03' }, isDelivered: false },
  { act: 'TRANSFER', route: EXPLORATION, application: { matter: 'yd2022-3-06', applicant: BUYER }, isDelivered: true },
  {
    act: 'CORRECT',
    route: EXPLORATION,
    application: { situation: 'CORRECT', applicant: CORRECTED, reason: '录入有误' },
    isDelivered: false,
  },
  { act: 'REISSUE', route: DEVICE, application: { matter: 'yd2022-3-29' }, isDelivered: true },
  { act: 'REISSUE', route: DEVICE, application: { matter: 'yd2022-3-29' }, isDelivered: false },
];

let hub: TestHub;
let clock: TestClock;
let asking: Asking;
let sql: postgres.Sql;
let serial = 0;
/** The versions of each row in their order, and those of the licenses whose paper alone is handled. */
const acted: [Version, Version, Version][] = [];
const waiting: [Version, Version][] = [];

beforeAll(async () => {
  clock = testClock(ISSUED_ON);
  hub = await createTestHub({ now: clock });
  asking = { hub, now: clock, reader: 'auditor' };
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  await hub.hub.licenses.receiveBlanks('ganzhou-zrzyj', { prefix: EXPLORATION.blanks, from: 1_001, to: 1_500 });
  // The term of the matters is five years. Seals do not last as long.
  await sql`update cases.matter_fact set fact = replace(fact::text, '"validityMonths": 60', '"validityMonths": 12')::jsonb`;
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

/** Grants a case of an act and prints its version. */
async function perform(route: Route, act: VersionAct, application: object): Promise<Version> {
  return print(route, act, await grantCase(hub, route, application));
}

async function print(
  route: Route,
  act: VersionAct,
  caseId: string,
  blanks: object = toBlanks(route, ++serial),
): Promise<Version> {
  const input = { case: caseId, ...blanks };
  const { license, refusal } = await runMutation(hub, route.prints, nameOf(act), 'CaseActInput', input, FIELDS);
  expect([act, refusal]).toEqual([act, null]);
  await waitForLicense(hub, caseId);
  return license;
}

const nameOf = (act: VersionAct) => `${act.toLowerCase()}License`;

const TYPES: Readonly<Record<string, string>> = {
  recallCertificate: 'RecallCertificateInput',
  spoilBlank: 'SpoilBlankInput',
};

/** Handles a sheet of a version at the counter. Returns the code of the refusal, or null. */
async function handle(name: string, { identifier }: Version, blankNumber: string, more: object = {}) {
  const input = { identifier, blankNumber, ...more };
  const type = TYPES[name] ?? 'CertificateInput';
  return (await runMutation(hub, DEVICE.prints, name, type, input, '__typename')).refusal?.code ?? null;
}

/** Hands over the paper of a version. Returns the code of the refusal, or null. */
const deliver = (version: Version) => handle('deliverCertificate', version, version.papers[0]?.blankNumber ?? '');

async function papersOf({ identifier }: Version): Promise<Paper[]> {
  const query = `query($id: ID!) { license(identifier: $id) { papers { blankNumber kind state recallDue } } }`;
  return (await hub.ask('auditor', query, { id: identifier })).data.license.papers;
}
/** The states of the sheets of a version, and whether each must be returned. */
const statesOf = async (version: Version) =>
  (await papersOf(version)).map(({ state, recallDue }) => (recallDue ? `${state} due` : state));

/** Returns how many sheets of each version `attention` demands back. */
async function countRecalls(...versions: Version[]): Promise<number[]> {
  const { data } = await hub.ask(
    'auditor',
    '{ attention(first: 100, filter: { kinds: [RECALL_OPEN] }) { edges { node { license { identifier } } } } }',
  );
  const demanded = data.attention.edges.map(
    ({ node }: { node: { license: SealedVersion } }) => node.license.identifier,
  );
  return versions.map(({ identifier }) => demanded.filter((one: string) => one === identifier).length);
}
/** Waits until `attention` demands so many sheets of each version. */
const expectRecalls = (...expected: [Version, number][]) =>
  waitUntil('cases know which sheets must be returned', async () => {
    const counts = await countRecalls(...expected.map(([version]) => version));
    return counts.every((count, i) => count === expected[i]?.[1]);
  });

const stateOf = async (version: Version) => {
  const states = Object.values((await askSurfaces(asking, version)).states);
  return new Set(states).size === 1 ? states[0] : states;
};

async function expectAgreement(): Promise<void> {
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  const findings = [];
  for await (const finding of auditPaper({ sql } as never)) findings.push(finding);
  expect(findings).toEqual([]);
}

test('every act that replaces both versions has a row', () => {
  const expected = VERSION_ACTS.filter((act) => act !== 'ISSUE' && !takesOverOnFirstDay(act));
  expect([...new Set(ROWS.map(({ act }) => act))].sort()).toEqual([...expected].sort());
});

/** Issues and delivers a license of each route today. */
async function issueAll(routes: readonly Route[]): Promise<Version[]> {
  const versions = [];
  for (const route of routes) versions.push(await perform(route, 'ISSUE', {}));
  return versions;
}

test('licenses are renewed before their last day', async () => {
  const olds = await issueAll(ROWS.map(({ route }) => route));
  const plain = await issueAll([DEVICE, DEVICE]);
  for (const old of olds) expect(await deliver(old)).toBeNull();
  clock.set(RENEWED_ON);
  const renew = async (route: Route, old: Version | undefined): Promise<[Version, Version]> => {
    if (!old) throw new Error('no license');
    return [old, await perform(route, 'RENEW', { matter: RENEWALS[route.matter], licenseNumber: old.number })];
  };
  const renewed: [Version, Version][] = [];
  for (const [i, { route }] of ROWS.entries()) renewed.push(await renew(route, olds[i]));
  for (const old of plain) waiting.push(await renew(DEVICE, old));
  clock.set(ACTED_ON);
  for (const [i, { route, act, application, isDelivered }] of ROWS.entries()) {
    const [old, second] = renewed[i] as [Version, Version];
    if (isDelivered) expect(await deliver(second)).toBeNull();
    const version = await perform(route, act, { ...application, licenseNumber: old.number });
    expect(version).toMatchObject({ version: 3, state: 'VALID', validFrom: ISSUED_ON, validUntil: '2027-03-01' });
    acted.push([old, second, version]);
  }
  await expectAgreement();
});

/** What is asked for, for each act on a license. */
const APPLICATIONS: Readonly<Record<Exclude<VersionAct, 'ISSUE'>, object>> = {
  CHANGE: { matter: 'yd2022-3-05' },
  RENEW: { matter: 'yd2022-3-02' },
  REISSUE: { situation: 'REISSUE' },
  RETAIN: { matter: 'yd2022-3-03' },
  TRANSFER: { matter: 'yd2022-3-06', applicant: BUYER },
  CORRECT: { situation: 'CORRECT', reason: '录入有误' },
};
const REPLACING = Object.keys(APPLICATIONS) as (keyof typeof APPLICATIONS)[];
/** Pairs of which the second is accepted and granted while the first is granted and not printed. */
const OVERLAPS = REPLACING.flatMap((first) => REPLACING.map((second) => [first, second] as const)).filter(
  ([first, second]) => {
    const granted = [{ id: '', number: null, act: first, isGranted: true, holdsEnd: false }];
    return (['acceptance', 'grant'] as const).every((stage) => findCaseBefore(second, stage, granted) === null);
  },
);

/** Returns the versions that changed more than their grants say. */
async function listUndecided(): Promise<string[]> {
  const objects = [];
  for await (const { code, object } of auditTypes({ sql, now: new Date() } as never))
    if (code === 'LICENSE_CHANGE_UNDECIDED') objects.push(object);
  return objects;
}

test('what cases believe of a license is not printed, and the audit compares each version with its grant', async () => {
  const { number } = await print(EXPLORATION, 'ISSUE', await grantCase(hub, EXPLORATION), takeBlanks());
  const fact = sql`from cases.license_fact where number = ${number}`;
  const [copy] = await sql`select fact ${fact}`;
  const forge = (changed: object) => sql`update cases.license_fact
    set fact = ${sql.json({ ...copy?.fact, license: { ...copy?.fact.license, ...changed } })} where number = ${number}`;
  const change = () => grantCase(hub, EXPLORATION, { ...APPLICATIONS.CHANGE, licenseNumber: number, fields: LINE });
  const [{ label }] = copy?.fact.license.fields ?? [];
  for (const changed of [{ fields: [{ label, text: '无人决定' }] }, { validFrom: '2016-01-01' }]) {
    await forge(changed);
    const input = { case: await change(), ...takeBlanks() };
    const code = await findRefusalCode(hub, EXPLORATION.prints, 'changeLicense', 'CaseActInput', input);
    expect([changed, code]).toEqual([changed, 'LICENSE_CHANGED']);
  }
  await forge({});
  const version = await print(EXPLORATION, 'CHANGE', await change(), takeBlanks());
  expect(await listUndecided()).toEqual([]);
  const rewrite = (changes: object) => sql`update licenses.certificate_task set content =
    jsonb_set(content, '{changes}', ${sql.json(changes as never)}) where content->>'licenseNumber' = ${number} and done_at is not null`;
  await rewrite([]);
  expect(await listUndecided()).toEqual([`license:${version.identifier}`]);
  await rewrite([{ label: '地址', before: null, after: '甲地' }]);
  expect(await listUndecided()).toEqual([]);
});

/** Blanks of a box of its own: the walk over all pairs needs more than a test hub has. */
let box = 1_000;
const takeBlanks = () => ({
  blankNumber: toBlankNumber(EXPLORATION, ++box),
  duplicateBlanks: [toBlankNumber(EXPLORATION, ++box)],
});

test('of two acts that were decided on one version, the later one puts no older lines back', async () => {
  for (const [first, second] of sampleCases('overlapping acts', OVERLAPS, 3)) {
    const issued = await grantCase(hub, EXPLORATION);
    const { number, identifier } = await print(EXPLORATION, 'ISSUE', issued, takeBlanks());
    const grant = (act: (typeof REPLACING)[number], text: string, applicant: object) => {
      const fields = changesLines(act) ? [{ label: '地址', text }] : [];
      return grantCase(hub, EXPLORATION, { applicant, ...APPLICATIONS[act], licenseNumber: number, fields });
    };
    const addressOf = async () => {
      const { data } = await hub.ask('auditor', ADDRESS, { id: identifier });
      const newest = data.license.versions.at(-1);
      return newest.fields.find(({ label }: { label: string }) => label === '地址')?.text ?? null;
    };
    const [earlier, later] = [await grant(first, '甲地', COMPANY), await grant(second, '乙地', COMPANY)];
    await print(EXPLORATION, first, earlier, takeBlanks());
    const standing = changesLines(first) ? '甲地' : null;
    const input = { case: later, ...takeBlanks() };
    const code = await findRefusalCode(hub, EXPLORATION.prints, nameOf(second), 'CaseActInput', input);
    expect([first, second, code, await addressOf()]).toEqual([first, second, 'LICENSE_CHANGED', standing]);
    const voided = { case: later, reason: '决定以后证照另有变动' };
    for (const person of ['ganzhou-zrzyj.reviewer', EXPLORATION.decides])
      expect(await findRefusalCode(hub, person, 'voidTask', 'VoidTaskInput', voided)).toBeNull();
    await waitUntil('the case is voided', async () => {
      const rows = await sql`select from cases.case_file where id = ${later} and step = 'VOIDED'`;
      return rows.length === 1;
    });
    await print(EXPLORATION, second, await grant(second, '乙地', COMPANY), takeBlanks());
    const expected = changesLines(second) ? '乙地' : standing;
    expect([first, second, await addressOf()]).toEqual([first, second, expected]);
  }
});

test.each(ROWS.map((row, i) => [row.act, row.isDelivered ? 'delivered' : 'printed', i] as const))(
  '%s of a license whose renewal is %s replaces both versions and their paper',
  async (act, _, i) => {
    const [old, renewed, version] = acted[i] as [Version, Version, Version];
    const isDelivered = ROWS[i]?.isDelivered === true;
    const count = old.papers.length;
    // What the holder had is lost or must come back. What lies at the counter is neither: it is taken back there.
    const atHolder = Array(count).fill(act === 'REISSUE' ? 'LOST' : 'DELIVERED due');
    const atCounter = Array(count).fill('PRINTED');
    expect(await statesOf(old)).toEqual(atHolder);
    expect(await statesOf(renewed)).toEqual(isDelivered ? atHolder : atCounter);
    expect(await statesOf(version)).toEqual(atCounter);
    const due = act === 'REISSUE' ? 0 : count;
    await expectRecalls([old, due], [renewed, isDelivered ? due : 0], [version, 0]);
    const cases = await sql`select step from cases.case_file where license_number = ${old.number} and act = 'RENEW'`;
    // What a correction replaced before it was served waits for it.
    const unserved = servesReplaced(act) ? 'CERTIFIED' : 'UNDELIVERED';
    expect(cases).toEqual([{ step: isDelivered ? 'DELIVERED' : unserved }]);
    expect(await deliver(renewed)).toBe('LICENSE_NOT_CURRENT');
    const page = await hub.hub.app.inject({ url: `/v/${renewed.identifier}` });
    expect(page.payload.includes('遗失作废的纸质证照')).toBe(act === 'REISSUE' && isDelivered);
    for (const { blankNumber } of renewed.papers)
      expect(await handle('recallCertificate', renewed, blankNumber)).toBeNull();
    expect(await statesOf(renewed)).toEqual(Array(count).fill('RECALLED'));
    await expectRecalls([renewed, 0]);
  },
);

describe('the paper of both versions', () => {
  const spoil = (version: Version, place: number) => {
    const replacement = toBlankNumber(DEVICE, SPARE + ++serial);
    return handle('spoilBlank', version, version.papers[place]?.blankNumber ?? '', { replacement, reason: 'MISPRINT' });
  };

  test('is spoiled and delivered for each by itself, while the renewal waits', async () => {
    const [old, renewed] = waiting[0] as [Version, Version];
    expect([await spoil(old, 0), await spoil(renewed, 1)]).toEqual([null, null]);
    const named = await sql`select identifier from licenses.act where act = 'SPOIL' order by prepared_at, identifier`;
    expect(named.map(({ identifier }) => identifier).toSorted()).toEqual(
      [old.identifier, renewed.identifier].toSorted(),
    );
    old.papers = await papersOf(old);
    expect(await deliver(old)).toBeNull();
    expect([await statesOf(old), await statesOf(renewed)]).toEqual([
      ['DELIVERED', 'DELIVERED'],
      ['PRINTED', 'PRINTED'],
    ]);
    expect(await deliver(renewed)).toBeNull();
    // Both are in force: neither is spoiled or taken back.
    for (const one of [old, renewed]) {
      expect(await spoil(one, 0)).toBe('PAPER_NOT_PRINTED');
      expect(await handle('recallCertificate', one, one.papers[0]?.blankNumber ?? '')).toBe('PAPER_NOT_DELIVERED');
    }
    await expectAgreement();
  });

  test('until the midnight of the first day no return is due; from then on that of the earlier one', async () => {
    for (const [moment, first, second] of [
      [BEFORE, 'VALID', 'NOT_YET_VALID'],
      [AFTER, 'SUPERSEDED', 'VALID'],
    ] as const) {
      clock.set(moment);
      for (const [old, renewed] of waiting)
        expect([moment, await stateOf(old), await stateOf(renewed)]).toEqual([moment, first, second]);
      for (const [old, renewed, version] of acted)
        expect([moment, await stateOf(old), await stateOf(renewed), await stateOf(version)]).toEqual([
          moment,
          'SUPERSEDED',
          'SUPERSEDED',
          'VALID',
        ]);
      if (moment === BEFORE) expect(await sweep(hub)).toBe(0);
      expect(await countRecalls(...waiting.flat())).toEqual([0, 0, 0, 0]);
    }
    const [[old, renewed], [printed, other]] = waiting as [[Version, Version], [Version, Version]];
    // The graph says so at once. The sweep opens one duty for each sheet, once.
    expect(await statesOf(old)).toEqual(['DELIVERED due', 'DELIVERED due']);
    for (let run = 0; run < 2; run++) {
      expect(await sweep(hub)).toBe(0);
      await expectRecalls([old, 2], [renewed, 0], [printed, 0], [other, 0]);
    }
    for (const { blankNumber } of old.papers) expect(await handle('recallCertificate', old, blankNumber)).toBeNull();
    await expectRecalls([old, 0]);
    expect(await sweep(hub)).toBe(0);
    expect(await countRecalls(old)).toEqual([0]);
    // Paper of the earlier version that nobody fetched is taken back at the counter, and nothing else.
    expect([await deliver(printed), await spoil(printed, 0)]).toEqual(['LICENSE_NOT_CURRENT', 'LICENSE_NOT_CURRENT']);
    for (const { blankNumber } of printed.papers)
      expect(await handle('recallCertificate', printed, blankNumber)).toBeNull();
    expect([await statesOf(printed), await deliver(other)]).toEqual([['RECALLED', 'RECALLED'], null]);
    await expectAgreement();
  });
});

test('the version with both periods ends with the renewal', async () => {
  clock.set(ENDED);
  for (const [old, renewed, version] of acted.slice(-2))
    expect([await stateOf(old), await stateOf(renewed), await stateOf(version)]).toEqual([
      'SUPERSEDED',
      'SUPERSEDED',
      'LAPSED',
    ]);
});
