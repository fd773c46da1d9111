import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findInconsistencies } from '../support/consistency.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES, toBlankNumber, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { decideAct, findRefusalOfAct, prepareAct } from '../support/own-act.ts';
import { type GraphqlNode, listFindings, recordFinding, waitForLicense, waitForOrder } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';

const route = ROUTES.DIRECT;
const SUPERVISOR = 'yudu-lyj.supervisor';
const APPROVER = 'yudu-lyj.approver';
const REVIEWER = 'yudu-lyj.reviewer';
const SEAL = { seal: 'yudu-lyj-license-seal', reason: '印章核查' };

/** Every supervisor's order is carried out, declined or overtaken. An open order blocks other acts. */
describe("a supervisor's order", () => {
  let hub: TestHub;
  let serial = 0;
  beforeAll(async () => {
    hub = await createTestHub();
  });
  afterAll(() => hub?.stop());

  /** Issues a license. Returns its identifier and number, and the id of its case. */
  const issueLicense = async () => {
    const caseId = await grantCase(hub, route);
    const license = await issueGrantedLicense(hub, route, caseId, ++serial);
    await waitForLicense(hub, caseId);
    return { caseId, identifier: license.identifier as string, number: license.number as string };
  };
  const recordOrder = async (caseId: string, kind: string) => {
    const finding = await recordFinding(hub, SUPERVISOR, { case: caseId, kind, text: `${kind}：检查发现问题` });
    return (await waitForOrder(hub, finding.id)).id as string;
  };
  const requestOwnAct = (action: string, input: object, organ = 'yudu-lyj') =>
    findRefusalOfAct(hub, organ, action, input);
  const decline = (input: object, person = APPROVER) =>
    findRefusalCode(hub, person, 'declineOrder', 'DeclineOrderInput', { reason: '已当场改正', ...input });
  const awaitOrder = async (id: string): Promise<GraphqlNode> => waitForOrder(hub, id);
  const awaitAnswer = (caseId: string, id: string) =>
    waitUntil('the finding is answered', async () => {
      const finding = (await listFindings(hub, caseId))?.find((candidate) => candidate.id === id);
      return finding.state !== 'ORDERED' && finding;
    });
  const actionsOf = async (person: string, identifier: string): Promise<Record<string, string | null>> => {
    const query = 'query($id: ID!) { license(identifier: $id) { actions { name allowed refusal { code } } } }';
    const { data } = await hub.ask(person, query, { id: identifier });
    return Object.fromEntries(
      data.license.actions.map((action: GraphqlNode) => [action.name, action.allowed ? null : action.refusal.code]),
    );
  };
  const dutiesOf = async (schema: 'cases' | 'licenses', identifier: string): Promise<string[]> => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    const rows =
      await sql`select kind, closed_at is null as open from ${sql(schema)}.duty where identifier = ${identifier}`;
    await sql.end();
    return rows.map((row) => `${row.kind} ${row.open ? 'open' : 'closed'}`).sort();
  };
  const awaitDuties = (identifier: string, duties: string[]) =>
    waitUntil(`cases know the duties ${duties.join(', ')}`, async () => {
      const currentDuties = await dutiesOf('cases', identifier);
      return JSON.stringify(currentDuties) === JSON.stringify(duties);
    });

  test('is declined with a reason, by two persons of the issuing organ, once', async () => {
    const { caseId, identifier } = await issueLicense();
    const id = await recordOrder(caseId, 'SUSPENSION');
    await awaitDuties(identifier, ['ORDER_OPEN open']);
    expect(await actionsOf(APPROVER, identifier)).toMatchObject({ declineOrder: null });
    for (const person of [REVIEWER, SUPERVISOR])
      expect(await actionsOf(person, identifier)).toMatchObject({ suspendLicense: null });
    expect(await decline({ order: id }, 'yudu-lyj.clerk')).toBe('ROLE_NOT_ALLOWED');
    expect(await decline({ order: id }, 'yudu-sfj.approver')).toBe('ORGAN_WITHOUT_POWER');
    expect(await decline({ order: 'x' })).toBe('ORDER_UNKNOWN');
    expect(await decline({ order: id, reason: ' ' })).toBe('REASON_MISSING');
    expect(await decline({ order: id, dryRun: true })).toBeNull();
    expect(await awaitOrder(id)).toMatchObject({ state: 'OPEN' });
    expect(await decline({ order: id }, REVIEWER)).toBeNull();
    expect(await decline({ order: id }, REVIEWER)).toBe('SECOND_PERSON_NEEDED');
    expect(await awaitOrder(id)).toMatchObject({ state: 'OPEN' });
    const outcomes = await Promise.all([decline({ order: id }), decline({ order: id })]);
    expect(outcomes.sort()).toEqual(['ORDER_ANSWERED', null].sort());
    expect(await requestOwnAct('suspend', { identifier, order: id })).toBe('ORDER_ANSWERED');
    expect(await awaitAnswer(caseId, id)).toMatchObject({ state: 'DECLINED', answer: '已当场改正' });
    await awaitDuties(identifier, ['ORDER_OPEN closed']);
    expect(await actionsOf(APPROVER, identifier)).toMatchObject({ declineOrder: 'ORDER_UNKNOWN' });
  });

  test('is carried out only by the ordered act on the ordered license', async () => {
    const [orderedLicense, otherLicense] = [await issueLicense(), await issueLicense()];
    const id = await recordOrder(orderedLicense.caseId, 'SUSPENSION');
    expect(await requestOwnAct('suspend', { identifier: otherLicense.identifier, order: id })).toBe('ORDER_UNKNOWN');
    expect(await requestOwnAct('suspend', { identifier: otherLicense.identifier, order: 'x' })).toBe('ORDER_UNKNOWN');
    for (const name of ['revoke', 'rescind', 'withdraw']) {
      expect(await requestOwnAct(name, { identifier: orderedLicense.identifier, order: id })).toBe(
        'LICENSE_ACT_NOT_ALLOWED',
      );
    }
    const input = { identifier: orderedLicense.identifier, order: id };
    const refusalOfPreparation = async (person: string) =>
      (await prepareAct(hub, person, 'suspend', input)).refusal?.code ?? null;
    expect(await refusalOfPreparation(APPROVER)).toBe('ROLE_NOT_ALLOWED');
    expect(await refusalOfPreparation('yudu-sfj.supervisor')).toBe('ROLE_NOT_ALLOWED');
    const outcomes = await Promise.all([
      requestOwnAct('suspend', { identifier: orderedLicense.identifier, order: id }),
      requestOwnAct('suspend', { identifier: orderedLicense.identifier, order: id }),
    ]);
    expect(outcomes).toContain(null);
    for (const refusal of outcomes) {
      expect([null, 'LICENSE_BUSY', 'LICENSE_ACT_NOT_ALLOWED', 'LICENSE_CHANGED', 'ORDER_ANSWERED']).toContain(refusal);
    }
    expect(await awaitOrder(id)).toMatchObject({ state: 'CARRIED_OUT' });
    // The sealed statement contains the id of the order and the supervisor's reason.
    const sql = postgres(hub.adminUrl, { max: 1 });
    const [statement] = await sql`select record from licenses.act where order_id = ${id} and state = 'DONE'`;
    await sql.end();
    expect(statement?.record).toMatchObject({ CZ: 'SUSPEND', SM: 'SUSPENSION：检查发现问题', KZ_JGZL: id });
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('keeps paper and document in the same state when orders suspend, restore and revoke a license', async () => {
    const { caseId, identifier } = await issueLicense();
    const steps = [
      ['SUSPENSION', 'suspend', 'SUSPENDED'],
      ['LIFTED', 'restore', 'VALID'],
      ['REVOCATION', 'revoke', 'REVOKED'],
    ] as const;
    for (const [kind, name, state] of steps) {
      const id = await recordOrder(caseId, kind);
      const input = { identifier, order: id };
      // The supervisor who ordered it prepares it, or a reviewer of the issuing organ.
      const preparer = name === 'revoke' ? SUPERVISOR : REVIEWER;
      const { proposal } = await prepareAct(hub, preparer, name, input);
      const outcome = await decideAct(hub, APPROVER, proposal.id, 'license { state paper { validity } }');
      expect(outcome.license).toEqual({ state, paper: { validity: state } });
      expect(await awaitAnswer(caseId, id)).toMatchObject({ state: 'CARRIED_OUT' });
      await waitUntil('cases know the state', async () => {
        const retry = await findRefusalCode(hub, SUPERVISOR, 'recordFinding', 'RecordFindingInput', {
          case: caseId,
          kind,
          text: '再次',
          dryRun: true,
        });
        return retry === 'LICENSE_ACT_NOT_ALLOWED';
      });
    }
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('is overtaken if the license reaches the ordered state, or ends, by another act', async () => {
    const orderedLicense = await issueLicense();
    const suspensionOrder = await recordOrder(orderedLicense.caseId, 'SUSPENSION');
    const revocationOrder = await recordOrder(orderedLicense.caseId, 'REVOCATION');
    expect(await requestOwnAct('suspend', { identifier: orderedLicense.identifier })).toBeNull();
    expect(await awaitAnswer(orderedLicense.caseId, suspensionOrder)).toMatchObject({
      state: 'OVERTAKEN',
      answer: '证照已处于“暂扣”状态',
    });
    expect(await awaitOrder(revocationOrder)).toMatchObject({ state: 'OPEN' });
    // An open order blocks all other acts, even a restoration that nobody ordered.
    expect(await requestOwnAct('restore', { identifier: orderedLicense.identifier })).toBe('ORDER_OPEN');
    expect(await actionsOf(REVIEWER, orderedLicense.identifier)).toMatchObject({
      restoreLicense: 'ORDER_OPEN',
      revokeLicense: null,
    });
    expect(await requestOwnAct('cancel', { identifier: orderedLicense.identifier })).toBeNull();
    expect(await awaitAnswer(orderedLicense.caseId, revocationOrder)).toMatchObject({
      state: 'OVERTAKEN',
      answer: '证照已处于“注销”状态',
    });
    expect(
      await findRefusalCode(hub, SUPERVISOR, 'recordFinding', 'RecordFindingInput', {
        case: orderedLicense.caseId,
        kind: 'NOTICE',
        text: '知悉',
      }),
    ).toBeNull();
    await awaitDuties(orderedLicense.identifier, [
      ...['ACT_PROPOSED closed', 'ACT_PROPOSED closed', 'ORDER_OPEN closed', 'ORDER_OPEN closed'],
    ]);
  });

  test('is taken back if the supervisor lifts it before anybody carried it out', async () => {
    const { caseId, identifier } = await issueLicense();
    const suspensionOrder = await recordOrder(caseId, 'SUSPENSION');
    const liftOrder = await recordOrder(caseId, 'LIFTED');
    // Both orders arrived in one stream, in the order in which the supervisor recorded them.
    const sql = postgres(hub.adminUrl, { max: 1 });
    const streams = await sql`select stream, payload->>'orderId' as id from cases.outbox_event
      where type = 'SupervisionOrdered' and payload->>'orderId' in ${sql([suspensionOrder, liftOrder])} order by revision`;
    await sql.end();
    expect(streams.map((row) => row.id)).toEqual([suspensionOrder, liftOrder]);
    expect(new Set(streams.map((row) => row.stream)).size).toBe(1);
    expect(await awaitAnswer(caseId, suspensionOrder)).toMatchObject({ state: 'OVERTAKEN', answer: '监管部门已撤回' });
    expect(await awaitAnswer(caseId, liftOrder)).toMatchObject({ state: 'OVERTAKEN', answer: '证照已处于“有效”状态' });
    expect(await requestOwnAct('suspend', { identifier, order: suspensionOrder })).toBe('ORDER_ANSWERED');
  });

  test('stays open and cannot be declined while its act waits for the seal; a lifting waits behind it', async () => {
    const { caseId, identifier } = await issueLicense();
    const id = await recordOrder(caseId, 'SUSPENSION');
    // Suspends the seal in seals only. Licenses find out when they ask for the signature, after all other checks.
    const sql = postgres(hub.adminUrl, { max: 1 });
    await sql`update seals.seal set state = 'SUSPENDED' where id = ${SEAL.seal}`;
    expect(await requestOwnAct('suspend', { identifier, order: id })).toBe('SEAL_SUSPENDED');
    await awaitDuties(identifier, ['ACT_PROPOSED closed', 'ORDER_OPEN open', 'SEAL_WAITING open']);
    expect(await decline({ order: id })).toBe('LICENSE_BUSY');
    expect(await actionsOf(REVIEWER, identifier)).toMatchObject({
      suspendLicense: 'LICENSE_BUSY',
      revokeLicense: 'LICENSE_BUSY',
    });
    // The row of the act refuses it, as `actions` says, before anything else of the request is looked at.
    expect(await requestOwnAct('revoke', { identifier, reason: ' ' })).toBe('LICENSE_BUSY');
    const liftOrder = await recordOrder(caseId, 'LIFTED');
    expect(await awaitOrder(id)).toMatchObject({ state: 'OPEN' });
    expect(await awaitOrder(liftOrder)).toMatchObject({ state: 'OPEN' });
    await sql`update seals.seal set state = 'IN_USE' where id = ${SEAL.seal}`;
    await sql.end();
    // The resumer finishes only what the approver authorised.
    expect(await awaitAnswer(caseId, id)).toMatchObject({ state: 'CARRIED_OUT' });
    await awaitDuties(identifier, [
      ...['ACT_PROPOSED closed', 'ORDER_OPEN closed', 'ORDER_OPEN open', 'SEAL_WAITING closed'],
    ]);
    expect(await requestOwnAct('restore', { identifier, order: liftOrder })).toBeNull();
    expect(await awaitAnswer(caseId, liftOrder)).toMatchObject({ state: 'CARRIED_OUT' });
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('blocks a change; a recall is an open duty until the sheet of the revoked version is back', async () => {
    const windowRoute = ROUTES.WINDOW_FORWARD;
    const matter = { issue: 'yd2022-3-01', change: 'yd2022-3-05' };
    const explorationRoute = {
      ...windowRoute,
      matter: matter.issue,
      decides: 'ganzhou-zrzyj.approver',
      blanks: 'KB0004',
    };
    const caseId = await grantCase(hub, explorationRoute);
    const license = await issueGrantedLicense(hub, explorationRoute, caseId, 1);
    const { identifier, number } = license;
    const sheet = { identifier, blankNumber: toBlankNumber(explorationRoute, 1) };
    expect(
      await findRefusalCode(hub, explorationRoute.prints, 'deliverCertificate', 'CertificateInput', sheet),
    ).toBeNull();
    await waitForLicense(hub, caseId);
    const changeCaseId = await grantCase(hub, explorationRoute, { matter: matter.change, licenseNumber: number });
    const revocationFinding = await recordFinding(hub, 'yudu-zrzyj.supervisor', {
      case: caseId,
      kind: 'REVOCATION',
      text: '越界勘查',
    });
    await waitForOrder(hub, revocationFinding.id);
    const change = { case: changeCaseId, ...toBlanks(explorationRoute, 2) };
    expect(await findRefusalCode(hub, explorationRoute.prints, 'changeLicense', 'CaseActInput', change)).toBe(
      'ORDER_OPEN',
    );
    expect(await actionsOf(explorationRoute.prints, identifier)).toMatchObject({
      changeLicense: 'ORDER_OPEN',
      renewLicense: 'ACT_NEEDS_CASE',
      transferLicense: 'ACT_NEEDS_CASE',
    });
    // The supervisor sees the license because there is an order on it. The holder never sees the order.
    const query = 'query($id: ID!) { license(identifier: $id) { orders { state } } }';
    expect((await hub.ask('yudu-zrzyj.supervisor', query, { id: identifier })).data.license.orders).toEqual([
      { state: 'OPEN' },
    ]);
    expect((await hub.ask('applicant-company', query, { id: identifier })).data.license.orders).toBeNull();
    expect(
      (
        await hub.ask('yudu-lyj.supervisor', '{ supervisionOrders(first: 50) { edges { node { number } } } }')
      ).data.supervisionOrders.edges.some((edge: GraphqlNode) => edge.node.number === number),
    ).toBe(false);

    // A supervisor of another organ prepares it, and only an approver of the issuing organ does it.
    const revocation = { identifier, order: revocationFinding.id };
    expect((await prepareAct(hub, 'yudu-lyj.supervisor', 'revoke', revocation)).refusal.code).toBe('ROLE_NOT_ALLOWED');
    const { proposal } = await prepareAct(hub, 'yudu-zrzyj.supervisor', 'revoke', revocation);
    await awaitDuties(identifier, ['ACT_PROPOSED open', 'ORDER_OPEN open']);
    expect((await decideAct(hub, 'yudu-zrzyj.approver', proposal.id)).refusal.code).toBe('NOT_YOUR_RECORD');
    expect((await decideAct(hub, 'ganzhou-zrzyj.approver', proposal.id)).refusal).toBeNull();
    // Original and duplicate.
    const recalls = ['RECALL_OPEN open', 'RECALL_OPEN open'];
    await awaitDuties(identifier, ['ACT_PROPOSED closed', 'ORDER_OPEN closed', ...recalls]);
    expect(await findRefusalCode(hub, explorationRoute.prints, 'changeLicense', 'CaseActInput', change)).toBe(
      'LICENSE_ACT_NOT_ALLOWED',
    );

    // The change can no longer be done. The organ that decided gives the grant up, and the case ends.
    const requestVoidTask = (person: string, input: object = {}) =>
      findRefusalCode(hub, person, 'voidTask', 'VoidTaskInput', { case: changeCaseId, reason: '证照已吊销', ...input });
    expect(await requestVoidTask('window-yudu')).toBe('ROLE_NOT_ALLOWED');
    expect(await requestVoidTask(APPROVER)).toBe('ORGAN_WITHOUT_POWER');
    expect(await requestVoidTask('ganzhou-zrzyj.approver', { reason: ' ' })).toBe('REASON_MISSING');
    expect(await requestVoidTask('ganzhou-zrzyj.approver', { case: crypto.randomUUID() })).toBe('CASE_NOT_GRANTED');
    expect(await requestVoidTask('ganzhou-zrzyj.approver', { case: caseId })).toBe('LICENSE_BUSY');
    expect(await requestVoidTask('ganzhou-zrzyj.approver', { dryRun: true })).toBeNull();
    const tasks = '{ certificateTasks(first: 100) { edges { node { case { id: uuid } actions { name allowed } } } } }';
    const listOpenTasks = async () =>
      (await hub.ask('ganzhou-zrzyj.approver', tasks)).data.certificateTasks.edges.map(
        (edge: GraphqlNode) => edge.node,
      );
    expect(await listOpenTasks()).toEqual([
      {
        case: { id: changeCaseId },
        actions: [
          { name: 'changeLicense', allowed: false },
          { name: 'voidTask', allowed: true },
        ],
      },
    ]);
    expect(await requestVoidTask('ganzhou-zrzyj.reviewer')).toBeNull();
    expect(await requestVoidTask('ganzhou-zrzyj.reviewer')).toBe('SECOND_PERSON_NEEDED');
    expect(await listOpenTasks()).toHaveLength(1);
    expect(await requestVoidTask('ganzhou-zrzyj.approver')).toBeNull();
    expect(await requestVoidTask('ganzhou-zrzyj.approver')).toBe('TASK_VOIDED');
    expect(await listOpenTasks()).toEqual([]);
    expect(await findRefusalCode(hub, explorationRoute.prints, 'changeLicense', 'CaseActInput', change)).toBe(
      'TASK_VOIDED',
    );
    const endedCase = await waitUntil('the case has ended', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { step result } }', {
        id: changeCaseId,
      });
      return data.case.result && data.case;
    });
    expect(endedCase).toEqual({ step: 'VOIDED', result: 'VOIDED' });

    const recall = (input: object) =>
      findRefusalCode(hub, explorationRoute.prints, 'recallCertificate', 'RecallCertificateInput', input);
    expect(await recall({ ...sheet, dryRun: true })).toBeNull();
    expect(await dutiesOf('licenses', identifier)).toContain('RECALL_OPEN open');
    const [duplicate] = toBlanks(explorationRoute, 1).duplicateBlanks;
    expect([await recall(sheet), await recall({ identifier, blankNumber: duplicate })]).toEqual([null, null]);
    const closed = ['RECALL_OPEN closed', 'RECALL_OPEN closed'];
    await awaitDuties(identifier, ['ACT_PROPOSED closed', 'ORDER_OPEN closed', ...closed]);
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });
});
