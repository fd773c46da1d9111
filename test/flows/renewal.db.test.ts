import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LICENSE_STATE_LABELS } from '../../subgraphs/kernel/license-acts.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { COMPANY, findRefusalCode, grantCase, ROUTES, runMutation, toBlankNumber } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { actForOrgan } from '../support/own-act.ts';
import { type Asking, askSurfaces, listIdentifiers, type SealedVersion } from '../support/surfaces.ts';
import { sweep } from '../support/sweep.ts';
import { waitUntil } from '../support/until.ts';

/** A renewal granted while the license is in force joins it: it begins the day after its end (行政许可法第五十条). */

const ROUTE = ROUTES.WINDOW_FORWARD;
const MATTERS = { ISSUE: ROUTE.matter, RENEW: 'yd2022-3-26', CHANGE: 'yd2022-3-27' };
const ISSUED_ON = '2025-03-02';
const LAST_DAY = '2026-03-01';
const FIRST_DAY = '2026-03-02';
const RENEWED_ON = '2025-12-03';
/** The last moment before the renewal begins, and the first of it. */
const BEFORE = '2026-03-01T15:59:59.999Z';
const AFTER = '2026-03-01T16:00:00.000Z';
const FIELDS = 'license { identifier number version state validFrom validUntil document { digest url } }';

type Version = SealedVersion & {
  number: string;
  version: number;
  state: string;
  validFrom: string;
  validUntil: string;
};

let hub: TestHub;
let clock: TestClock;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let asking: Asking;
let sql: postgres.Sql;
let serial = 0;
/** Licenses that begin on ISSUED_ON. Time only goes forward, so all are issued first. */
const issued: Version[] = [];
beforeAll(async () => {
  clock = testClock(ISSUED_ON);
  library = await createTestLibrary();
  hub = await createTestHub({ now: clock, library: library.settings });
  asking = { hub, now: clock, reader: ROUTE.decides };
  sql = postgres(hub.adminUrl, { max: 1 });
  // The term of the matters is five years. Seals do not last as long.
  await sql`update cases.matter_fact set fact = replace(fact::text, '"validityMonths": 60', '"validityMonths": 12')::jsonb
    where matter_id in ${sql(Object.values(MATTERS))}`;
  await library.open(await hub.hub.seals.rootCertificate());
  for (let i = 0; i < 7; i++) issued.push(await perform('ISSUE'));
  clock.set(RENEWED_ON);
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await library?.stop();
});

async function print(act: keyof typeof MATTERS, caseId: string): Promise<Version> {
  const duplicateBlanks = [toBlankNumber(ROUTE, ++serial)];
  const input = { case: caseId, blankNumber: toBlankNumber(ROUTE, ++serial), duplicateBlanks };
  const name = `${act.toLowerCase()}License`;
  const { license, refusal } = await runMutation(hub, ROUTE.prints, name, 'CaseActInput', input, FIELDS);
  expect([name, refusal]).toEqual([name, null]);
  return license;
}

/** Grants a case on a license, or one that issues it, and prints its version. */
async function perform(act: keyof typeof MATTERS, licenseNumber?: string): Promise<Version> {
  return print(act, await grantCase(hub, ROUTE, { matter: MATTERS[act], licenseNumber }));
}

function takeIssued(): Version {
  const license = issued.pop();
  if (!license) throw new Error('every license is taken');
  return license;
}

/** Renews one of the issued licenses now. */
async function renew(): Promise<[Version, Version]> {
  const old = takeIssued();
  return [old, await perform('RENEW', old.number)];
}

/** Accepts an application for a renewal, and returns the id of the case. */
async function acceptRenewal(licenseNumber: string): Promise<string> {
  const input = { matter: MATTERS.RENEW, applicant: COMPANY, fields: [], licenseNumber };
  const acceptance = await runMutation(
    hub,
    ROUTE.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid }',
  );
  expect(acceptance.refusal).toBeNull();
  return acceptance.case.id;
}

