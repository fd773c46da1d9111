import { randomUUID } from 'node:crypto';
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isInputObjectType,
  isRequiredInputField,
} from 'graphql';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACTION_LABELS } from '../../subgraphs/kernel/actions/labels.ts';
import { type OrderedAct, VERSION_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { mutationOf } from '../../subgraphs/licenses/action/mutation.ts';
import { buildApiSchema } from '../support/api-schema.ts';
import { ROUTES, runMutation, toBlankNumber } from '../support/flow.ts';
import type { TestHub } from '../support/hub.ts';
import { findNamedType } from '../support/node-ids.ts';
import { decideAct } from '../support/own-act.ts';
import { POLICIES } from './fixtures.ts';
import { listMutations } from './matrix.ts';
import { createPolicyHub, type PolicyHub } from './policy-hub.ts';
import { seededNumbers } from './sample.ts';

/**
 * Every field `actions` tells the truth: an action that it shows as allowed is accepted by the mutation, and one that
 * it shows as refused is refused with the same code. A seeded sample is tried; FULL=1 tries everything.
 */

const SAMPLE = 400;
const SEED = 20_261_130;

const PEOPLE = [
  ...['clerk', 'reviewer', 'approver', 'keeper', 'supervisor'].map((position) => `yudu-lyj.${position}`),
  ...['clerk', 'reviewer', 'approver'].map((position) => `ganzhou-xzspj.${position}`),
  ...['yudu-xzspj.reviewer', 'yudu-xzspj.supervisor', 'window-yudu', 'window-xingguo', 'applicant-company'],
  ...['yudu-lyj.sealapprover', 'administrator', 'administrator-deputy', 'auditor'],
];

/** Codes of an action that is not offered because nobody need do it. The mutation may accept it. */
const NEEDLESS = ['ACTION_DONE', 'COLLECTION_NOT_FAILED'];
/** Such an action cannot be rehearsed: there is no case, or no order, to name. */
const NOTHING_TO_NAME = ['ACT_NEEDS_CASE', 'ORDER_UNKNOWN'];

/** What the hub of this test cannot fill in: it knows no certificate by another authority that the hub trusts. */
const WRONGLY_FILLED: Readonly<Record<string, string>> = { enterSealCertificate: 'AUTHORITY_NOT_TRUSTED' };

interface Action {
  name: string;
  label: { zh: string; en: string };
  inputs: { name: string; type: string; required: boolean; description: string | null }[];
  clause: string | null;
  allowed: boolean;
  refusal: { code: string } | null;
}
interface Trial {
  person: string;
  of: string;
  action: Action;
  input: object;
}

/** Mutations whose result is sealed. */
const SEALED = new Set<string>(VERSION_ACTS.map(mutationOf));
/** What licenses may know of the seals of an organ, and the refusal that follows. */
const SEAL_FACTS = [
  ['SEAL_SUSPENDED', "state = 'SUSPENDED'"],
  ['SEAL_EXPIRED', "valid_until = valid_from + interval '1 second'"],
  ['SEAL_NOT_GRANTED', "grants = '[]'"],
  ['SEAL_NOT_IN_USE', "state = 'ON_FILE'"],
  ['SEAL_UNKNOWN', "organ = 'yudu-sfj'"],
] as const;

const ACTIONS = `actions { name label { zh en } allowed refusal { code }
  inputs { name type required description } clause }`;
const CASE_QUERY = `query($id: ID!) { case(id: $id) { id: uuid step ${ACTIONS}
  pushes { id: uuid state ${ACTIONS} } findings { id: uuid state ${ACTIONS} }
  license { identifier state paper { blankNumber } orders { id: uuid act state } proposals { id: uuid state ${ACTIONS} } ${ACTIONS} }
} }`;
const DECISIONS_QUERY = `{
  proposals(first: 100) { edges { node { id: uuid kind state ${ACTIONS} } } }
  importProposals(first: 100) { edges { node { id: uuid kind state ${ACTIONS} } } }
  sealApplications(first: 100) { edges { node { id: uuid kind state ${ACTIONS} } } }
  blankTransfers(first: 100) { edges { node { id: uuid kind: prefix state ${ACTIONS} } } } }`;
/** What each list of `DECISIONS_QUERY` has, as inputs name it. */
const DECIDED = {
  ...({ proposals: 'proposal', importProposals: 'proposal', sealApplications: 'application' } as const),
  blankTransfers: 'proposal',
} as const;
const SEALS_QUERY = `{ seals(first: 100) { edges { node { code state grants { id: uuid } ${ACTIONS} } } } }`;
const TASK_QUERY = `{ certificateTasks(first: 100) { edges { node { case { id: uuid } ${ACTIONS} } } } }`;

/** The inputs that an object supplies, by its kind. */
const SUPPLIED: Readonly<Record<string, readonly string[]>> = {
  case: ['case'],
  push: ['push'],
  finding: ['finding'],
  license: ['identifier'],
  proposal: ['proposal'],
  task: ['case'],
  application: ['application'],
  seal: ['seal'],
};
const schema = buildApiSchema();

async function findSentPush(hub: TestHub): Promise<string> {
  const query = '{ approvalPushes(first: 1, filter: { state: SENT }) { edges { node { id: uuid } } } }';
  const { data } = await hub.ask('yudu-lyj.supervisor', query);
  return data.approvalPushes.edges[0].node.id;
}

describe('actions', () => {
  let policyHub: PolicyHub;
  let caseIds: string[];
  beforeAll(async () => {
    policyHub = await createPolicyHub();
    const { hub, inputs } = policyHub;
    const take = (person: string, name: string, type: string, changes: object = {}) =>
      runMutation(hub, person, name, type, { ...inputs[name], ...changes }, '__typename');
    // More states: a supplement that is not over, a signed and a claimed push, an acknowledged and a closed
    // finding, an ended case.
    const received = await runMutation(
      hub,
      'window-yudu',
      'receiveApplication',
      'ApplicationInput',
      inputs.receiveApplication ?? {},
      'case { id: uuid }',
    );
    await take('window-yudu', 'askSupplement', 'AskSupplementInput', { case: received.case.id, until: '2026-04-30' });
    await take('yudu-lyj.supervisor', 'signPush', 'PushActInput');
    await take('yudu-lyj.supervisor', 'claimPush', 'PushActInput', { push: await findSentPush(hub) });
    await take('yudu-lyj.approver', 'acknowledgeFinding', 'AcknowledgeFindingInput');
    const closing = await runMutation(
      hub,
      'yudu-lyj.supervisor',
      'recordFinding',
      'RecordFindingInput',
      inputs.recordFinding ?? {},
      'finding { id: uuid }',
    );
    await take('yudu-lyj.supervisor', 'closeFinding', 'CloseFindingInput', { finding: closing.finding.id });
    const { data } = await hub.ask('auditor', '{ cases(first: 100) { edges { node { id: uuid } } } }');
    caseIds = data.cases.edges.map((edge: { node: { id: string } }) => edge.node.id);
  }, 120_000);
  afterAll(() => policyHub?.hub.stop());

  const inputTypes = new Map(
    Object.keys(POLICIES).flatMap((subgraph) =>
      listMutations(subgraph).map((one) => [one.name, one.inputType] as const),
    ),
  );

  async function rehearse({ person, action: { name }, input }: Trial): Promise<string> {
    const query = `mutation($input: ${inputTypes.get(name)}) { ${name}(input: $input) { refusal { code } } }`;
    const { data, errors } = await policyHub.hub.ask(person, query, { input: { ...input, dryRun: true } });
    if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
    const code: string = data[name].refusal?.code ?? 'ALLOWED';
    return code === WRONGLY_FILLED[name] ? 'ALLOWED' : code;
  }

  /** Returns what a person is shown on every case, push, finding and license, with the input of each action. */
  async function listTrials(person: string): Promise<Trial[]> {
    const { inputs } = policyHub;
    const trials: Trial[] = [];
    const add = (of: string, actions: Action[], changes: object) => {
      for (const action of actions) trials.push({ person, of, action, input: { ...inputs[action.name], ...changes } });
    };
    for (const id of caseIds) {
      const { data } = await policyHub.hub.ask(person, CASE_QUERY, { id });
      const shown = data.case;
      if (!shown) continue;
      add(`case ${shown.step}`, shown.actions, { case: id });
      for (const push of shown.pushes ?? []) add(`push ${push.state}`, push.actions, { push: push.id });
      for (const finding of shown.findings ?? [])
        add(`finding ${finding.state}`, finding.actions, { finding: finding.id });
      if (!shown.license) continue;
      const { identifier, state, paper, actions, orders, proposals } = shown.license;
      for (const proposal of proposals ?? []) {
        // An approval may fail for reasons of the license. Whoever may decide may always reject.
        const rejection = { proposal: proposal.id, approve: false, reason: '证据不足' };
        for (const action of proposal.actions as Action[])
          add(
            `proposal ${proposal.state}`,
            [action],
            action.name.startsWith('decide') ? rejection : { proposal: proposal.id },
          );
      }
      for (const action of actions as Action[]) {
        const order = (orders ?? []).find(
          (one: { act: OrderedAct; state: string }) => one.state === 'OPEN' && mutationOf(one.act) === action.name,
        );
        const changes = { identifier, blankNumber: paper.blankNumber, ...(order ? { order: order.id } : {}) };
        const known = [...Object.keys(inputs[action.name] ?? {}), ...(order ? ['order'] : [])];
        add(
          `license ${state}`,
          [action],
          Object.fromEntries(Object.entries(changes).filter(([key]) => known.includes(key))),
        );
      }
    }
    const { data: decisions } = await policyHub.hub.ask(person, DECISIONS_QUERY);
    for (const [list, name] of Object.entries(DECIDED))
      for (const { node } of decisions[list]?.edges ?? [])
        for (const action of node.actions as Action[]) {
          const rejection = action.name.startsWith('decide') ? { approve: false, reason: '暂不需要' } : {};
          add(`${name} ${node.state} ${node.kind}`, [action], { [name]: node.id, ...rejection });
        }
    const { data: ofSeals } = await policyHub.hub.ask(person, SEALS_QUERY);
    for (const { node } of ofSeals.seals.edges)
      for (const action of node.actions as Action[]) {
        const grant =
          action.name === 'applyForSealGrantWithdrawal' ? { grant: node.grants[0]?.id ?? randomUUID() } : {};
        add(`seal ${node.state}`, [action], { seal: node.code, ...grant });
      }
    const { data } = await policyHub.hub.ask(person, TASK_QUERY);
    for (const { node } of data.certificateTasks.edges) {
      for (const action of node.actions as Action[]) {
        const blank = action.name === 'voidTask' ? {} : { blankNumber: toBlankNumber(ROUTES.DIRECT, 9) };
        add('task', [action], { case: node.case.id, ...blank });
      }
    }
    return trials;
  }

  test('agree with the dry runs', async () => {
    const trials: Trial[] = [];
    for (const person of PEOPLE) trials.push(...(await listTrials(person)));
    const random = seededNumbers(SEED);
    const chosen =
      process.env.FULL === '1'
        ? trials
        : trials
            // What is allowed is rare among everything that is not.
            .map((trial) => ({ trial, rank: random() - (trial.action.allowed ? 1 : 0) }))
            .sort((a, b) => a.rank - b.rank)
            .slice(0, SAMPLE)
            .map(({ trial }) => trial);
    const mismatches: string[] = [];
    for (const trial of chosen) {
      const { person, of, action } = trial;
      const code = action.refusal?.code ?? '';
      if (!action.allowed && [...NEEDLESS, ...NOTHING_TO_NAME].includes(code)) continue;
      const answer = await rehearse(trial);
      if (answer !== (action.allowed ? 'ALLOWED' : code))
        mismatches.push(`${person} ${action.name} on a ${of}: shown ${code || 'ALLOWED'}, answered ${answer}`);
    }
    expect(mismatches).toEqual([]);
    expect(chosen.filter(({ action }) => action.allowed).length).toBeGreaterThan(50);
  }, 120_000);

  test.each(SEAL_FACTS)('no act is offered that the seal cannot seal: %s', async (code, change) => {
    const people = ['yudu-lyj.approver', 'yudu-lyj.keeper'];
    const list = async () => (await Promise.all(people.map(listTrials))).flat();
    const describeTrial = ({ person, of, action, input }: Trial) => JSON.stringify([person, of, action.name, input]);
    const offered = (await list()).filter(({ action }) => action.allowed).map(describeTrial);
    const sql = postgres(policyHub.hub.adminUrl, { max: 1, onnotice: () => undefined });
    try {
      await sql`create table public.kept_seals as select * from licenses.seal_fact`;
      await sql.unsafe(`update licenses.seal_fact set ${change} where organ = 'yudu-lyj'`);
      const trials = (await list()).filter((trial) => offered.includes(describeTrial(trial)));
      expect(trials.length).toBe(offered.length);
      for (const trial of trials) {
        const { name, refusal } = trial.action;
        expect([name, refusal?.code]).toEqual([name, SEALED.has(name) ? code : undefined]);
        expect([name, await rehearse(trial)]).toEqual([name, SEALED.has(name) ? code : 'ALLOWED']);
      }
      const approval = policyHub.inputs.decideLicenseProposal ?? {};
      const { refusal } = await decideAct(policyHub.hub, 'yudu-lyj.approver', '', '__typename', {
        ...approval,
        dryRun: true,
      });
      expect(refusal.code).toBe(code);
      const refused = new Set(trials.filter(({ action }) => !action.allowed).map(({ action }) => action.name));
      expect([...refused]).toEqual(expect.arrayContaining(['issueLicense']));
    } finally {
      await sql`delete from licenses.seal_fact`;
      await sql`insert into licenses.seal_fact select * from public.kept_seals`;
      await sql`drop table public.kept_seals`;
      await sql.end();
    }
  });

  test('say what a button shows and what a person fills in: exactly the rest of the input', async () => {
    const trials = (await Promise.all(['yudu-lyj.approver', 'window-yudu'].map(listTrials))).flat();
    const names = new Set<string>();
    for (const { of, action, input } of trials) {
      const { name, label, inputs, clause } = action;
      expect([name, label]).toEqual([name, ACTION_LABELS[name]]);
      expect([name, clause]).toEqual([name, expect.any(String)]);
      const type = schema.getType(String(inputTypes.get(name)).replaceAll('!', ''));
      const fields = isInputObjectType(type) ? Object.values(type.getFields()) : [];
      const supplied = SUPPLIED[of.split(' ')[0] ?? ''] ?? [];
      const left = fields.filter((field) => field.name !== 'dryRun' && !supplied.includes(field.name));
      expect([of, name, inputs.map((one) => one.name)]).toEqual([of, name, left.map((field) => field.name)]);
      for (const field of left) {
        const shown = inputs.find((one) => one.name === field.name);
        const required = isRequiredInputField(field);
        expect([name, shown]).toEqual([name, expect.objectContaining({ type: String(field.type), required })]);
      }
      // What is allowed was rehearsed with this input: nothing that the action calls required is missing from it.
      if (action.allowed)
        expect(Object.keys(input)).toEqual(
          expect.arrayContaining(inputs.flatMap((one) => (one.required ? one.name : []))),
        );
      names.add(name);
    }
    expect(names.size).toBeGreaterThan(30);
  });

  test('are filtered by name and by whether they are allowed', async () => {
    const [id] = caseIds;
    const list = async (args: string) => {
      const query = `query($id: ID!) { case(id: $id) { actions${args} { name allowed } } }`;
      const { data, errors } = await policyHub.hub.ask('window-yudu', query, { id });
      return data.case?.actions ?? errors?.[0]?.extensions;
    };
    const all: Action[] = await list('');
    expect(await list('(allowed: true)')).toEqual(all.filter(({ allowed }) => allowed));
    expect(await list('(allowed: false)')).toEqual(all.filter(({ allowed }) => !allowed));
    const names = ['decideCase', 'acceptApplication'];
    const named = all.filter(({ name }) => names.includes(name));
    expect(named).toHaveLength(2);
    expect(await list(`(names: ${JSON.stringify(names)})`)).toEqual(named);
    expect(await list('(names: [])')).toEqual([]);
    expect(await list('(names: ["decideCase", "noSuchMutation"])')).toMatchObject({
      ...{ code: 'BAD_USER_INPUT', argument: 'names[1]' },
    });
  });

  test('of what a second person decides are offered: every mutation that names it', async () => {
    const namesOf = ({ name, args }: GraphQLField<unknown, unknown>) => {
      const type = getNamedType(args[0]?.type);
      if (!isInputObjectType(type)) return [];
      return Object.keys(type.getFields()).map((field) => findNamedType(`Mutation.${name}`, `${type.name}.${field}`));
    };
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    const isDecided = (type: string | null | undefined) => /(Proposal|Application|^BlankTransfer)$/.test(type ?? '');
    const types = [...new Set(mutations.flatMap(namesOf).filter(isDecided))].sort();
    expect(types).toEqual(['BlankTransfer', 'ImportProposal', 'LicenseProposal', 'Proposal', 'SealApplication']);
    for (const name of types)
      expect([name, Object.keys((schema.getType(name ?? '') as GraphQLObjectType).getFields())]).toEqual([
        name,
        expect.arrayContaining(['actions']),
      ]);
    const shown = (await Promise.all(['yudu-lyj.approver', 'administrator', 'yudu-lyj.keeper'].map(listTrials))).flat();
    const offered = shown.filter(({ of }) => /^(proposal|application) /.test(of)).map(({ action }) => action.name);
    const expected = mutations.filter((field) => namesOf(field).some(isDecided)).map(({ name }) => name);
    expect([...new Set(offered)].sort()).toEqual(expected.sort());
  });

  test('what is ended is neither offered nor carried out', async () => {
    const shown = await listTrials('yudu-lyj.approver');
    const onClosed = shown.filter(({ of, action }) => of === 'finding CLOSED' && action.name === 'acknowledgeFinding');
    expect(onClosed.map(({ action }) => action.refusal?.code)).toEqual(['FINDING_ENDED']);
    for (const trial of onClosed) expect(await rehearse(trial)).toBe('FINDING_ENDED');
  });

  test('what is done is not offered', async () => {
    const shown = await listTrials('yudu-lyj.supervisor');
    const ofSigned = shown.filter(({ of, action }) => of === 'push SIGNED' && /claim|sign/.test(action.name));
    expect(ofSigned.map(({ action }) => [action.name, action.refusal?.code])).toEqual([
      ['claimPush', 'ACTION_DONE'],
      ['signPush', 'ACTION_DONE'],
    ]);
    const ofClaimed = shown.filter(({ of, action }) => of === 'push CLAIMED' && /claim|sign/.test(action.name));
    expect(ofClaimed.map(({ action }) => [action.name, action.refusal?.code])).toEqual([
      ['claimPush', 'ACTION_DONE'],
      ['signPush', undefined],
    ]);
    const byApprover = await listTrials('yudu-lyj.approver');
    const acknowledged = byApprover.filter(
      ({ of, action }) => of === 'finding ACKNOWLEDGED' && action.name === 'acknowledgeFinding',
    );
    expect(acknowledged.map(({ action }) => action.refusal?.code)).toEqual(['ACTION_DONE']);
    // No library takes the licenses of this hub, so every collection is pending.
    const redrives = byApprover.filter(({ action }) => action.name === 'redriveCollection');
    expect(redrives.length).toBeGreaterThan(0);
    expect(redrives.filter(({ action }) => action.allowed)).toEqual([]);
  });
});
