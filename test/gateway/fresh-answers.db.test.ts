import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Envelope } from '../../subgraphs/kernel/events/events.ts';
import { grantCase, issueGrantedLicense, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { decideCase, findOrder, listPushes } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';

/** Fresh answers of one hub: what a mutation answers is true in every subgraph, or the answer says where it is not. */

let hub: TestHub;
let sql: postgres.Sql;
beforeAll(async () => {
  // No answer here waits as long as that by itself: the test that lets the deadline fire has its own hub.
  hub = await createTestHub({ eventWaitMs: 600_000 });
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

const ISSUE = `mutation($input: CaseActInput!) { issueLicense(input: $input) {
  license { identifier case { step result } } refusal { code } rehearsal { identifier } } }`;
const { prints } = ROUTES.DIRECT;
let serial = 0;

/** Asks over a connection of its own, for the answer as a client gets it. */
async function send(target: TestHub, person: string, query: string, variables: object) {
  const headers = { authorization: `Bearer ${await target.token(person)}` };
  const request = { method: 'POST', url: '/graphql', headers, payload: { query, variables } } as const;
  return (await target.hub.app.inject(request)).json();
}

/** Has one subgraph take no event until the returned function is called. */
function stopConsumer(target: TestHub, name: 'cases' | 'licenses', answer: () => Promise<never>): () => void {
  const subgraph = target.hub[name];
  const { receive } = subgraph;
  subgraph.receive = answer;
  return () => {
    subgraph.receive = receive;
  };
}
const hang = () => new Promise<never>(() => {});

async function prepareIssue(target: TestHub) {
  const id = await grantCase(target, ROUTES.DIRECT);
  return { case: id, ...toBlanks(ROUTES.DIRECT, ++serial) };
}

test('issuing a license answers the case as certified, and a repeated request too', async () => {
  const input = await prepareIssue(hub);
  for (let i = 0; i < 2; i++) {
    const { data, extensions } = await send(hub, prints, ISSUE, { input });
    expect(data.issueLicense).toMatchObject({ license: { case: { step: 'CERTIFIED', result: 'ISSUED' } } });
    expect(extensions).toBeUndefined();
  }
});

test('a rehearsal waits for nothing, even if nobody takes events', async () => {
  const input = await prepareIssue(hub);
  const restart = stopConsumer(hub, 'cases', hang);
  const { data, extensions } = await send(hub, prints, ISSUE, { input: { ...input, dryRun: true } });
  restart();
  expect(data.issueLicense).toMatchObject({ refusal: null, rehearsal: { identifier: expect.any(String) } });
  expect(extensions).toBeUndefined();
});

test('a finding answers what licenses have made of its order', async () => {
  const id = await decideCase(hub, ROUTES.DIRECT, 'GRANTED');
  await issueGrantedLicense(hub, ROUTES.DIRECT, id, ++serial);
  const [push] = (await listPushes(hub, id)) ?? [];
  const input = { push: push.id, kind: 'SUSPENSION', text: '暂扣' };
  const order = async () => {
    const finding = await runMutation(
      hub,
      'yudu-lyj.supervisor',
      'recordFinding',
      'RecordFindingInput',
      input,
      'finding { id: uuid }',
    );
    return findOrder(hub, finding.finding.id);
  };
  expect(await order()).toMatchObject({ state: 'OPEN' });
  const { data } = await hub.ask('yudu-lyj.approver', '{ attention(first: 50) { edges { node { kind } } } }');
  expect(data.attention.edges).toContainEqual({ node: { kind: 'ORDER_OPEN' } });
});

test('a consumer that refuses is not waited for to the end, and nothing is lost', async () => {
  const input = await prepareIssue(hub);
  const restart = stopConsumer(hub, 'cases', () => Promise.reject(new Error('away')));
  const { data, extensions } = await send(hub, prints, ISSUE, { input });
  expect(data.issueLicense).toMatchObject({ refusal: null, license: { case: { step: 'DECIDED' } } });
  expect(extensions).toEqual({ delayedSubgraphs: ['cases'] });
  restart();
  await waitUntil('the case is certified', async () => {
    const query = 'query($id: ID!) { case(id: $id) { step } }';
    return (await hub.ask('auditor', query, { id: input.case })).data.case.step === 'CERTIFIED';
  });
});

test('a consumer that hangs is waited for until the deadline, and the answer says so', async () => {
  const slow = await createTestHub({ eventWaitMs: 50 });
  try {
    const input = await prepareIssue(slow);
    const restart = stopConsumer(slow, 'cases', hang);
    for (let i = 0; i < 2; i++) {
      const { data, extensions } = await send(slow, prints, ISSUE, { input });
      expect(data.issueLicense).toMatchObject({ refusal: null, license: { case: { step: 'DECIDED' } } });
      expect(extensions).toEqual({ delayedSubgraphs: ['cases'] });
    }
    restart();
  } finally {
    await slow.stop();
  }
});

test('an event that another copy of the relay delivers ends the wait', async () => {
  const input = await prepareIssue(hub);
  // The consumer has it, and this copy's own delivery never ends: its lease is taken away.
  const { receive } = hub.hub.cases;
  hub.hub.cases.receive = async (producer: string, event: Envelope) => {
    await receive(producer, event);
    await sql`update licenses.outbox_delivery set lease = null, leased_until = now() + interval '1 hour',
      delivered = ${event.revision} where consumer = 'cases' and stream = ${event.stream}`;
    return hang();
  };
  const { data, extensions } = await send(hub, prints, ISSUE, { input });
  hub.hub.cases.receive = receive;
  expect([data.issueLicense.license.case.step, extensions]).toEqual(['CERTIFIED', undefined]);
});
