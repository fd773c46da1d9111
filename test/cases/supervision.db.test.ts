import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findInconsistencies } from '../support/consistency.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

const route = ROUTES.DIRECT;
const SUPERVISOR = 'yudu-lyj.supervisor';
const APPROVER = 'yudu-lyj.approver';
const PUSH = `id: uuid state level organ { id: code } decision decidedBy { id: code } dueOn missingYear reachedAt onTime overdue claimedBy
  receipts { event actor } case { id: uuid number } actions { name allowed refusal { code } }`;
const FINDING =
  'id: uuid kind state text organ { id: code } decidedBy { id: code } licenseNumber answer receipts { event note } case { id: uuid }';

describe('dual push, dual loop', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub();
  });
  afterAll(() => hub?.stop());

  const readSupervision = async (person: string, caseId: string) => {
    const { data, errors } = await hub.ask(
      person,
      `query($id: ID!) { case(id: $id) { pushes { ${PUSH} } findings { ${FINDING} } } }`,
      { id: caseId },
    );
    if (errors) throw new Error(JSON.stringify(errors));
    return data.case;
  };

  test('from decision, push, finding and order to a suspended license: document and paper agree', async () => {
    const id = await grantCase(hub, route);
    const license = await issueGrantedLicense(hub, route, id, 1);
    const inbox = await hub.ask(SUPERVISOR, `{ approvalPushes(first: 100) { edges { node { ${PUSH} } } } }`);
    const push = inbox.data.approvalPushes.edges
      .map((edge: { node: object }) => edge.node)
      .find((item: { case: { id: string } }) => item.case.id === id);
    expect(push).toMatchObject({
      state: 'SENT',
      level: 'COUNTY',
      organ: { id: 'yudu-lyj' },
      decision: 'GRANTED',
      overdue: false,
      onTime: null,
    });

    const signAnswer = await runMutation(
      hub,
      SUPERVISOR,
      'signPush',
      'PushActInput',
      { push: push.id },
      `push { ${PUSH} }`,
    );
    expect(signAnswer.push).toMatchObject({ state: 'SIGNED', onTime: true });
    expect(signAnswer.push.receipts.map((item: { event: string }) => item.event)).toEqual([
      'OPENED',
      'SENT',
      'CLAIMED',
      'SIGNED',
    ]);

    await waitUntil('cases know the license', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { result } }', { id });
      return data.case.result === 'ISSUED';
    });
    const findingInput = { push: push.id, kind: 'SUSPENSION', text: '现场检查发现超范围采伐', requestKey: 'k1' };
    const findingAnswer = await runMutation(
      hub,
      SUPERVISOR,
      'recordFinding',
      'RecordFindingInput',
      findingInput,
      `finding { ${FINDING} }`,
    );
    expect(findingAnswer).toMatchObject({
      refusal: null,
      finding: { state: 'ORDERED', licenseNumber: license.number },
    });

    const order = await waitUntil('the order has arrived', async () => {
      const { data } = await hub.ask(
        APPROVER,
        '{ supervisionOrders(first: 10, filter: { state: OPEN }) { edges { node { id: uuid act reason number license { identifier } supervisor { id: code } } } } }',
      );
      return data.supervisionOrders.edges[0]?.node;
    });
    expect(order).toMatchObject({
      id: findingAnswer.finding.id,
      act: 'SUSPEND',
      reason: findingInput.text,
      number: license.number,
      license: { identifier: license.identifier },
      supervisor: { id: 'yudu-lyj' },
    });
    const suspension = await actForOrgan(
      hub,
      'yudu-lyj',
      'suspend',
      { identifier: license.identifier, order: order.id },
      'license { state paper { validity } orders { state } acts { act reason order } }',
    );
    expect(suspension.license).toMatchObject({
      state: 'SUSPENDED',
      paper: { validity: 'SUSPENDED' },
      orders: [{ state: 'CARRIED_OUT' }],
    });
    expect(suspension.license.acts.at(-1)).toEqual({ act: 'SUSPEND', reason: findingInput.text, order: order.id });
    const answeredFinding = await waitUntil('the finding is answered', async () => {
      const { findings } = await readSupervision(SUPERVISOR, id);
      return findings[0].state === 'CARRIED_OUT' && findings[0];
    });
    expect(answeredFinding.receipts.map((item: { event: string }) => item.event)).toEqual(['RECORDED', 'CARRIED_OUT']);
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
    expect(await findRefusalCode(hub, SUPERVISOR, 'signPush', 'PushActInput', { push: 'x' })).toBe('PUSH_UNKNOWN');
  });
});
