import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LicenseAction, makesVersion, type ValidityState } from '../../subgraphs/kernel/license-acts.ts';
import { readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { delegationOn, type MatterFact } from '../../subgraphs/kernel/period/delegation.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { readRecord } from '../../subgraphs/licenses/verify/content/attached.ts';
import { testClock } from '../support/clock.ts';
import { COMPANY, type Route } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { changedLinesOfType, countBlanks, done, grantCase, linesOfType, routeOf } from '../support/matter-flow.ts';
import { matterFacts } from '../support/matters.ts';
import { fetchFile } from '../support/reading.ts';
import { waitUntil } from '../support/until.ts';

/** Every matter of the plan goes from acceptance to the document that it ends in, on one hub, by the public API. */

const DAY = '2026-03-02';

/** The agreement that the demonstration leaves out. */
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const MISSING_AGREEMENT = {
  ...{ number: '示范承接协议〔2022〕99号', cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj' },
  ...{ matters: ['yd2022-2-44'], scanDigest: '0'.repeat(64), validFrom: '2022-06-01', validTo: null },
};

/** Order in which the matters of a license type can follow each other. */
const ORDER = ['ISSUE', 'CHANGE', 'TRANSFER', 'RETAIN', 'REISSUE', 'RENEW', 'CANCEL', null];
const actionOf = (matter: MatterFact) => delegationOn(matter, DAY).licenseAction;
const inOrder = matterFacts.toSorted((a, b) => ORDER.indexOf(actionOf(a)) - ORDER.indexOf(actionOf(b)));

describe('a case of every matter', () => {
  let hub: TestHub;
  /** The license of each type that later acts are done to. */
  const licenses = new Map<string, { number: string; version: number; validUntil: string | null }>();
  /** Who holds the license of each type. A transfer gives it to the other one. */
  const holders = new Map<string, object>();
  /** The types of which a sheet was looked at. */
  const shown = new Set<string>();
  const nextBlanks = countBlanks();
  beforeAll(async () => {
    hub = await createTestHub({ now: testClock(DAY) });
    await hub.hub.cases.recordAgreement(MISSING_AGREEMENT);
  });
  afterAll(() => hub?.stop());

  async function expectDecisionDocument(id: string): Promise<void> {
    const query = 'query($id: ID!) { case(id: $id) { result notices { kind url } } }';
    const url = await waitUntil('the decision document is sealed', async () => {
      const { data } = await hub.ask('auditor', query, { id });
      const isDecision = ({ kind }: { kind: string }) => kind === 'DECISION';
      return data.case.notices.find(isDecision)?.url ?? null;
    });
    const file = await fetchFile(hub, 'auditor', url);
    expect([file.statusCode, file.rawPayload.subarray(0, 5).toString()]).toEqual([200, '%PDF-']);
  }

  /** The sheet of a license: it shows what its record says, on the form of its type, and the lines applied for. */
  async function expectSheet(url: string, type: string): Promise<void> {
    const { statusCode, rawPayload } = await fetchFile(hub, 'auditor', url);
    expect(statusCode).toBe(200);
    const { base, unsigned } = readSealedPdf(rawPayload);
    const record = readRecord(base);
    expect(record).toMatchObject({ ZZLXDM: type, KZ_NR: linesOfType(type) });
    expect(Buffer.from(unsigned).equals(Buffer.from(renderLicense(record)))).toBe(true);
  }

  /** Ends a granted case in the act on its license, and looks at what that made. */
  async function actOnLicense(route: Route, id: string, action: LicenseAction, type: string): Promise<void> {
    const name = `${action.toLowerCase()}License`;
    const earlier = licenses.get(type);
    const fields = 'license { number version state validUntil document { url } case { id step } }';
    const isVersion = makesVersion(action);
    const [person, input] = isVersion
      ? ([route.prints, ['CaseActInput', { case: id, ...nextBlanks(route) }]] as const)
      : ([route.prints, ['CancelLicenseInput', { case: id }]] as const);
    const { license } = await done(hub, person, name, input[0], input[1], fields);
    const version = (action === 'ISSUE' ? 0 : (earlier?.version ?? 0)) + (isVersion ? 1 : 0);
    // What is renewed while it is in force is renewed from the day after its last day.
    const isEarly = action === 'RENEW' && earlier?.validUntil !== null;
    const states: Partial<Record<LicenseAction, ValidityState>> = { CANCEL: 'CANCELLED' };
    expect(license).toMatchObject({ version, state: isEarly ? 'NOT_YET_VALID' : (states[action] ?? 'VALID') });
    if (isVersion) licenses.set(type, { number: license.number, version, validUntil: license.validUntil });
    if (isVersion && !shown.has(type)) {
      shown.add(type);
      await expectSheet(license.document.url, type);
    }
  }

  test.each(inOrder.map((matter) => [matter.matterId, matter] as const))('%s', async (_, matter) => {
    const route = routeOf(matter, DAY);
    const { licenseAction, outcome } = delegationOn(matter, DAY);
    const { licenseType: type } = outcome;
    if (licenseAction === null || type === null) {
      expect([licenseAction, type, outcome.kind]).toEqual([null, null, 'DECISION']);
      return expectDecisionDocument(await grantCase(hub, route, {}));
    }
    const number = licenseAction === 'ISSUE' ? undefined : licenses.get(type)?.number;
    const holder = holders.get(type) ?? COMPANY;
    const applicant = licenseAction === 'TRANSFER' ? (holder === COMPANY ? CITIZEN : COMPANY) : holder;
    holders.set(type, applicant);
    const linesByAct: Partial<Record<LicenseAction, object[]>> = {
      ...{ ISSUE: linesOfType(type), CHANGE: changedLinesOfType(type) },
    };
    const fields = linesByAct[licenseAction] ?? [];
    const id = await grantCase(hub, route, { applicant, fields, licenseNumber: number });
    await actOnLicense(route, id, licenseAction, type);
  });

  test('every license type was printed', () => {
    const types = matterFacts.map((matter) => delegationOn(matter, DAY).outcome.licenseType);
    expect([...shown].sort()).toEqual([...new Set(types.filter((type) => type !== null))].sort());
  });
});
