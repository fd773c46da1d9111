import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import {
  COMPANY,
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
import { findRefusalOfAct } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

/**
 * What the register states goes to a library of protocol version 2, and waits for one of version 1. The license's own
 * acts never wait for it.
 */

const route = ROUTES.DIRECT;
const DAY_MS = 86_400_000;
/** How far the hub's clock is ahead, in milliseconds. */
let late = 0;

let hub: TestHub;
let sql: postgres.Sql;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let openLibrary: (protocol: 1 | 2) => Promise<void>;
beforeAll(async () => {
  library = await createTestLibrary();
  hub = await createTestHub({
    library: { ...library.settings, protocolPauseMs: 100 },
    now: () => new Date(Date.now() + late),
  });
  sql = postgres(hub.adminUrl, { max: 2, onnotice: () => {} });
  const root = await hub.hub.seals.rootCertificate();
  openLibrary = (protocol) => library.open(root, [], protocol);
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await library?.stop();
});

const readStates = async (identifier: string) => {
  const query = `query($id: ID!) { license(identifier: $id) { collection { state }
    statements { state stated collected attempts collectedAt lastError } } }`;
  return (await hub.ask('auditor', query, { id: identifier })).data.license;
};

/** Issues a license and spoils its sheet as often as there are further blanks. */
async function issueAndSpoil(serial: number, times: number) {
  const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), serial);
  for (let i = 0; i < times; i++) await spoil(license.identifier, serial + i);
  return license;
}

async function spoil(identifier: string, serial: number) {
  const [blankNumber, replacement] = [serial, serial + 1].map((each) => toBlankNumber(route, each));
  const input = { identifier, blankNumber, replacement, reason: 'DAMAGED' };
  await runMutation(hub, route.prints, 'spoilBlank', 'SpoilBlankInput', input, 'license { identifier }');
}

const listStated = (number: string) => sql`select a.id, a.document_digest, r.text from licenses.act a
  join seals.register_statement r on r.id = a.id where a.number = ${number} and a.act = 'SPOIL' order by a.serial`;

const waitForStatements = (identifier: string, state: string) =>
  waitUntil(`the statements are ${state}`, async () => {
    const { statements } = await readStates(identifier);
    return statements?.state === state && statements;
  });

test('statements wait for a library of version 1, its licenses do not; with version 2 they go out by themselves', async () => {
  await openLibrary(1);
  const license = await issueAndSpoil(1, 2);
  const { identifier, number } = license;
  expect(await waitForStatements(identifier, 'PARKED')).toEqual({
    ...{ state: 'PARKED', stated: 2, collected: 0, attempts: 0, collectedAt: null, lastError: null },
  });
  for (const name of ['suspend', 'restore'])
    expect(await findRefusalOfAct(hub, 'yudu-lyj', name, { identifier })).toBeNull();
  await spoil(identifier, 3);
  await waitUntil('the acts are collected', async () => (await library.receipts(number)).length === 3);
  expect(await readStates(identifier)).toMatchObject({
    ...{ collection: { state: 'COLLECTED' }, statements: { state: 'PARKED', stated: 3, attempts: 0, lastError: null } },
  });
  const duties = await sql`select 1 from licenses.duty where kind = 'COLLECTION_REFUSED'`;
  expect(duties).toHaveLength(0);

  await library.close();
  await openLibrary(2);
  expect(await waitForStatements(identifier, 'COLLECTED')).toMatchObject({ stated: 3, collected: 3, attempts: 0 });
  const collected = await library.statements(number);
  const stated = await listStated(number);
  expect(collected.map(({ id, follows, document_digest }) => ({ id, follows, document_digest }))).toEqual([
    ...[1, 1, 3].map((follows, i) => ({ id: stated[i]?.id, follows, document_digest: sha256(stated[i]?.text) })),
  ]);
  // The hub keeps the receipt that the library signed, and the log has its digest.
  const receipts = await sql`select r.revision, r.receipt, l.entry from licenses.outbox_receipt r
    join seals.log_leaf l on l.kind = 'RECEIPT' and l.subject = 'library ' || r.stream || ' ' || r.revision
    where r.consumer = 'library-statements' and r.stream = ${`register:${number}`} order by r.revision`;
  expect(receipts.map(({ receipt }) => receipt)).toEqual(collected.map(({ receipt }) => receipt));
  for (const { receipt, entry, revision } of receipts) {
    expect(JSON.parse(entry)).toMatchObject({ digest: sha256(receipt), isSigned: true, isSalted: true });
    expect(JSON.parse(Buffer.from(receipt.split('.')[1], 'base64url').toString())).toMatchObject({
      ...{ stream: `register:${number}`, revision, act: 'SPOIL', state: 'VALID', identifier },
    });
  }
});