/** Examines, forwards and decides an accepted case. Returns the refusal of the decision. */
async function decide(id: string, decision: object) {
  const steps = [
    [ROUTE.examines, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }],
    [ROUTE.forwards, 'forwardCase', 'CaseNoteInput', { case: id }],
    [ROUTE.decides, 'decideCase', 'DecideCaseInput', { case: id, authoriseSeal: true, ...decision }],
  ] as const;
  let refusal = null;
  for (const [person, name, type, input] of steps)
    ({ refusal } = await runMutation(hub, person, name, type, input, '__typename'));
  return refusal;
}

/** What the graph and the public page tell of the renewal of a version. */
async function askRenewal({ identifier }: Version) {
  const { data } = await hub.ask(
    ROUTE.decides,
    `query($id: ID!) {
      license(identifier: $id) { state deemedRenewedSince nextVersion { identifier } renewalCase { uuid: id } }
      licenseStatus(identifier: $id) { state nextVersion nextFrom deemedRenewedSince } }`,
    { id: identifier },
  );
  const page = await hub.hub.app.inject({ method: 'GET', url: `/v/${identifier}` });
  return { ...data, page: page.payload };
}

/** The licenses that count as renewed, as `attention` shows them to the organ that decides. */
async function listUndecided(): Promise<{ license: { identifier: string } }[]> {
  const fields = 'message dueOn organs { code } case { step } license { identifier }';
  const query = `{ attention(first: 100, filter: { kinds: [RENEWAL_UNDECIDED] }) { edges { node { ${fields} } } } }`;
  const { data } = await hub.ask(ROUTE.decides, query);
  return data.attention.edges.map(({ node }: { node: object }) => node);
}

/** The stored versions of a license: state, and the day from which another takes their place. */
const versionsOf = (number: string) => sql`
  select version, state, superseded_from::text as from from licenses.license_version where number = ${number} order by version`;
const entriesOf = (number: string) => sql`
  select l.act, l.version, l.state_after as state from licenses.license_entry l join licenses.paper_entry p
  using (number, seq, version, act, state_after) where number = ${number} order by seq`;

const stateOf = async (license: Version) => {
  const states = Object.values((await askSurfaces(asking, license)).states);
  return new Set(states).size === 1 ? states[0] : states;
};

/** What a test leaves for one that looks at it after the renewals have begun. */
let revoked: [Version, Version] | null = null;
let suspended: [Version, Version] | null = null;
const undecided: { license: Version; id: string }[] = [];

describe('an early renewal', () => {
  test('an act reaches both versions, by the identifier of either, in both ledgers', async () => {
    const [old, renewed] = await renew();
    for (const [action, named, state] of [
      ['suspend', old, 'SUSPENDED'],
      ['restore', renewed, 'VALID'],
      ['revoke', old, 'REVOKED'],
    ] as const) {
      const { refusal } = await actForOrgan(hub, 'ganzhou-xzspj', action, { identifier: named.identifier });
      // The status list is made anew after an hour.
      clock.advance(3_600_001);
      expect([action, refusal]).toEqual([action, null]);
      const expected = state === 'VALID' ? ['VALID', 'NOT_YET_VALID'] : [state, state];
      expect([action, await stateOf(old), await stateOf(renewed)]).toEqual([action, ...expected]);
    }
    expect((await entriesOf(old.number)).map(({ act, version, state }) => `${act} ${version} ${state}`)).toEqual([
      ...['ISSUE 1 VALID', 'RENEW 1 VALID', 'RENEW 2 VALID', 'SUSPEND 1 SUSPENDED', 'SUSPEND 2 SUSPENDED'],
      ...['RESTORE 1 VALID', 'RESTORE 2 VALID', 'REVOKE 1 REVOKED', 'REVOKE 2 REVOKED'],
    ]);
    revoked = [old, renewed];
    const collected = await hub.ask(
      ROUTE.decides,
      'query($id: ID!) { license(identifier: $id) { collection { state lastError } } }',
      { id: renewed.identifier },
    );
    expect(collected.data.license.collection.lastError).toBeNull();
    await waitUntil('the library has collected the end of both', async () => {
      const copies = (await library.copies()).filter(({ identifier }) =>
        [old.identifier, renewed.identifier].includes(identifier),
      );
      return copies.length === 2 && copies.every(({ state }) => state === 'REVOKED');
    });
  });

  test('a change replaces both at once by one version with both periods', async () => {
    const [old] = await renew();
    const changed = await perform('CHANGE', old.number);
    expect(changed).toMatchObject({ version: 3, state: 'VALID', validFrom: ISSUED_ON, validUntil: '2027-03-01' });
    expect((await versionsOf(old.number)).map(({ state, from }) => [state, from])).toEqual([
      ['SUPERSEDED', FIRST_DAY],
      ['SUPERSEDED', null],
      ['VALID', null],
    ]);
    expect(await stateOf(changed)).toBe('VALID');
  });

  test('what is being renewed, and what waits, is not renewed again', async () => {
    const old = takeIssued();
    const again = { matter: MATTERS.RENEW, applicant: COMPANY, fields: [], licenseNumber: old.number };
    const refusalOfAnother = () => findRefusalCode(hub, ROUTE.accepts, 'acceptCase', 'ApplicationInput', again);
    const id = await acceptRenewal(old.number);
    expect(await refusalOfAnother()).toBe('CASE_RUNNING_ON_LICENSE');
    const other = await decide(id, { decision: 'GRANTED', validFrom: '2026-04-01' });
    expect(other).toMatchObject({ code: 'FIELD_MALFORMED', field: 'validFrom' });
    expect(await decide(id, { decision: 'GRANTED' })).toBeNull();
    expect(await refusalOfAnother()).toBe('CASE_RUNNING_ON_LICENSE');
    await waitUntil('it may be printed', async () => {
      const rows = await sql`select from licenses.certificate_task where case_id = ${id}`;
      return rows.length === 1;
    });
    await print('RENEW', id);
    await waitUntil('cases know the renewal', async () => (await refusalOfAnother()) === 'LICENSE_ACT_NOT_ALLOWED');
  });
});

