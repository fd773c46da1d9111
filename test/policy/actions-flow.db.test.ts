import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pickNextSheet, type Sheet } from '../../subgraphs/licenses/paper/paper.ts';
import { testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, ROUTES, type Route, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { GROUNDS } from '../support/own-act.ts';
import { POLICIES } from './fixtures.ts';
import { listMutations } from './matrix.ts';
import { seededNumbers } from './sample.ts';

/**
 * In every state that a case with its license can reach, what `actions` offers is exactly what the rehearsal of the
 * mutation accepts, for everybody who takes part. The states are found by walking: in each state one of the offered
 * actions is carried out, one that was not yet tried there if there is any. Each state is compared once. The walks are
 * a sample by a seed; FULL=1 walks ten times as long.
 */

const SEED = 20_261_201;
/** Acts that are carried out for each mode. */
const ACTS = process.env.FULL === '1' ? 800 : 80;
/** Of the actions that a person is refused in one state, those that are rehearsed. What is allowed is always. */
const REFUSED_SAMPLE = process.env.FULL === '1' ? 1_000 : 4;
/** A walk that comes to no end within so many acts gives way to the next. */
const MAX_WALK = 25;
const DAY_MS = 86_400_000;

/** Codes by which a proposal can no longer be approved. It can still be rejected, so its action is offered. */
const ONLY_REJECTED = ['LICENSE_CHANGED', 'LICENSE_NOT_CURRENT'];
/** Codes of an action that nobody need do, or that has nothing to name. The mutation may accept it. */
const NOT_OFFERED = ['ACTION_DONE', 'COLLECTION_NOT_FAILED', 'ACT_NEEDS_CASE', 'ORDER_UNKNOWN'];

interface Action {
  name: string;
  inputs: { name: string; required: boolean }[];
  allowed: boolean;
  refusal: { code: string } | null;
}
/** An action that a person is shown, with what the mutation is given. */
interface Trial {
  person: string;
  action: Action;
  input: Record<string, unknown>;
}
/** A case as one person sees it. */
interface View {
  signature: string;
  /** Whether the case has a result. What follows is about its license, which other cases change too. */
  isClosed: boolean;
  trials: Trial[];
}

/** What a person fills in, rightly. Where a decision has several outcomes, each. */
const REASON = { reason: '依法办理' };
const OWN_ACT = { ...GROUNDS, ...REASON };
const REJECTION = { approve: false, reason: '证据不足' };
const FILLED: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  askSupplement: [{ items: ['图纸'] }],
  examineCase: [{ finding: 'APPROVED' }, { finding: 'REFUSED', opinion: '不符合条件' }],
  pauseCase: [{ kind: 'HEARING', ...REASON, papers: ['1号'] }],
  decideCase: [
    { decision: 'GRANTED', authoriseSeal: true, reason: '符合法定条件' },
    { decision: 'REJECTED', authoriseSeal: true, reason: '不符合条件' },
  ],
  recordFinding: [
    { kind: 'NOTICE', text: '请核对' },
    { kind: 'SUSPENSION', text: '检查发现问题' },
  ],
  acknowledgeFinding: [{}],
  closeFinding: [{ note: '已核对' }],
  declineOrder: [REASON],
  decideLicenseProposal: [{ approve: true }, REJECTION],
  ...{ refuseAcceptance: [REASON], withdrawCase: [REASON], sendBackCase: [REASON], voidTask: [REASON] },
  ...{ suspendLicense: [OWN_ACT], restoreLicense: [OWN_ACT], rescindLicense: [OWN_ACT], withdrawLicense: [OWN_ACT] },
  ...{ revokeLicense: [OWN_ACT], cancelLicense: [OWN_ACT] },
  spoilBlank: [{ reason: 'MISPRINT' }],
};
/** Acts that name the sheet. */
const PAPER_ACTS = ['deliverCertificate', 'recallCertificate', 'spoilBlank'];

const ACTIONS = 'actions { name allowed refusal { code } inputs { name required } }';
const QUERY = `query($id: ID!) { case(id: $id) { step result clock { state } ${ACTIONS}
  pushes { id: uuid state ${ACTIONS} } findings { id: uuid kind state ${ACTIONS} }
  license { identifier state papers { blankNumber kind place state } orders { id: uuid state }
    proposals { id: uuid state act ${ACTIONS} } ${ACTIONS} }
  certificateTask { duplicates blanks { number } ${ACTIONS} } } }`;

