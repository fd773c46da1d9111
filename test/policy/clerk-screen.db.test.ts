import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordStatements } from '../support/statements.ts';
import { createPolicyHub, type PolicyHub } from './policy-hub.ts';

/**
 * A clerk's whole screen is one query, the one of docs/front-end.md, and a longer list costs no more statements.
 */

const page = readFileSync(new URL('../../docs/front-end.md', import.meta.url), 'utf8');
const SCREEN = /```graphql\n(query ClerkScreen .*?)```/s.exec(page)?.[1] ?? '';

/** Long enough for every loop of the hub to run once. */
const IDLE_MS = 4_000;
/** The screen shows two lists of cases, which are loaded one after the other. */
const MAX_RUNS = 2;

interface Action {
  name: string;
  label: { zh: string };
  inputs: { name: string }[];
}

describe('a screen', () => {
  let policyHub: PolicyHub;
  /** What the hub asks by itself, while nobody asks it. */
  const background = new Set(['begin', 'commit', 'rollback']);
  let recorder: ReturnType<typeof recordStatements>;
  beforeAll(async () => {
    // Before the hub connects: a statement is prepared once for each connection.
    recorder = recordStatements();
    policyHub = await createPolicyHub();
    recorder.texts.length = 0;
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    for (const text of recorder.texts) background.add(text.trim());
  }, 120_000);
  afterAll(() => {
    recorder.stop();
    return policyHub?.hub.stop();
  });

  /** Asks with pages of `rows`. Returns the answer and how often each statement ran. */
  async function show(person: string, query: string, rows: number) {
    recorder.texts.length = 0;
    const { data, errors } = await policyHub.hub.ask(person, query.replaceAll('first: 10', `first: ${rows}`));
    expect(errors).toBeUndefined();
    const requested = recorder.texts.splice(0).filter((text) => !background.has(text.trim()));
    return { data, counts: Map.groupBy(requested, (text) => text.replaceAll(/\$\d+(, \$\d+)*/g, '$')) };
  }

  test('of a clerk is one query', async () => {
    const { data } = await show('yudu-lyj.clerk', SCREEN, 10);
    expect(data.viewer.roles.length).toBeGreaterThan(0);
    const cases = data.queue.edges.map(({ node }: { node: object }) => node);
    const [task] = cases.flatMap((shown: { certificateTask: object | null }) => shown.certificateTask ?? []);
    expect(task.blanks.length).toBeGreaterThan(2);
    expect(task.actions.map(({ name }: Action) => name)).toContain('issueLicense');
    const issue = task.actions.find(({ name }: Action) => name === 'issueLicense');
    expect(issue).toMatchObject({
      label: { zh: '制发', en: 'Issue' },
      inputs: [
        { name: 'blankNumber', required: true },
        { name: 'duplicateBlanks', required: false },
      ],
    });
    // The blank that it shows is the one that the act takes.
    const input = { ...policyHub.inputs.issueLicense, blankNumber: task.blanks[0].number, dryRun: true };
    const query = 'mutation($input: CaseActInput!) { issueLicense(input: $input) { refusals { code } } }';
    const rehearsal = await policyHub.hub.ask('yudu-lyj.clerk', query, { input });
    expect(rehearsal.data.issueLicense.refusals).toEqual([]);
  });

  test('links what waits to what it is about', async () => {
    const { data } = await show('yudu-lyj.supervisor', SCREEN, 50);
    const items = data.attention.edges.map(({ node }: { node: object }) => node);
    expect(items.filter(({ push }: { push: object | null }) => push !== null)).not.toEqual([]);
    const { data: ofAdministrator } = await show('administrator', SCREEN, 50);
    // An administrator sees that something waits, and nothing of the case.
    for (const { node } of ofAdministrator.attention.edges)
      expect([node.push, node.finding, node.case]).toEqual([null, null, null]);
  });

  test('of a task shows no blanks to people of other organs', async () => {
    const query = '{ certificateTasks(first: 10) { edges { node { blanks { number } case { id: uuid } } } } }';
    const blanksOf = async (person: string) => {
      const { data } = await show(person, query, 10);
      return data.certificateTasks.edges.map(({ node }: { node: { blanks: object[] | null } }) => node.blanks);
    };
    expect((await blanksOf('yudu-lyj.approver')).every((blanks: object[] | null) => blanks !== null)).toBe(true);
    expect((await blanksOf('auditor')).every((blanks: object[] | null) => blanks === null)).toBe(true);
    expect((await blanksOf('auditor')).length).toBeGreaterThan(0);
  });

  test.each([
    ['screen', 'yudu-lyj.approver', SCREEN],
    ['cases', 'window-yudu', '{ cases(first: 10) { edges { node { actions { name allowed inputs { name } } } } } }'],
    ['licenses', 'yudu-lyj.approver', '{ licenses(first: 10) { edges { node { actions(allowed: true) { name } } } } }'],
    [
      'tasks of cases',
      'yudu-lyj.approver',
      '{ cases(first: 10) { edges { node { certificateTask { blanks { number } actions { name } } } } } }',
    ],
    ['proposals', 'administrator', '{ proposals(first: 10) { edges { node { actions { name } } } } }'],
    ['imports', 'administrator', '{ importProposals(first: 10) { edges { node { actions { name } } } } }'],
    ['applications', 'yudu-lyj.keeper', '{ sealApplications(first: 10) { edges { node { actions { name } } } } }'],
    ['pushes', 'yudu-lyj.supervisor', '{ approvalPushes(first: 10) { edges { node { actions { name } } } } }'],
  ])('with ten rows of %s runs no statement more often than with one', async (_name, person, query) => {
    await show(person, query, 1);
    const one = await show(person, query, 1);
    const ten = await show(person, query, 10);
    const more = [...ten.counts]
      .filter(
        ([text, runs]) => runs.length > Math.max(query === SCREEN ? MAX_RUNS : 1, one.counts.get(text)?.length ?? 0),
      )
      .map(([text, runs]) => `${runs.length} times: ${text}`);
    expect(more).toEqual([]);
    expect([...ten.counts.keys()].length).toBeGreaterThan(0);
  });
});
