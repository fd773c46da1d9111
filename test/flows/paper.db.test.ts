import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIBRARY_CONSUMERS } from '../../subgraphs/licenses/act/event-store.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { changedLine, linesFor } from '../support/content.ts';
import { COMPANY, grantCase, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { awaitEntered, decideLedger, proposeLedger, registerLedger } from '../support/ledger.ts';
import { createTestLibrary } from '../support/library.ts';
import { actForOrgan } from '../support/own-act.ts';
import { sweep } from '../support/sweep.ts';
import { waitUntil } from '../support/until.ts';

/** A box of old licenses: from the organ's ledger to a license that everybody can look up, and its first act. */

const { DIRECT } = ROUTES;
const ORGAN = 'yudu-lyj';
const [REVIEWER, APPROVER] = [`${ORGAN}.reviewer`, `${ORGAN}.approver`];
const HEADER = '证照编号,持证主体,持证主体代码,颁发日期,有效期起始,有效期截止';
const HOLDER = `${COMPANY.name},${COMPANY.code}`;

let hub: TestHub;
let clock: TestClock;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let sql: postgres.Sql;
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

let serial = 0;
/** Returns a ledger with one line for each number. */
const ledgerOf = (numbers: readonly string[], until = '2027-12-31') =>
  `${HEADER}\n${numbers.map((number) => `${number},${HOLDER},2019-03-05,2019-03-05,${until}`).join('\n')}\n`;
const identifierOf = async (number: string): Promise<string> => {
  const [row] = await sql`select head_identifier from licenses.license where number = ${number}`;
  return row?.head_identifier;
};
/** Registers a license and returns its identifier. */
async function register(number: string, until?: string): Promise<string> {
  await registerLedger(hub, ORGAN, DIRECT.matter, ledgerOf([number], until));
  return identifierOf(number);
}
const readLicense = async (identifier: string, fields: string) =>
  (await hub.ask(APPROVER, `query($id: ID!) { license(identifier: $id) { ${fields} } }`, { id: identifier })).data
    .license;

describe('ten lines', () => {
  const numbers = Array.from({ length: 10 }, (_, i) => (i < 5 ? `36073120190000${i}` : `于林采字〔2019〕第${i}号`));
  const ledger = ledgerOf(numbers);

  test('are checked, and each bad line is named; nothing is entered', async () => {
    const bad = `${ledger}${numbers[0]},${HOLDER},2019-13-05,,长期\n`;
    const rehearsal = await proposeLedger(hub, REVIEWER, DIRECT.matter, bad, true);
    expect(rehearsal).toMatchObject({ registration: null, refusal: { code: 'IMPORT_NOT_DONE' } });
    expect(rehearsal.problems).toEqual([
      expect.objectContaining({ line: 12, column: '颁发日期', code: 'DAY_INVALID' }),
      expect.objectContaining({ line: 12, column: '证照编号', code: 'LEDGER_NUMBER_TWICE' }),
    ]);
    expect(await sql`select 1 from licenses.registration_file`).toEqual([]);
  });

  test('are proposed by one person, approved by another, and entered', async () => {
    const refused = await proposeLedger(hub, 'yudu-sfj.reviewer', DIRECT.matter, ledger);
    expect(refused.refusal.code).toBe('ORGAN_WITHOUT_POWER');
    const { registration } = await proposeLedger(hub, REVIEWER, DIRECT.matter, ledger);
    expect(registration).toMatchObject({ state: 'WAITING', lines: 10, entered: null });
    expect((await proposeLedger(hub, REVIEWER, DIRECT.matter, ledger)).refusal.code).toBe('LEDGER_KNOWN');
    expect((await decideLedger(hub, REVIEWER, registration.id)).refusal.code).toBe('ROLE_NOT_ALLOWED');
    expect((await decideLedger(hub, APPROVER, registration.id)).refusal).toBeNull();
    await awaitEntered(hub, APPROVER, registration.id);
    expect((await decideLedger(hub, APPROVER, registration.id)).refusal.code).toBe('PROPOSAL_DECIDED');
    expect((await proposeLedger(hub, REVIEWER, DIRECT.matter, ledger)).refusal.code).toBe('LEDGER_KNOWN');
    const again = await proposeLedger(hub, REVIEWER, DIRECT.matter, `${ledger}\n`);
    expect(again.problems.map(({ code }: { code: string }) => code)).toEqual(numbers.map(() => 'LICENSE_NUMBER_TAKEN'));
  });

  test('are licenses without a seal, which say so everywhere', async () => {
    const identifier = await identifierOf(numbers[7] ?? '');
    expect(identifier).toMatch(/\.DJ\d{8}\.001\../);
    expect(await identifierOf(numbers[1] ?? '')).toContain(`.${numbers[1]}.001.`);
    const license = await readLicense(
      identifier,
      `number version state origin registration { registeredOn proposedBy approvedBy line scanDigest } case { id: uuid }
        document { mediaType signature { url seal { id } } } paper { blankNumber } papers { blankNumber }
        acts { act state actor } validUntil`,
    );
    expect(license).toMatchObject({
      ...{ number: numbers[7], version: 1, state: 'VALID', origin: 'REGISTERED', validUntil: '2027-12-31' },
      registration: { registeredOn: '2026-03-02', line: 9, scanDigest: null },
      document: { mediaType: 'application/jwt', signature: { url: null, seal: null } },
      ...{ case: null, paper: null, papers: [], acts: [{ act: 'REGISTER', state: 'VALID' }] },
    });
    expect(license.registration.proposedBy).not.toBe(license.registration.approvedBy);
    const page = await hub.hub.app.inject({ url: `/v/${identifier}` });
    expect(page.body).toContain('存量纸质证照');
    expect(page.body).not.toContain(license.registration.proposedBy);
    const [file] = await sql`select d.bytes from licenses.document d join licenses.license_version v
      on v.document_digest = d.digest where v.identifier = ${identifier}`;
    const input = { document: Buffer.from(file?.bytes).toString('base64') };
    const { data } = await hub.ask(
      'auditor',
      `query($input: VerifyLicenseInput!) { verifyLicense(input: $input) {
        verdict license { origin sealName registration { registeredOn } } steps { name detail } } }`,
      { input },
    );
    expect(data.verifyLicense).toMatchObject({
      verdict: 'TOTAL_PASSED',
      license: { origin: 'REGISTERED', sealName: null, registration: { registeredOn: '2026-03-02' } },
    });
  });

  test('the two ledgers, the files and the statements agree', async () => {
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });
});

test('the first act that makes a version makes a sealed one', async () => {
  const number = '于林采旧字第100号';
  const identifier = await register(number);
  const caseId = await grantCase(hub, DIRECT, {
    ...{ licenseNumber: number, situation: 'CHANGE', fields: [...linesFor(DIRECT.matter), changedLine(DIRECT.matter)] },
  });
  const { license } = await runMutation(
    hub,
    DIRECT.prints,
    'changeLicense',
    'CaseActInput',
    { case: caseId, ...toBlanks(DIRECT, ++serial) },
    'license { identifier number }',
  );
  expect(license.number).toBe(number);
  const versions = await readLicense(license.identifier, 'origin versions { version state origin }');
  expect(versions).toMatchObject({
    origin: 'ISSUED',
    versions: [
      { version: 1, state: 'SUPERSEDED', origin: 'REGISTERED' },
      { version: 2, state: 'VALID', origin: 'ISSUED' },
    ],
  });
  expect(license.identifier.slice(0, -5)).toBe(identifier.slice(0, -5));
});

test('an act on the own authority works on it', async () => {
  await library.close();
  const identifier = await register('于林采旧字第101号');
  expect((await actForOrgan(hub, ORGAN, 'suspend', { identifier })).license).toMatchObject({ state: 'SUSPENDED' });
  expect((await actForOrgan(hub, ORGAN, 'restore', { identifier })).license).toMatchObject({ state: 'VALID' });
  // The library gets the acts before the statement from which it knows the license, if nobody holds them back.
  await sql`update licenses.outbox_delivery set next_attempt_at = now() + interval '3 seconds'
    where consumer = ${LIBRARY_CONSUMERS.statements} and delivered < head`;
  await sql`update licenses.outbox_delivery set next_attempt_at = now()
    where consumer = ${LIBRARY_CONSUMERS.changes} and delivered < head`;
  await library.open(await hub.hub.seals.rootCertificate());
});

test('one that has ended already lapses at the next sweep', async () => {
  const identifier = await register('于林采旧字第102号', '2020-12-31');
  expect(await readLicense(identifier, 'state')).toEqual({ state: 'LAPSED' });
  expect(await sweep(hub)).toBe(1);
  const license = await readLicense(identifier, 'state acts { act }');
  expect(license).toEqual({ state: 'LAPSED', acts: [{ act: 'REGISTER' }, { act: 'LAPSE' }] });
});

test('the city library collects what was entered and each act after it', async () => {
  await waitUntil('everything is collected', async () => {
    const [row] = await sql`select count(*)::int as open from licenses.outbox_delivery
      where consumer like 'library%' and delivered < head`;
    return row?.open === 0;
  });
  const refused = await sql`select stream, last_error from licenses.outbox_delivery
    where consumer like 'library%' and last_error is not null`;
  expect([...refused]).toEqual([]);
  expect(await library.statements('于林采旧字第102号')).toMatchObject([{ follows: 0 }, { follows: 0 }]);
  expect(await library.receipts('于林采旧字第101号')).toHaveLength(2);
});
