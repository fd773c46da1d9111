import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listMutations } from '../policy/matrix.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { changesFor } from '../support/content.ts';
import {
  COMPANY,
  findRefusalCode,
  grantCase,
  issueGrantedLicense,
  ROUTES,
  type Route,
  runMutation,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { waitForLicense } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';
import { createUpload } from '../support/upload.ts';

const CASE_ACTS = ['issue', 'change', 'renew', 'reissue', 'retain', 'transfer', 'correct', 'cancel'] as const;
type Act = (typeof CASE_ACTS)[number];

/** The holder as the license should have named it. */
const MISSPELT = { ...COMPANY, name: '于都县贡江示范药业有限责任公司' };
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };

/** A case on an existing license may end only in the act of its sub-item (实施方案附件1—3). */
describe('acts on an existing license', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub();
  });
  afterAll(() => hub?.stop());

  /** Sends the mutation of an act for a case. */
  const requestAct = (route: Route, name: Act, caseId: string, serial: number, extraInput: object = {}) => {
    const [type, input] =
      name === 'cancel'
        ? ['CancelLicenseInput', { case: caseId }]
        : ['CaseActInput', { case: caseId, ...toBlanks(route, serial) }];
    const fields =
      'license { number version state name holder { name } paper { validity } acts { act } } rehearsal { act version state }';
    return runMutation(
      hub,
      route.prints,
      `${name}License`,
      type as string,
      { ...(input as object), ...extraInput },
      fields,
    );
  };

  /** Expects a refusal for every other act, then does the act of the case. Returns the license afterwards. */
  async function expectOnlyAct(route: Route, name: Act, caseId: string, serial: number) {
    for (const otherAct of CASE_ACTS) {
      if (otherAct === name) continue;
      const { refusal } = await requestAct(route, otherAct, caseId, serial);
      expect([otherAct, refusal?.code]).toEqual([otherAct, 'LICENSE_ACT_NOT_ALLOWED']);
    }
    const tasks = await hub.ask(
      route.prints,
      '{ certificateTasks(first: 100) { edges { node { case { id: uuid } act actions { name allowed } } } } }',
    );
    const task = tasks.data.certificateTasks.edges
      .map((edge: { node: { case: { id: string } } }) => edge.node)
      .find((node: { case: { id: string } }) => node.case.id === caseId);
    expect(task).toMatchObject({
      act: name.toUpperCase(),
      actions: [{ name: `${name}License`, allowed: true }, { name: 'voidTask' }],
    });
    const rehearsal = await requestAct(route, name, caseId, serial, { dryRun: true });
    expect(rehearsal).toMatchObject({ refusal: null, rehearsal: { act: name.toUpperCase() } });
    const result = await requestAct(route, name, caseId, serial);
    expect(result).toMatchObject({ refusal: null, rehearsal: null });
    expect(rehearsal.rehearsal).toMatchObject({ version: result.license.version, state: result.license.state });
    expect(result.license.acts.at(-1)).toEqual({ act: name.toUpperCase() });
    expect(result.license.paper.validity).toBe(result.license.state);
    // A repeated request returns the same license and does nothing.
    expect((await requestAct(route, name, caseId, serial)).license).toEqual(result.license);
    await waitUntil('the case is issued', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { result } }', { id: caseId });
      return data.case.result === 'ISSUED';
    });
    return result.license;
  }

  const EXPLORATION_ROUTE: Route = {
    ...ROUTES.WINDOW_FORWARD,
    matter: 'yd2022-3-01',
    decides: 'ganzhou-zrzyj.approver',
    blanks: 'KB0004',
  };
  const FILING_ROUTE: Route = { ...ROUTES.WINDOW_FORWARD, matter: 'yd2022-3-21' };
  /** The materials that the sample guide of the filing requires. The other matter requires none. */
  const materialsOf = async (route: Route): Promise<object[]> => {
    if (route !== FILING_ROUTE) return [];
    const paperMaterials = ['M01', 'M02', 'M03'].map((code) => ({ code, paper: true }));
    return [...paperMaterials, { code: 'M04', upload: await createUpload(hub, route.accepts) }];
  };
  const LIFECYCLES: { what: string; route: Route; name: string; first: number; chain: [Act, string, object?][] }[] = [
    {
      what: 'an exploration license, corrected, changed, renewed, retained, transferred, cancelled',
      route: EXPLORATION_ROUTE,
      name: '矿产资源勘查许可证',
      first: 1,
      chain: [
        ['correct', 'yd2022-3-01', { situation: 'CORRECT', applicant: MISSPELT, reason: '录入有误' }],
        ['change', 'yd2022-3-05'],
        ['renew', 'yd2022-3-02'],
        ['retain', 'yd2022-3-03'],
        ['transfer', 'yd2022-3-06', { applicant: CITIZEN }],
        ['cancel', 'yd2022-3-04', { applicant: CITIZEN }],
      ],
    },
    {
      what: 'a filing certificate (附件3第21—24行), changed, reissued, cancelled like a license',
      route: FILING_ROUTE,
      name: '第二类医疗器械经营备案凭证',
      first: 1,
      chain: [
        ['change', 'yd2022-3-22'],
        ['reissue', 'yd2022-3-23'],
        ['cancel', 'yd2022-3-24'],
      ],
    },
  ];

  test.each(LIFECYCLES)('$what', async ({ route, name, first, chain }) => {
    const issueCaseId = await grantCase(hub, route, { materials: await materialsOf(route) });
    const issuedLicense = await expectOnlyAct(route, 'issue', issueCaseId, first);
    expect(issuedLicense).toMatchObject({ version: 1, state: 'VALID', name });
    let version = 1;
    for (const [i, [step, matter, extraInput]] of chain.entries()) {
      const caseId = await grantCase(hub, route, { matter, licenseNumber: issuedLicense.number, ...extraInput });
      const license = await expectOnlyAct(route, step, caseId, first + i + 1);
      if (step !== 'cancel') version++;
      expect(license).toMatchObject({
        number: issuedLicense.number,
        version,
        // The renewal begins after the last day of the version before it.
        state: ({ cancel: 'CANCELLED', renew: 'NOT_YET_VALID' } as Record<string, string>)[step] ?? 'VALID',
      });
      if (step === 'transfer') expect(license.holder).toEqual({ name: CITIZEN.name });
    }
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('the state of a license is checked at acceptance and again at the decision', async () => {
    const issueCaseId = await grantCase(hub, EXPLORATION_ROUTE);
    const { number, identifier } = await issueGrantedLicense(hub, EXPLORATION_ROUTE, issueCaseId, 20);
    await waitForLicense(hub, issueCaseId);
    const apply = (matter: string) => {
      const input = { matter, applicant: COMPANY, fields: changesFor(matter), licenseNumber: number };
      return runMutation(hub, EXPLORATION_ROUTE.accepts, 'acceptCase', 'ApplicationInput', input, 'case { id: uuid }');
    };
    const changeCaseId = (await apply('yd2022-3-05')).case.id;
    const examinationInput = { case: changeCaseId, finding: 'APPROVED' };
    expect(
      await findRefusalCode(hub, EXPLORATION_ROUTE.examines, 'examineCase', 'ExamineCaseInput', examinationInput),
    ).toBeNull();
    expect(
      await findRefusalCode(hub, EXPLORATION_ROUTE.accepts, 'forwardCase', 'CaseNoteInput', { case: changeCaseId }),
    ).toBeNull();

    const revocationInput = { identifier, reason: '行政处罚' };
    const organ = EXPLORATION_ROUTE.decides.replace('.approver', '');
    const revocation = await actForOrgan(hub, organ, 'revoke', revocationInput);
    expect(revocation).toMatchObject({ refusal: null, license: { state: 'REVOKED' } });
    const refusal = await waitUntil('cases know the revocation', async () => (await apply('yd2022-3-05')).refusal);
    expect(refusal).toMatchObject({ code: 'LICENSE_ACT_NOT_ALLOWED', field: 'licenseNumber' });
    const decide = (decision: string, extraInput: object = {}) => {
      const input = { case: changeCaseId, decision, authoriseSeal: true, ...extraInput };
      return findRefusalCode(hub, EXPLORATION_ROUTE.decides, 'decideCase', 'DecideCaseInput', input);
    };
    expect(await decide('GRANTED', { dryRun: true })).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await decide('GRANTED')).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await decide('REJECTED', { reason: '证照已吊销' })).toBeNull();
    // A revoked license may still be cancelled (行政许可法第七十条).
    expect((await apply('yd2022-3-04')).refusal).toBeNull();
  });

  test('a revocation between two steps leaves no case stuck, and its actions tell the truth', async () => {
    const { number, identifier } = await issueGrantedLicense(
      hub,
      EXPLORATION_ROUTE,
      await grantCase(hub, EXPLORATION_ROUTE),
      40,
    );
    await waitUntil('cases know the license', async () => (await applyForChange('receiveApplication', number)).case);
    const caseIds = new Map<string, string>();
    for (const [state, first, steps] of CHANGE_STATES) {
      const { id } = (await applyForChange(first, number)).case;
      for (const step of steps) expect([state, step, await takeStep(step, id)]).toEqual([state, step, null]);
      caseIds.set(state, id);
    }
    const revocationInput = { identifier, reason: '行政处罚' };
    const organ = EXPLORATION_ROUTE.decides.replace('.approver', '');
    expect((await actForOrgan(hub, organ, 'revoke', revocationInput)).refusal).toBeNull();
    await waitUntil('cases know the revocation', async () => (await applyForChange('acceptCase', number)).refusal);

    const mismatches: string[] = [];
    for (const [state, id] of caseIds)
      for (const person of [EXPLORATION_ROUTE.accepts, EXPLORATION_ROUTE.decides, 'applicant-company'])
        for (const { name, refusal } of await listActions(person, id)) {
          const shown = refusal?.code ?? null;
          const answer = await takeStep(name, id, person, { dryRun: true });
          if (answer !== shown) mismatches.push(`${state}: ${name} by ${person} is shown ${shown}, answered ${answer}`);
        }
    expect(mismatches).toEqual([]);

    for (const [state, , , rest] of CHANGE_STATES) {
      const id = caseIds.get(state) ?? '';
      const results = [];
      for (const step of rest) results.push(await takeStep(step, id));
      expect([state, results]).toEqual([state, rest.map((step) => STEPS_REFUSED_AFTER_REVOCATION[step] ?? null)]);
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { step } }', { id });
      expect(['NOT_ACCEPTED', 'DECIDED']).toContain(data.case.step);
    }
  });

  /** States of a change of the license, the steps that lead to each, and how the office ends it after a revocation. */
  const CHANGE_STATES: [string, 'receiveApplication' | 'acceptCase', string[], string[]][] = [
    ['received', 'receiveApplication', [], ['acceptApplication', 'refuseAcceptance']],
    [
      'supplement asked',
      'receiveApplication',
      ['askSupplement'],
      ['supplementCase', 'acceptApplication', 'refuseAcceptance'],
    ],
    [
      'supplemented',
      'receiveApplication',
      ['askSupplement', 'supplementCase'],
      ['acceptApplication', 'refuseAcceptance'],
    ],
    ['accepted', 'acceptCase', [], ['examineCase', 'forwardCase', 'decideCase']],
    ['paused', 'acceptCase', ['pauseCase'], ['resumeCase', 'examineCase', 'forwardCase', 'decideCase']],
    ['examined', 'acceptCase', ['examineCase'], ['forwardCase', 'decideCase']],
    ['forwarded', 'acceptCase', ['examineCase', 'forwardCase'], ['decideCase']],
    [
      'sent back',
      'acceptCase',
      ['examineCase', 'forwardCase', 'sendBackCase'],
      ['examineCase', 'forwardCase', 'decideCase'],
    ],
  ];
  const STEPS_REFUSED_AFTER_REVOCATION: Record<string, string> = { acceptApplication: 'LICENSE_ACT_NOT_ALLOWED' };
  const STEP_INPUTS: Record<string, object> = {
    askSupplement: { items: ['图纸'] },
    refuseAcceptance: { reason: '证照已吊销' },
    examineCase: { finding: 'APPROVED' },
    sendBackCase: { reason: '补充审查' },
    amendCase: { fields: [{ label: '备注', text: '更正' }] },
    pauseCase: { kind: 'HEARING', reason: '听证', papers: ['1号'] },
    decideCase: { decision: 'REJECTED', reason: '证照已吊销', authoriseSeal: true },
    withdrawCase: { reason: '不办了' },
  };
  const INPUT_TYPES = new Map(listMutations('cases').map(({ name, inputType }) => [name, inputType]));

  function applyForChange(mutation: 'receiveApplication' | 'acceptCase', licenseNumber: string) {
    const fields = changesFor('yd2022-3-05');
    const input = { matter: 'yd2022-3-05', applicant: COMPANY, fields, licenseNumber };
    return runMutation(hub, EXPLORATION_ROUTE.accepts, mutation, 'ApplicationInput', input, 'case { id: uuid }');
  }

  /** Takes a step of a case, by default by the person of the route. Returns the refusal code, or null. */
  async function takeStep(name: string, id: string, person?: string, extraInput: object = {}): Promise<string | null> {
    const { accepts, decides } = EXPLORATION_ROUTE;
    const actor = person ?? (name === 'decideCase' || name === 'sendBackCase' ? decides : accepts);
    const query = `mutation($input: ${INPUT_TYPES.get(name)}) { ${name}(input: $input) { refusal { code } } }`;
    const { data, errors } = await hub.ask(actor, query, { input: { case: id, ...STEP_INPUTS[name], ...extraInput } });
    if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
    return data[name].refusal?.code ?? null;
  }

  async function listActions(
    person: string,
    id: string,
  ): Promise<{ name: string; refusal: { code: string } | null }[]> {
    const query = 'query($id: ID!) { case(id: $id) { actions { name refusal { code } } } }';
    return (await hub.ask(person, query, { id })).data.case.actions;
  }

  test('refuses a case that names no license, or a license of another type or holder', async () => {
    const id = await grantCase(hub, FILING_ROUTE, { materials: await materialsOf(FILING_ROUTE) });
    const { number } = await issueGrantedLicense(hub, FILING_ROUTE, id, 20);
    await waitForLicense(hub, id);
    const apply = (matter: string, extraInput: object) =>
      findRefusalCode(hub, FILING_ROUTE.accepts, 'acceptCase', 'ApplicationInput', {
        matter,
        applicant: CITIZEN,
        fields: [],
        ...extraInput,
      });
    expect(await apply('yd2022-3-22', {})).toBe('LICENSE_NOT_NAMED');
    expect(await apply('yd2022-3-22', { licenseNumber: '3607002026999999' })).toBe('LICENSE_UNKNOWN');
    expect(await apply('yd2022-3-27', { licenseNumber: number })).toBe('LICENSE_UNKNOWN');
    expect(await apply('yd2022-3-22', { licenseNumber: number })).toBe('NOT_YOUR_RECORD');
  });
});