test('a library that is away gets them later, once, also if the hub forgot that it delivered them', async () => {
  await library.close();
  const license = await issueAndSpoil(11, 1);
  expect(await readStates(license.identifier)).toMatchObject({ statements: { collected: 0 } });
  await openLibrary(2);
  await waitForStatements(license.identifier, 'COLLECTED');
  const [before] = await library.statements(license.number);
  // As after a hub that ended between the library's answer and its own record of it.
  const stream = `register:${license.number}`;
  await sql`delete from licenses.outbox_receipt where stream = ${stream}`;
  await sql`update licenses.outbox_delivery set delivered = 0, next_attempt_at = now() where stream = ${stream}`;
  await waitUntil(
    'it is delivered again',
    async () => (await readStates(license.identifier)).statements.collected === 1,
  );
  expect(await library.statements(license.number)).toEqual([before]);
  const [again] = await sql`select receipt from licenses.outbox_receipt
    where consumer = 'library-statements' and stream = ${stream}`;
  expect(again?.receipt).toBe(before?.receipt);
});

test('a statement that arrives before the act that it follows is sent again, and none is refused for good', async () => {
  await library.close();
  const license = await issueAndSpoil(21, 1);
  const hold = (rejectedAt: Date | null) => sql`update licenses.outbox_delivery
    set rejected_at = ${rejectedAt}, next_attempt_at = now()
    where consumer = 'library' and stream = ${`license:${license.number}`}`;
  await hold(new Date());
  await openLibrary(2);
  const waiting = await waitUntil('the library asks for the act', async () => {
    const { statements } = await readStates(license.identifier);
    return statements.lastError?.includes('ORDER') && statements;
  });
  expect(waiting).toMatchObject({ state: 'PENDING', collected: 0 });
  await hold(null);
  await waitForStatements(license.identifier, 'COLLECTED');
});

test('a library that was set back to version 1 parks what comes then', async () => {
  await library.close();
  await openLibrary(1);
  const license = await issueAndSpoil(31, 1);
  await waitForStatements(license.identifier, 'PARKED');
  await waitUntil('the license is collected', async () => (await library.receipts(license.number)).length === 1);
  await library.close();
  await openLibrary(2);
  await waitForStatements(license.identifier, 'COLLECTED');
});

test('a refused statement is shown to somebody, holds up no act on the license, and is sent again on request', async () => {
  const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 41);
  const { identifier, number } = license;
  await waitUntil('the license is collected', async () => (await library.receipts(number)).length === 1);
  const own = postgres(library.databaseUrl, { max: 1 });
  const setState = (state: string) => own`update city_library.act set state = ${state} where number = ${number}`;
  await setState('SUSPENDED');
  await spoil(identifier, 41);
  expect((await waitForStatements(identifier, 'FAILED')).lastError).toContain('RECORD_MISMATCH');
  const listDuties = async () => {
    const rows =
      await sql`select closed_at from cases.duty where kind = 'COLLECTION_REFUSED' and identifier = ${identifier}`;
    return rows.map(({ closed_at }) => (closed_at === null ? 'open' : 'closed'));
  };
  await waitUntil('somebody is shown it', async () => (await listDuties()).join() === 'open');
  expect(await findRefusalOfAct(hub, 'yudu-lyj', 'suspend', { identifier })).toBeNull();
  await waitUntil('the act is collected', async () => (await library.receipts(number)).length === 2);
  await own`update city_library.act set state = 'VALID' where number = ${number} and revision = 1`;
  await own.end();
  const redrive = { identifier };
  expect(await findRefusalCode(hub, route.prints, 'redriveCollection', 'RedriveCollectionInput', redrive)).toBeNull();
  await waitForStatements(identifier, 'COLLECTED');
  await waitUntil('nobody is shown it any more', async () => (await listDuties()).join() === 'closed');
});

