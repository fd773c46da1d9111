import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerQuestion } from '../../scripts/city-library/verify.ts';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { isActAllowed, LICENSE_STATE_LABELS, type ValidityState } from '../../subgraphs/kernel/license-acts.ts';
import { stateOn } from '../../subgraphs/kernel/period/validity.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { grantCase, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { type Asking, askSurfaces, listIdentifiers, type SealedVersion } from '../support/surfaces.ts';

/** Time begins and ends a license everywhere at the midnight of Asia/Shanghai, by the one function. */

const DIRECT = ROUTES.DIRECT;
const GRANTED_ON = '2026-02-02';
const PERIOD = { validFrom: '2026-03-02', validUntil: '2027-02-15' };
/** The last moment before each border, and the first after it. */
const MOMENTS = [
  '2026-03-01T15:59:59.999Z',
  '2026-03-01T16:00:00.000Z',
  '2027-02-15T15:59:59.999Z',
  '2027-02-15T16:00:00.000Z',
];

let hub: TestHub;
let clock: TestClock;
let root: Buffer;
let asking: Asking;
let serial = 0;
beforeAll(async () => {
  clock = testClock(GRANTED_ON);
  hub = await createTestHub({ now: clock });
  asking = { hub, now: clock, reader: DIRECT.decides };
  root = Buffer.from(await hub.hub.seals.rootCertificate());
});
afterAll(() => hub?.stop());

/** Issues a license whose period is PERIOD: its type leaves the last day to the decision (林木采伐许可证). */
async function issueLicense(): Promise<SealedVersion> {
  const id = await grantCase(hub, DIRECT, PERIOD);
  const input = { case: id, ...toBlanks(DIRECT, ++serial) };
  const fields = 'license { identifier state validFrom validUntil document { digest url } }';
  const { license } = await runMutation(hub, DIRECT.prints, 'issueLicense', 'CaseActInput', input, fields);
  expect(license).toMatchObject({ ...PERIOD, state: 'NOT_YET_VALID' });
  return license;
}

describe('at the midnights of Asia/Shanghai', () => {
  test('every surface says what the one function says', async () => {
    const license = await issueLicense();
    let earlier: { bundle: Buffer; file: Buffer } | null = null;
    for (const [place, moment] of MOMENTS.entries()) {
      clock.set(moment);
      const expected = stateOn('VALID', PERIOD, dayOf(clock()));
      const { states, actions, record, ...files } = await askSurfaces(asking, license);
      expect([moment, states]).toEqual([
        moment,
        Object.fromEntries(Object.keys(states).map((surface) => [surface, expected])),
      ]);
      for (const state of Object.keys(LICENSE_STATE_LABELS)) {
        const { ids } = await listIdentifiers(asking, { state });
        expect([moment, state, ids.includes(license.identifier)]).toEqual([moment, state, state === expected]);
      }
      // The actions ask the same state: nothing that needs a license in force is left after its end.
      for (const act of ['SUSPEND', 'REVOKE', 'RESTORE', 'CANCEL'] as const) {
        const code = actions.find(({ name }) => name === `${act.toLowerCase()}License`)?.refusal?.code ?? null;
        const isRefused = code === 'LICENSE_ACT_NOT_ALLOWED';
        if (code !== 'ROLE_NOT_ALLOWED')
          expect([moment, act, isRefused]).toEqual([moment, act, !isActAllowed(act, expected)]);
      }
      // A copy that was kept from before the midnight, and the library by the record alone.
      const kept = place % 2 === 1 && earlier ? earlier : files;
      expect(verify({ signature: null, roots: [root], ...kept }, clock()).status.state).toBe(expected);
      const question = { identifier: license.identifier, number: record.ZZBH };
      const stored = { state: 'VALID' as const, documentDigest: license.document.digest, record: record as never };
      const verdicts: Partial<Record<ValidityState, number>> = { VALID: 0, NOT_YET_VALID: 1, LAPSED: 3 };
      expect(answerQuestion(question, stored, dayOf(clock()))).toBe(verdicts[expected]);
      earlier = files;
    }
  });

  test('a walk over a list that begins before midnight ends with the same licenses', async () => {
    clock.set(GRANTED_ON);
    const ids = [await issueLicense(), await issueLicense(), await issueLicense()].map(({ identifier }) => identifier);
    clock.set('2027-02-15T15:59:59.999Z');
    const walked: string[] = [];
    let cursor: string | null = null;
    for (let isMore = true; isMore; ) {
      const page: { ids: string[]; endCursor: string; hasNextPage: boolean } = await listIdentifiers(
        asking,
        { state: 'VALID' },
        cursor,
        1,
      );
      walked.push(...page.ids);
      [cursor, isMore] = [page.endCursor, page.hasNextPage];
      clock.set('2027-02-15T16:00:00.000Z');
    }
    expect(ids.every((id) => walked.includes(id))).toBe(true);
    expect((await listIdentifiers(asking, { state: 'VALID' })).ids).toEqual([]);
    expect((await listIdentifiers(asking, { state: 'LAPSED' })).ids).toEqual(expect.arrayContaining(ids));
  });
});