describe('a renewal that is undecided', () => {
  test('leaves the warning to organ and holder; one that was granted ends it', async () => {
    clock.set('2026-01-10');
    const query =
      '{ attention(first: 100, filter: { kinds: [LICENSE_ENDING] }) { edges { node { dueOn license { identifier } } } } }';
    for (const person of [ROUTE.decides, 'applicant-company']) {
      const { data } = await hub.ask(person, query);
      const nodes = data.attention.edges.map(({ node }: { node: object }) => node);
      const waiting = issued.map(({ identifier }) => ({ dueOn: LAST_DAY, license: { identifier } }));
      expect([person, nodes]).toEqual([person, expect.arrayContaining(waiting)]);
      expect([person, nodes.length]).toEqual([person, waiting.length]);
    }
  });

  test('is known while the license is in force', async () => {
    clock.set('2026-01-15');
    for (const license of [takeIssued(), takeIssued()]) {
      const id = await acceptRenewal(license.number);
      await waitUntil(
        'licenses know the renewal',
        async () => (await askRenewal(license)).license.renewalCase !== null,
      );
      expect((await askRenewal(license)).license.deemedRenewedSince).toBeNull();
      expect(await listUndecided()).toEqual([]);
      undecided.push({ license, id });
    }
  });
});

describe('on the first day of a renewal', () => {
  test('it takes the place of the old version, on every surface', async () => {
    const [old, renewed] = await renew();
    suspended = await renew();
    await actForOrgan(hub, 'ganzhou-xzspj', 'suspend', { identifier: suspended[0].identifier });
    expect(old).toMatchObject({ validFrom: ISSUED_ON, validUntil: LAST_DAY });
    expect(renewed).toMatchObject({
      validFrom: FIRST_DAY,
      validUntil: '2027-03-01',
      state: 'NOT_YET_VALID',
      version: 2,
    });
    const kept = await askSurfaces(asking, old);
    const answer = await askRenewal(old);
    expect(answer.license).toMatchObject({ nextVersion: { identifier: renewed.identifier }, deemedRenewedSince: null });
    expect(answer.licenseStatus).toMatchObject({ nextVersion: renewed.identifier, nextFrom: FIRST_DAY });
    expect(answer.page).toContain('已准予延续，自该日起由新版本接替：2026-03-02');
    for (const [moment, expected] of [
      ['2026-01-20', ['VALID', 'NOT_YET_VALID']],
      [BEFORE, ['VALID', 'NOT_YET_VALID']],
      [AFTER, ['SUPERSEDED', 'VALID']],
    ] as const) {
      clock.set(moment);
      expect([moment, await stateOf(old), await stateOf(renewed)]).toEqual([moment, ...expected]);
      // A list names the license once, by its current version.
      const current = moment === AFTER ? renewed : old;
      for (const state of Object.keys(LICENSE_STATE_LABELS)) {
        const { ids } = await listIdentifiers(asking, { state, number: old.number });
        expect([moment, state, ids]).toEqual([moment, state, state === 'VALID' ? [current.identifier] : []]);
      }
    }
    // A copy that was kept from before the midnight knows from its statement what takes its place.
    const root = Buffer.from(await hub.hub.seals.rootCertificate());
    const { file, bundle } = kept;
    clock.set(BEFORE);
    const last = await askSurfaces(asking, old);
    clock.set(AFTER);
    expect(verify({ signature: null, roots: [root], file, bundle: last.bundle }, clock()).status.state).toBe(
      'SUPERSEDED',
    );
    expect(verify({ signature: null, roots: [root], file, bundle }, clock()).status.state).not.toBe('VALID');
    // Nothing lapses, and both ledgers agree.
    expect(await sweep(hub)).toBe(0);
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
    await waitUntil('the library has collected both', async () => (await library.copies()).length >= 2);
  });

  test('after that day a suspension is of the renewal, and acts reach it alone', async () => {
    const [old, renewed] = suspended as [Version, Version];
    expect(await Promise.all((revoked ?? []).map(stateOf))).toEqual(['REVOKED', 'REVOKED']);
    expect([await stateOf(old), await stateOf(renewed)]).toEqual(['SUPERSEDED', 'SUSPENDED']);
    await actForOrgan(hub, 'ganzhou-xzspj', 'restore', { identifier: renewed.identifier });
    clock.advance(3_600_001);
    expect([await stateOf(old), await stateOf(renewed)]).toEqual(['SUPERSEDED', 'VALID']);
    const late = await actForOrgan(hub, 'ganzhou-xzspj', 'revoke', { identifier: old.identifier });
    expect(late.refusal.code).toBe('LICENSE_NOT_CURRENT');
  });
});

