import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { act, blankNumber, COMPANY, grantCase, issue, ROUTES, type Route, refusalOf } from '../support/flow.ts';
import { faultsOfHouse } from '../support/house.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { known } from '../support/supervision.ts';
import { until } from '../support/until.ts';
import { uploaded } from '../support/upload.ts';

const BY_CASE = ['issue', 'change', 'renew', 'reissue', 'retain', 'transfer', 'cancel'] as const;
type Act = (typeof BY_CASE)[number];

const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };

/** A case on an existing license may end only in the act of its sub-item (实施方案附件1—3). */
describe('acts on an existing license', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await testHub();
  });
  afterAll(() => hub?.stop());

  /** Sends the mutation of an act for a case. */
  const ask = (route: Route, name: Act, caseId: string, serial: number, more: object = {}) => {
    const [type, input] =
      name === 'cancel'
        ? ['CancelLicenseInput', { case: caseId }]
        : ['CaseActInput', { case: caseId, blankNumber: blankNumber(route, serial) }];
    const fields =
      'license { number version state name holder { name } paper { validity } acts { act } } rehearsal { act version state }';
    return act(hub, route.prints, `${name}License`, type as string, { ...(input as object), ...more }, fields);
  };

  /** Expects a refusal for every other act, then does the act of the case. Returns the license afterwards. */
  async function only(route: Route, name: Act, caseId: string, serial: number) {
    for (const other of BY_CASE) {
      if (other === name) continue;
      const { refusal } = await ask(route, other, caseId, serial);
      expect([other, refusal?.code]).toEqual([other, 'LICENSE_ACT_NOT_ALLOWED']);
    }
    const tasks = await hub.ask(
      route.prints,
      '{ certificateTasks(first: 100) { edges { node { case { id } act actions { name allowed } } } } }',
    );
    const task = tasks.data.certificateTasks.edges
      .map((edge: { node: { case: { id: string } } }) => edge.node)
      .find((node: { case: { id: string } }) => node.case.id === caseId);
    expect(task).toMatchObject({
      act: name.toUpperCase(),
      actions: [{ name: `${name}License`, allowed: true }, { name: 'voidTask' }],
    });
    const rehearsed = await ask(route, name, caseId, serial, { dryRun: true });
    expect(rehearsed).toMatchObject({ refusal: null, rehearsal: { act: name.toUpperCase() } });
    const done = await ask(route, name, caseId, serial);
    expect(done).toMatchObject({ refusal: null, rehearsal: null });
    expect(rehearsed.rehearsal).toMatchObject({ version: done.license.version, state: done.license.state });
    expect(done.license.acts.at(-1)).toEqual({ act: name.toUpperCase() });
    expect(done.license.paper.validity).toBe(done.license.state);
    // A repeated request returns the same license and does nothing.
    expect((await ask(route, name, caseId, serial)).license).toEqual(done.license);
    await until('the case is issued', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { result } }', { id: caseId });
      return data.case.result === 'ISSUED';
    });
    return done.license;
  }

  const LAND: Route = {
    ...ROUTES.WINDOW_FORWARD,
    matter: 'yd2022-3-01',
    decides: 'ganzhou-zrzyj.approver',
    blanks: 'KB0004',
  };
  const FILING: Route = { ...ROUTES.WINDOW_FORWARD, matter: 'yd2022-3-21' };
  /** The materials that the sample guide of the filing requires. The other matter requires none. */
  const materialsOf = async (route: Route): Promise<object[]> => {
    if (route !== FILING) return [];
    const onPaper = ['M01', 'M02', 'M03'].map((code) => ({ code, paper: true }));
    return [...onPaper, { code: 'M04', upload: await uploaded(hub, route.accepts) }];
  };
  const LIST: { what: string; route: Route; name: string; first: number; chain: [Act, string, object?][] }[] = [
    {
      what: 'an exploration license, changed, renewed, retained, transferred, cancelled',
      route: LAND,
      name: '矿产资源勘查许可证',
      first: 1,
      chain: [
        ['change', 'yd2022-3-05'],
        ['renew', 'yd2022-3-02'],
        ['retain', 'yd2022-3-03'],
        ['transfer', 'yd2022-3-06', { applicant: CITIZEN }],
        ['cancel', 'yd2022-3-04', { applicant: CITIZEN }],
      ],
    },
    {
      what: 'a filing certificate (附件3第21—24行), changed, reissued, cancelled like a license',
      route: FILING,
      name: '第二类医疗器械经营备案凭证',
      first: 1,
      chain: [
        ['change', 'yd2022-3-22'],
        ['reissue', 'yd2022-3-23'],
        ['cancel', 'yd2022-3-24'],
      ],
    },
  ];

  test.each(LIST)('$what', async ({ route, name, first, chain }) => {
    const issuing = await grantCase(hub, route, { materials: await materialsOf(route) });
    const issued = await only(route, 'issue', issuing, first);
    expect(issued).toMatchObject({ version: 1, state: 'VALID', name });
    let version = 1;
    for (const [i, [step, matter, more]] of chain.entries()) {
      const caseId = await grantCase(hub, route, { matter, licenseNumber: issued.number, ...more });
      const license = await only(route, step, caseId, first + i + 1);
      if (step !== 'cancel') version++;
      expect(license).toMatchObject({
        number: issued.number,
        version,
        state: step === 'cancel' ? 'CANCELLED' : 'VALID',
      });
      if (step === 'transfer') expect(license.holder).toEqual({ name: CITIZEN.name });
    }
    expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);
  });

  test('the state of a license is checked at acceptance and again at the decision', async () => {
    const issuing = await grantCase(hub, LAND);
    const { number, identifier } = await issue(hub, LAND, issuing, 20);
    await known(hub, issuing);
    const apply = (matter: string) => {
      const input = { matter, applicant: COMPANY, fields: [], licenseNumber: number };
      return act(hub, LAND.accepts, 'acceptCase', 'ApplicationInput', input, 'case { id }');
    };
    const change = (await apply('yd2022-3-05')).case.id;
    const examination = { case: change, finding: 'APPROVED' };
    expect(await refusalOf(hub, LAND.examines, 'examineCase', 'ExamineCaseInput', examination)).toBeNull();
    expect(await refusalOf(hub, LAND.accepts, 'forwardCase', 'CaseNoteInput', { case: change })).toBeNull();

    const penalty = { identifier, reason: '行政处罚' };
    const revoked = await act(hub, LAND.decides, 'revokeLicense', 'OwnActInput', penalty, 'license { state }');
    expect(revoked).toMatchObject({ refusal: null, license: { state: 'REVOKED' } });
    const refusal = await until('cases know the revocation', async () => (await apply('yd2022-3-05')).refusal);
    expect(refusal).toMatchObject({ code: 'LICENSE_ACT_NOT_ALLOWED', field: 'licenseNumber' });
    const decide = (decision: string, more: object = {}) => {
      const input = { case: change, decision, authoriseSeal: true, ...more };
      return refusalOf(hub, LAND.decides, 'decideCase', 'DecideCaseInput', input);
    };
    expect(await decide('GRANTED', { dryRun: true })).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await decide('GRANTED')).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await decide('REJECTED', { reason: '证照已吊销' })).toBeNull();
    // A revoked license may still be cancelled (行政许可法第七十条).
    expect((await apply('yd2022-3-04')).refusal).toBeNull();
  });

  test('refuses a case that names no license, or a license of another type or holder', async () => {
    const id = await grantCase(hub, FILING, { materials: await materialsOf(FILING) });
    const { number } = await issue(hub, FILING, id, 20);
    await known(hub, id);
    const apply = (matter: string, more: object) =>
      refusalOf(hub, FILING.accepts, 'acceptCase', 'ApplicationInput', {
        matter,
        applicant: CITIZEN,
        fields: [],
        ...more,
      });
    expect(await apply('yd2022-3-22', {})).toBe('LICENSE_NOT_NAMED');
    expect(await apply('yd2022-3-22', { licenseNumber: '3607002026999999' })).toBe('LICENSE_UNKNOWN');
    expect(await apply('yd2022-3-27', { licenseNumber: number })).toBe('LICENSE_UNKNOWN');
    expect(await apply('yd2022-3-22', { licenseNumber: number })).toBe('NOT_YOUR_RECORD');
  });
});