test('a library of version 1 is sent a correction as a change, one of version 2 as what it is', async () => {
  await library.close();
  await openLibrary(1);
  const exploration = {
    ...ROUTES.WINDOW_FORWARD,
    ...{ matter: 'yd2022-3-01', decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' },
  };
  const { number, identifier } = await issueGrantedLicense(hub, exploration, await grantCase(hub, exploration), 1);
  const follow = async (name: string, serial: number, application: object) => {
    const id = await grantCase(hub, exploration, { licenseNumber: number, ...application });
    const input = { case: id, ...toBlanks(exploration, serial) };
    const { license } = await runMutation(
      hub,
      exploration.prints,
      name,
      'CaseActInput',
      input,
      'license { identifier }',
    );
    return license.identifier as string;
  };
  const correct = (serial: number, name: string) =>
    follow('correctLicense', serial, { situation: 'CORRECT', applicant: { ...COMPANY, name }, reason: '笔误' });
  const listSent = async () => {
    const librarySql = postgres(library.databaseUrl, { max: 1 });
    const rows = await librarySql`select act from city_library.act where number = ${number} order by revision`;
    await librarySql.end();
    return rows.map(({ act }) => String(act));
  };
  const waitForSent = (acts: string[]) =>
    waitUntil(`the library has ${acts}`, async () => (await listSent()).length === acts.length);

  await correct(2, '甲公司');
  await follow('retainLicense', 3, { matter: 'yd2022-3-03' });
  await waitForSent(['ISSUE', 'CHANGE', 'CHANGE']);
  expect(await listSent()).toEqual(['ISSUE', 'CHANGE', 'CHANGE']);

  await library.close();
  await openLibrary(2);
  await correct(4, '乙公司');
  const all = ['ISSUE', 'CHANGE', 'CHANGE', 'CORRECT'];
  await waitForSent(all);
  expect(await listSent()).toEqual(all);
  expect(await readStates(identifier)).toMatchObject({ collection: { state: 'COLLECTED' } });
});

test('a library of version 1 is sent a renewal on the day it begins, and nothing else waits for it', async () => {
  await library.close();
  await openLibrary(1);
  // The hub learns that the library was set back when that refuses a statement, or by the next token.
  await waitForStatements((await issueAndSpoil(61, 1)).identifier, 'PARKED');
  const mining = {
    ...ROUTES.WINDOW_FORWARD,
    matter: 'yd2022-3-01',
    decides: 'ganzhou-zrzyj.approver',
    blanks: 'KB0004',
  };
  const dayAfterNow = (days: number) => dayOf(new Date(Date.now() + days * DAY_MS));
  const [lastDay, nextLastDay] = [dayAfterNow(2), dayAfterNow(9)];
  const renewEarly = async (serial: number) => {
    const issued = await grantCase(hub, mining, { validUntil: lastDay });
    const { number, identifier } = await issueGrantedLicense(hub, mining, issued, serial);
    const renewal = { matter: 'yd2022-3-02', licenseNumber: number, validUntil: nextLastDay };
    const id = await grantCase(hub, mining, renewal);
    const input = { case: id, ...toBlanks(mining, serial + 1) };
    const done = await runMutation(hub, mining.prints, 'renewLicense', 'CaseActInput', input, 'license { identifier }');
    expect(done.refusal).toBeNull();
    return { number, identifier, renewed: done.license.identifier as string };
  };
  const statesOf = async ({ identifier, renewed }: { identifier: string; renewed: string }) => {
    const copies = await library.copies();
    return [identifier, renewed].map((one) => copies.find((copy) => copy.identifier === one)?.state ?? null);
  };
  const waiting = await renewEarly(51);
  const revoked = await renewEarly(53);
  const revocation = { identifier: revoked.identifier };
  expect(await findRefusalOfAct(hub, 'ganzhou-zrzyj', 'revoke', revocation)).toBeNull();
  // As after the pause, during which the hub does not ask whether it is due.
  const look = (number: string) => sql`update licenses.outbox_delivery set next_attempt_at = now()
    where consumer = 'library' and stream = ${`license:${number}`}`;
  await waitUntil('an act behind a renewal ends its wait', async () => {
    await look(revoked.number);
    return (await library.receipts(revoked.number)).length === 3;
  });
  expect([await statesOf(waiting), await statesOf(revoked)]).toEqual([
    ['VALID', null],
    ['SUPERSEDED', 'REVOKED'],
  ]);
  const [held] = await sql`select attempts, delivered, head from licenses.outbox_delivery
    where consumer = 'library' and stream = ${`license:${waiting.number}`}`;
  expect(held).toMatchObject({ attempts: 0, delivered: 1, head: 2 });
  expect(await readStates(waiting.renewed)).toMatchObject({ collection: { state: 'PENDING' } });

  late = DAY_MS * 3;
  await look(waiting.number);
  await waitUntil('the renewal is collected', async () => (await statesOf(waiting))[1] === 'VALID');
  expect(await statesOf(waiting)).toEqual(['SUPERSEDED', 'VALID']);
  late = 0;

  // One of version 2 knows renewals that wait.
  await library.close();
  await openLibrary(2);
  const known = await renewEarly(55);
  await waitUntil('both versions are collected', async () => (await statesOf(known))[1] === 'VALID');
  expect(await statesOf(known)).toEqual(['VALID', 'VALID']);
});

test('a library of version 1 is not sent that a renewal holds off an end, and nothing waits behind it', async () => {
  await library.close();
  await openLibrary(1);
  await waitForStatements((await issueAndSpoil(81, 1)).identifier, 'PARKED');
  const mining = {
    ...ROUTES.WINDOW_FORWARD,
    ...{ matter: 'yd2022-3-01', decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' },
  };
  const validUntil = dayOf(new Date(Date.now() + late + DAY_MS * 2));
  const granted = await grantCase(hub, mining, { validUntil });
  const { number, identifier } = await issueGrantedLicense(hub, mining, granted, 61);
  const application = { matter: 'yd2022-3-02', applicant: COMPANY, licenseNumber: number };
  const accepted = await runMutation(
    ...([hub, mining.accepts, 'acceptCase', 'ApplicationInput', application, 'case { id: uuid }'] as const),
  );
  const renewal: string = accepted.case.id;
  const listActs = async () => {
    const rows = await sql`select act from licenses.act where number = ${number} and state = 'DONE' order by serial`;
    return rows.map(({ act }) => String(act));
  };
  const waitForStated = (act: string) =>
    waitUntil(`${act} is stated`, async () => {
      await hub.hub.licenses.stateHolds();
      return (await listActs()).includes(act);
    });
  await waitForStated('HOLD');
  expect(await waitForStatements(identifier, 'PARKED')).toMatchObject({ stated: 1, attempts: 0, lastError: null });
  for (const name of ['suspend', 'restore'])
    expect(await findRefusalOfAct(hub, 'ganzhou-zrzyj', name, { identifier })).toBeNull();

  const withdrawal = { case: renewal, reason: '不再申请' };
  const withdrawn = await runMutation(
    ...([hub, 'applicant-company', 'withdrawCase', 'CaseReasonInput', withdrawal, 'case { step }'] as const),
  );
  expect(withdrawn.case?.step).toBe('WITHDRAWN');
  await waitForStated('RELEASE');
  expect(await findRefusalOfAct(hub, 'ganzhou-zrzyj', 'suspend', { identifier })).toBeNull();
  await waitUntil('every act is collected', async () => (await library.receipts(number)).length === 4);
  expect(await listActs()).toEqual(['ISSUE', 'HOLD', 'SUSPEND', 'RESTORE', 'RELEASE', 'SUSPEND']);
  expect(await readStates(identifier)).toMatchObject({
    ...{ collection: { state: 'COLLECTED' }, statements: { state: 'PARKED', stated: 2, collected: 0, attempts: 0 } },
  });
  expect(await library.statements(number)).toEqual([]);
  expect(await sql`select 1 from licenses.duty where kind = 'COLLECTION_REFUSED' and closed_at is null`).toHaveLength(
    0,
  );

  await library.close();
  await openLibrary(2);
  await waitForStatements(identifier, 'COLLECTED');
  const receipts = (await library.statements(number)).map(({ receipt }) =>
    JSON.parse(Buffer.from(receipt.split('.')[1], 'base64url').toString()),
  );
  expect(receipts.map(({ act }) => act)).toEqual(['HOLD', 'RELEASE']);
});