const INPUT_TYPES = new Map(
  Object.keys(POLICIES).flatMap((subgraph) => listMutations(subgraph).map((one) => [one.name, one.inputType] as const)),
);

const clock = testClock('2026-03-02T01:00:00Z');
const random = seededNumbers(SEED);
const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
let hub: TestHub;
let blanks = 100;
let amendments = 0;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
}, 120_000);
afterAll(() => hub?.stop());

async function run(person: string, name: string, input: object): Promise<string> {
  const query = `mutation($input: ${INPUT_TYPES.get(name)}) { ${name}(input: $input) { refusals { code } } }`;
  const { data, errors } = await hub.ask(person, query, { input });
  if (errors) throw new Error(`${name}: ${JSON.stringify([input, errors])}`);
  return data[name].refusals[0]?.code ?? 'ALLOWED';
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of the answer follows from the query above
type Shown = any;

/** The state of everything that is about a case, in a few words. Numbers and names are left out. */
function signatureOf({ step, result, clock: time, pushes, findings, license, certificateTask }: Shown): string {
  const states = (list: { state: string }[] | null | undefined) =>
    [...new Set((list ?? []).map(({ state }) => state))].sort();
  return JSON.stringify([
    ...[step, result, time?.state, certificateTask !== null],
    ...[license?.state, license?.papers?.map(({ state }: { state: string }) => state), states(license?.orders)],
    ...[states(license?.proposals), states(pushes), states(findings)],
  ]);
}

/** Returns what a person is shown of a case, with the inputs of each action. */
async function view(person: string, id: string): Promise<View> {
  const { data, errors } = await hub.ask(person, QUERY, { id });
  if (errors) throw new Error(JSON.stringify(errors));
  const shown: Shown = data.case;
  if (!shown) return { signature: '', isClosed: false, trials: [] };
  const { license, certificateTask } = shown;
  const trials: Trial[] = [];
  const add = (actions: Action[], subject: Record<string, unknown>) => {
    // Only a valid license is suspended.
    for (const action of actions)
      for (const filled of filledOf(action))
        if (shown.license?.state === 'VALID' || filled.kind !== 'SUSPENSION')
          trials.push({ person, action, input: { ...filled, ...subject } });
  };
  add(shown.actions, { case: id });
  for (const push of shown.pushes ?? []) add(push.actions, { push: push.id });
  for (const finding of shown.findings ?? []) add(finding.actions, { finding: finding.id });
  for (const action of (certificateTask?.actions ?? []) as Action[]) {
    const numbers = (certificateTask.blanks ?? []).map(({ number }: { number: string }) => number);
    const [blankNumber = 'KB000000000000', ...others] = numbers.toReversed();
    const sheets = { blankNumber, duplicateBlanks: others.slice(0, certificateTask.duplicates ?? 0) };
    add([action], { case: id, ...(action.name === 'voidTask' ? {} : sheets) });
  }
  for (const proposal of license?.proposals ?? []) add(proposal.actions, { proposal: proposal.id });
  for (const action of (license?.actions ?? []) as Action[]) {
    const { identifier } = license;
    const blankNumber: string | undefined = pickNextSheet(license.papers as Sheet[])?.blankNumber;
    const paper = PAPER_ACTS.includes(action.name) ? { blankNumber } : {};
    const order = license.orders?.find(({ state }: { state: string }) => state === 'OPEN');
    const replacement = action.name === 'spoilBlank' ? { replacement: spareBlank(blankNumber ?? '') } : {};
    const named = action.name === 'declineOrder' ? { order: order?.id } : { identifier };
    add([action], { ...named, ...paper, ...replacement });
  }
  return { signature: signatureOf(shown), isClosed: shown.result !== null, trials };
}

/** What a person fills in. An amendment must change something. */
function filledOf({ name }: Action): readonly Record<string, unknown>[] {
  if (name === 'amendCase') return [{ fields: [{ label: '备注', text: `更正${++amendments}` }] }];
  return FILLED[name] ?? [{}];
}

/** A blank of the same issuer that nothing uses. */
const spareBlank = (number: string) => `${number.slice(0, 6)}${String(blanks).padStart(8, '0')}`;

/** Whether everything that a mutation requires is filled in. */
const isComplete = ({ action, input }: Trial) =>
  action.inputs.every(({ name, required }) => !required || input[name] !== undefined) &&
  Object.values(input).every((value) => value !== undefined);

/** Returns where what a person is shown differs from what the rehearsal answers. */
async function compare({ signature, trials }: View): Promise<string[]> {
  const comparable = trials.filter(
    (trial) => !NOT_OFFERED.includes(trial.action.refusal?.code ?? '') && (trial.action.allowed || isComplete(trial)),
  );
  const refused = comparable.filter(({ action }) => !action.allowed);
  const sample = refused
    .map((trial) => ({ trial, rank: random() }))
    .sort((one, other) => one.rank - other.rank)
    .slice(0, REFUSED_SAMPLE)
    .map(({ trial }) => trial);
  const differences: string[] = [];
  for (const { person, action, input } of [...comparable.filter((trial) => trial.action.allowed), ...sample]) {
    const code = action.refusal?.code ?? 'ALLOWED';
    const answer = await run(person, action.name, { ...input, dryRun: true });
    if (answer !== code && !(input.approve && ONLY_REJECTED.includes(answer)))
      differences.push(`${person} ${action.name} at ${signature}: shown ${code}, answered ${answer}`);
  }
  return differences;
}

/** Walks through the states of a mode. Returns the differences, the states, and the names of what was carried out. */
async function walk(route: Route) {
  const decider = route.decides.split('.')[0];
  const people = [...new Set([route.accepts, route.examines, route.decides, `${decider}.reviewer`])];
  people.push('applicant-company', `${decider}.supervisor`, `${decider}.clerk`);
  const seen = new Set<string>();
  const tried = new Map<string, number>();
  const differences: string[] = [];
  const carriedOut = new Set<string>();
  let offered = 0;
  for (let acts = 0; acts < ACTS; ) {
    const application = { matter: route.matter, applicant: COMPANY, fields: linesFor(route.matter) };
    const received = await runMutation(
      ...([hub, route.accepts, 'receiveApplication', 'ApplicationInput', application, 'case { id: uuid }'] as const),
    );
    const id: string = received.case.id;
    for (let length = 0; length < MAX_WALK && acts < ACTS; length++) {
      const views = await Promise.all(people.map((person) => view(person, id)));
      const signature = views.map((one) => one.signature).join(' ');
      if (!seen.has(signature)) {
        seen.add(signature);
        for (const [i, one] of views.entries()) {
          // What the hub does by itself, such as sealing a decision, may have come between the two.
          if ((await compare(one)).length > 0) differences.push(...(await compare(await view(people[i] ?? '', id))));
        }
        offered += views.flatMap(({ trials }) => trials.filter(({ action }) => action.allowed)).length;
      }
      const open = views.flatMap(({ trials }) => trials).filter((one) => one.action.allowed && isComplete(one));
      const edgeOf = ({ action, input }: Trial) =>
        JSON.stringify([signature, action.name, input.decision, input.finding, input.approve, input.kind]);
      const fewest = Math.min(...open.map((one) => tried.get(edgeOf(one)) ?? 0));
      const next = pick(open.filter((one) => (tried.get(edgeOf(one)) ?? 0) === fewest));
      // A closed case in which everything was tried is left for a new one, which may get elsewhere.
      if (!next || (fewest > 0 && views.some(({ isClosed }) => isClosed))) break;
      tried.set(edgeOf(next), fewest + 1);
      acts++;
      const answer = await run(next.person, next.action.name, next.input);
      if (next.action.name === 'spoilBlank') blanks++;
      if (answer === 'ALLOWED') carriedOut.add(next.action.name);
      else if (!(next.input.approve && ONLY_REJECTED.includes(answer)))
        differences.push(`${next.person} ${next.action.name} at ${signature}: offered, and answered ${answer}`);
      if (next.action.name === 'askSupplement' && random() < 0.5) clock.advance(DAY_MS);
    }
  }
  return { differences, states: seen.size, carriedOut, offered };
}

describe('in every state that a walk finds', () => {
  test.each(Object.entries<Route>(ROUTES))(
    'of mode %s actions offer exactly what the rehearsals accept',
    async (mode, route) => {
      const { differences, states, carriedOut, offered } = await walk(route);
      expect(differences.map((text) => `${mode}: ${text}`)).toEqual([]);
      expect(states).toBeGreaterThan(10);
      expect(offered).toBeGreaterThan(50);
      for (const name of ['acceptApplication', 'examineCase', 'decideCase']) expect(carriedOut).toContain(name);
    },
    400_000,
  );
});
