import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linesFor } from '../support/content.ts';
import { COMPANY, ROUTES, type Route, runMutation, toBlankNumber } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { GROUNDS } from '../support/own-act.ts';
import { POLICIES } from './fixtures.ts';
import { listMutations } from './matrix.ts';

/**
 * After every act of every mode, right after its answer: what `actions` offers is exactly what the rehearsal of the
 * mutation accepts, for everybody who takes part.
 */

/** Codes of an action that nobody need do, or that has nothing to name. The mutation may accept it. */
const NOT_OFFERED = ['ACTION_DONE', 'COLLECTION_NOT_FAILED', 'ACT_NEEDS_CASE', 'ORDER_UNKNOWN'];

interface Action {
  name: string;
  inputs: { name: string; required: boolean }[];
  allowed: boolean;
  refusal: { code: string } | null;
}

/** What a person fills in, rightly. */
const REASON = { reason: '依法办理' };
const OWN_ACT = { ...GROUNDS, ...REASON };
const FILLED: Readonly<Record<string, object>> = {
  askSupplement: { items: ['图纸'] },
  examineCase: { finding: 'APPROVED' },
  amendCase: { fields: [{ label: '备注', text: '更正' }] },
  pauseCase: { kind: 'HEARING', ...REASON, papers: ['1号'] },
  decideCase: { decision: 'GRANTED', authoriseSeal: true },
  recordFinding: { kind: 'NOTICE', text: '请核对' },
  ...{ refuseAcceptance: REASON, withdrawCase: REASON, sendBackCase: REASON, voidTask: REASON },
  ...{ suspendLicense: OWN_ACT, restoreLicense: OWN_ACT, rescindLicense: OWN_ACT, withdrawLicense: OWN_ACT },
  ...{ revokeLicense: OWN_ACT, cancelLicense: OWN_ACT },
  spoilBlank: { reason: 'MISPRINT' },
};

const ACTIONS = 'actions { name allowed refusal { code } inputs { name required } }';
const QUERY = `query($id: ID!) { case(id: $id) { step ${ACTIONS} pushes { id: uuid ${ACTIONS} }
  license { identifier paper { blankNumber } ${ACTIONS} } certificateTask { blanks { number } ${ACTIONS} } } }`;

const INPUT_TYPES = new Map(
  Object.keys(POLICIES).flatMap((subgraph) => listMutations(subgraph).map((one) => [one.name, one.inputType] as const)),
);

describe.each(Object.entries<Route>(ROUTES))('after each act of %s', (mode, route) => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub();
  }, 120_000);
  afterAll(() => hub?.stop());

  const decider = route.decides.split('.')[0];
  const people = [...new Set([route.accepts, route.examines, route.decides])];
  people.push('applicant-company', 'auditor', `${decider}.supervisor`, `${decider}.clerk`);

  async function rehearse(person: string, name: string, input: object): Promise<string> {
    const query = `mutation($input: ${INPUT_TYPES.get(name)}) { ${name}(input: $input) { refusals { code } } }`;
    const { data, errors } = await hub.ask(person, query, { input: { ...input, dryRun: true } });
    if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
    return data[name].refusals[0]?.code ?? 'ALLOWED';
  }

  /** Returns where what a person is shown differs from what the rehearsal answers. */
  async function compare(person: string, id: string): Promise<{ differences: string[]; offered: number }> {
    const { data } = await hub.ask(person, QUERY, { id });
    const { step, actions, pushes, license, certificateTask } = data.case ?? { actions: [] };
    const spare = toBlankNumber(route, 50);
    const blank = certificateTask?.blanks?.[0]?.number ?? spare;
    const trials: { action: Action; input: object }[] = [];
    const add = (list: Action[], input: object) => {
      for (const action of list) trials.push({ action, input: { ...FILLED[action.name], ...input } });
    };
    add(actions, { case: id });
    for (const push of pushes ?? []) add(push.actions, { push: push.id });
    for (const action of (certificateTask?.actions ?? []) as Action[])
      add([action], { case: id, ...(action.name === 'voidTask' ? {} : { blankNumber: blank }) });
    for (const action of (license?.actions ?? []) as Action[]) {
      const paper = ['deliverCertificate', 'recallCertificate', 'spoilBlank'].includes(action.name);
      const more = action.name === 'spoilBlank' ? { replacement: spare } : {};
      const { identifier } = license;
      add([action], { identifier, ...(paper ? { blankNumber: license.paper.blankNumber } : {}), ...more });
    }
    const differences: string[] = [];
    for (const { action, input } of trials) {
      const code = action.refusal?.code ?? 'ALLOWED';
      if (NOT_OFFERED.includes(code)) continue;
      // An act on a license by a case, or on an order, has nothing to name while there is no other case and no order.
      const hasAll = action.inputs.every(({ name, required }) => !required || name in input);
      if (!action.allowed && !hasAll) continue;
      const answer = await rehearse(person, action.name, input);
      if (answer !== code) differences.push(`${person} ${action.name} at ${step}: shown ${code}, answered ${answer}`);
    }
    return { differences, offered: trials.filter(({ action }) => action.allowed).length };
  }

  test('actions offer exactly what the rehearsals accept', async () => {
    const received = await runMutation(
      hub,
      route.accepts,
      'receiveApplication',
      'ApplicationInput',
      { matter: route.matter, applicant: COMPANY, fields: linesFor(route.matter) },
      'case { id: uuid }',
    );
    const id: string = received.case.id;
    const acts = [
      [route.accepts, 'askSupplement'],
      [route.accepts, 'supplementCase'],
      [route.accepts, 'acceptApplication'],
      [route.examines, 'pauseCase'],
      [route.examines, 'resumeCase'],
      [route.examines, 'examineCase'],
      ...(route.forwards === null ? [] : [[route.forwards, 'forwardCase'] as const]),
      [route.decides, 'decideCase'],
      [route.prints, 'issueLicense'],
      [route.prints, 'deliverCertificate'],
    ] as const;
    const differences: string[] = [];
    let offered = 0;
    const compareAll = async (after: string) => {
      for (const person of people) {
        const result = await compare(person, id);
        offered += result.offered;
        differences.push(...result.differences.map((text) => `${mode}, after ${after}: ${text}`));
      }
    };
    await compareAll('receiveApplication');
    for (const [person, name] of acts) {
      const query = `mutation($input: ${INPUT_TYPES.get(name)}) { ${name}(input: $input) { refusals { code message } } }`;
      const issued = name === 'deliverCertificate' ? await hub.ask(person, QUERY, { id }) : null;
      const paper = issued && { identifier: issued.data.case.license.identifier, blankNumber: toBlankNumber(route, 1) };
      const subject = name === 'issueLicense' ? { case: id, blankNumber: toBlankNumber(route, 1) } : { case: id };
      const { data, errors } = await hub.ask(person, query, { input: paper ?? { ...subject, ...FILLED[name] } });
      if (errors || data[name].refusals.length > 0) throw new Error(`${name}: ${JSON.stringify(errors ?? data)}`);
      await compareAll(name);
    }
    expect(differences).toEqual([]);
    expect(offered).toBeGreaterThan(20);
  }, 240_000);
});
