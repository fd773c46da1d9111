import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerQuestion } from '../../scripts/city-library/verify.ts';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { isActAllowed, LICENSE_STATE_LABELS, type ValidityState } from '../../subgraphs/kernel/license-acts.ts';
import { stateOn } from '../../subgraphs/kernel/period/validity.ts';
import { LIST_STATES } from '../../subgraphs/licenses/verify/status.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { grantCase, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Time begins and ends a license everywhere at the midnight of Asia/Shanghai, by the one function. */

const DIRECT = ROUTES.DIRECT;
const GRANTED_ON = '2026-02-02';
const PERIOD = { validFrom: '2026-03-02', validUntil: '2027-03-01' };
/** The last moment before each border, and the first after it. */
const MOMENTS = [
  '2026-03-01T15:59:59.999Z',
  '2026-03-01T16:00:00.000Z',
  '2027-03-01T15:59:59.999Z',
  '2027-03-01T16:00:00.000Z',
];

let hub: TestHub;
let clock: TestClock;
let root: Buffer;
let serial = 0;
beforeAll(async () => {
  clock = testClock(GRANTED_ON);
  hub = await createTestHub({ now: clock });
  root = Buffer.from(await hub.hub.seals.rootCertificate());
});
afterAll(() => hub?.stop());

const fetchFile = async (url: string, person: string | null = null) => {
  const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}`, 'x-purpose': 'AUDIT' };
  const response = await hub.hub.app.inject({ method: 'GET', url, headers });
  expect([url, response.statusCode]).toEqual([url, 200]);
  return response.rawPayload;
};
const payloadOf = (jws: string) => JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());

/** Issues a license whose period is PERIOD. */
async function issueLicense(): Promise<{ identifier: string; document: { digest: string; url: string } }> {
  const id = await grantCase(hub, DIRECT, { validFrom: PERIOD.validFrom });
  const input = { case: id, ...toBlanks(DIRECT, ++serial) };
  const fields = 'license { identifier state validFrom validUntil document { digest url } }';
  const { license } = await runMutation(hub, DIRECT.prints, 'issueLicense', 'CaseActInput', input, fields);
  expect(license).toMatchObject({ ...PERIOD, state: 'NOT_YET_VALID' });
  return license;
}

/** Returns what each surface says of a license now. */
async function askSurfaces(license: { identifier: string; document: { digest: string; url: string } }) {
  const { identifier, document } = license;
  const { data } = await hub.ask(
    DIRECT.decides,
    `query($id: ID!, $digest: String) {
      license(identifier: $id) { state paper { validity } sheets { validity } versions { state } actions { name refusal { code } } }
      licenseStatus(identifier: $id) { state }
      verifyLicense(input: { digest: $digest }) { verdict status { state } license { state } }
    }`,
    { id: identifier, digest: document.digest },
  );
  const bundle = await fetchFile(`/licenses/evidence/${identifier}`);
  const file = await fetchFile(document.url, 'auditor');
  const { record, status } = verify({ file, signature: null, roots: [root], bundle }, clock());
  if (!record) throw new Error('the file does not verify');
  const code = await hub.ask(
    null,
    'query($code: String) { verifyLicense(input: { code: $code }) { status { state } } }',
    {
      code: record.KZ_EWM,
    },
  );
  const { status_list: list } = payloadOf((await fetchFile('/licenses/status-list')).toString());
  const octet = inflateSync(Buffer.from(list.lst, 'base64url'))[(record.KZ_ZTXH ?? 0) >> 1] ?? 0;
  const page = (await fetchFile(`/v/${identifier}`)).toString();
  const { latest, status: bundled } = JSON.parse(bundle.toString());
  return {
    record,
    bundle,
    file,
    actions: data.license.actions as { name: string; refusal: { code: string } | null }[],
    states: {
      license: data.license.state,
      paper: data.license.paper.validity,
      sheet: data.license.sheets[0].validity,
      version: data.license.versions[0].state,
      licenseStatus: data.licenseStatus.state,
      page: Object.entries(LICENSE_STATE_LABELS).find(([, label]) => page.includes(`<strong>${label}</strong>`))?.[0],
      verification: data.verifyLicense.status.state,
      verifiedLicense: data.verifyLicense.license.state,
      code: code.data.verifyLicense.status.state,
      statusList: LIST_STATES[(record.KZ_ZTXH ?? 0) % 2 === 0 ? octet & 15 : octet >> 4],
      statement: payloadOf(latest?.status ?? bundled).state,
      offline: status.state,
    },
  };
}

const listIdentifiers = async (filter: object, after: string | null = null, first = 100) => {
  const query = `query($filter: LicenseFilter, $after: String, $first: Int) {
    licenses(first: $first, after: $after, filter: $filter) { edges { node { identifier } } pageInfo { endCursor hasNextPage } } }`;
  const { data } = await hub.ask(DIRECT.decides, query, { filter, after, first });
  const { edges, pageInfo } = data.licenses;
  return { ids: edges.map((edge: { node: { identifier: string } }) => edge.node.identifier), ...pageInfo };
};

describe('at the midnights of Asia/Shanghai', () => {
  test('every surface says what the one function says', async () => {
    const license = await issueLicense();
    let earlier: { bundle: Buffer; file: Buffer } | null = null;
    for (const [place, moment] of MOMENTS.entries()) {
      clock.set(moment);
      const expected = stateOn('VALID', PERIOD, dayOf(clock()));
      const { states, actions, record, ...files } = await askSurfaces(license);
      expect([moment, states]).toEqual([
        moment,
        Object.fromEntries(Object.keys(states).map((surface) => [surface, expected])),
      ]);
      for (const state of Object.keys(LICENSE_STATE_LABELS)) {
        const { ids } = await listIdentifiers({ state });
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
    clock.set('2027-03-01T15:59:59.999Z');
    const walked: string[] = [];
    let cursor: string | null = null;
    for (let isMore = true; isMore; ) {
      const page: { ids: string[]; endCursor: string; hasNextPage: boolean } = await listIdentifiers(
        { state: 'VALID' },
        cursor,
        1,
      );
      walked.push(...page.ids);
      [cursor, isMore] = [page.endCursor, page.hasNextPage];
      clock.set('2027-03-01T16:00:00.000Z');
    }
    expect(ids.every((id) => walked.includes(id))).toBe(true);
    expect((await listIdentifiers({ state: 'VALID' })).ids).toEqual([]);
    expect((await listIdentifiers({ state: 'LAPSED' })).ids).toEqual(expect.arrayContaining(ids));
  });
});
