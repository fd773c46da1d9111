import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LICENSE_STATE_LABELS } from '../../subgraphs/kernel/license-acts.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { grantCase, ROUTES, runMutation, toBlankNumber } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { type Asking, askSurfaces, listIdentifiers, type SealedVersion } from '../support/surfaces.ts';
import { waitUntil } from '../support/until.ts';

/** A renewal granted while the license is in force joins it: it begins the day after its end (行政许可法第五十条). */

const ROUTE = ROUTES.WINDOW_FORWARD;
const MATTERS = { ISSUE: ROUTE.matter, RENEW: 'yd2022-3-26', CHANGE: 'yd2022-3-27' };
const ISSUED_ON = '2026-03-02';
const LAST_DAY = '2027-03-01';
const FIRST_DAY = '2027-03-02';
const RENEWED_ON = '2026-12-03';
/** The last moment before the renewal begins, and the first of it. */
const BEFORE = '2027-03-01T15:59:59.999Z';
const AFTER = '2027-03-01T16:00:00.000Z';
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

async function issueAndRenew(): Promise<[Version, Version]> {
  clock.set(ISSUED_ON);
  const old = await perform('ISSUE');
  clock.set(RENEWED_ON);
  return [old, await perform('RENEW', old.number)];
}

const stateOf = async (license: Version) => {
  const states = Object.values((await askSurfaces(asking, license)).states);
  return new Set(states).size === 1 ? states[0] : states;
};

describe('an early renewal', () => {
  test('leaves the old version in force until its end, on every surface', async () => {
    const [old, renewed] = await issueAndRenew();
    expect(old).toMatchObject({ validFrom: ISSUED_ON, validUntil: LAST_DAY });
    expect(renewed).toMatchObject({
      validFrom: FIRST_DAY,
      validUntil: '2028-03-01',
      state: 'NOT_YET_VALID',
      version: 2,
    });
    const kept = await askSurfaces(asking, old);
    for (const [moment, expected] of [
      [RENEWED_ON, ['VALID', 'NOT_YET_VALID']],
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
    expect(await hub.hub.licenses.sweepEnded()).toBe(0);
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
    await waitUntil('the library has collected both', async () => (await library.copies()).length >= 2);
  });
});