describe('a renewal that is still undecided', () => {
  test.each(['GRANTED', 'REJECTED'] as const)('counts as granted at the end, until it is %s', async (decision) => {
    const { license: old, id } = undecided.pop() ?? { license: takeIssued(), id: '' };
    expect(await sweep(hub)).toBe(0);
    const answer = await askRenewal(old);
    expect(answer.license).toMatchObject({ state: 'VALID', deemedRenewedSince: FIRST_DAY });
    expect(answer.licenseStatus).toMatchObject({ state: 'VALID', deemedRenewedSince: FIRST_DAY, nextVersion: null });
    expect(answer.page).toContain('视为准予延续');
    const node = { dueOn: LAST_DAY, case: { step: 'ACCEPTED' }, license: { identifier: old.identifier } };
    const message = expect.stringContaining('视为准予延续');
    expect(await listUndecided()).toContainEqual({ ...node, message, organs: [{ code: 'ganzhou-xzspj' }] });
    clock.set('2026-03-10');
    expect(await decide(id, { decision, reason: decision === 'REJECTED' ? '不符合条件' : null })).toBeNull();
    expect((await listUndecided()).map(({ license }) => license.identifier)).not.toContain(old.identifier);
    if (decision === 'REJECTED') {
      await waitUntil('licenses know the refusal', async () => (await askRenewal(old)).license.state === 'LAPSED');
      expect(await sweep(hub)).toBe(1);
      return;
    }
    await waitUntil('it may be printed', async () => {
      const rows = await sql`select from licenses.certificate_task where case_id = ${id}`;
      return rows.length === 1;
    });
    const renewed = await print('RENEW', id);
    expect(renewed).toMatchObject({ state: 'VALID', validFrom: '2026-03-10', validUntil: '2027-03-09' });
    expect(await stateOf(old)).toBe('SUPERSEDED');
  });

  test('leaves ledgers, versions and paper in agreement', async () => {
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });
});
