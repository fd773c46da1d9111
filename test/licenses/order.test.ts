import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { act, blankNumber, grantCase, issue, ROUTES, refusalOf } from '../support/flow.ts';
import { faultsOfHouse } from '../support/house.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { find, findingsOf, known, ordered, type Shown } from '../support/supervision.ts';
import { until } from '../support/until.ts';

const route = ROUTES.DIRECT;
const SUPERVISOR = 'yudu-lyj.supervisor';
const APPROVER = 'yudu-lyj.approver';
const SEAL = { seal: 'yudu-lyj-license-seal', reason: '印章核查' };

/** Every supervisor's order is carried out, declined or overtaken. An open order blocks other acts. */
describe("a supervisor's order", () => {
  let hub: TestHub;
  let serial = 0;
  beforeAll(async () => {
    hub = await testHub();
  });
  afterAll(() => hub?.stop());

  /** Issues a license. Returns its identifier and number, and the id of its case. */
  const licensed = async () => {
    const caseId = await grantCase(hub, route);
    const license = await issue(hub, route, caseId, ++serial);
    await known(hub, caseId);
    return { caseId, identifier: license.identifier as string, number: license.number as string };
  };
  const order = async (caseId: string, kind: string) => {
    const found = await find(hub, SUPERVISOR, { case: caseId, kind, text: `${kind}：检查发现问题` });
    return (await ordered(hub, found.id)).id as string;
  };
  const own = (name: string, input: object, person = APPROVER) =>
    refusalOf(hub, person, `${name}License`, 'OwnActInput', { reason: '检查', ...input });
  const decline = (input: object, person = APPROVER) =>
    refusalOf(hub, person, 'declineOrder', 'DeclineOrderInput', { reason: '已当场改正', ...input });
  const orderOf = async (id: string): Promise<Shown> => ordered(hub, id);
  const endOf = (caseId: string, id: string) =>
    until('the finding is answered', async () => {
      const finding = (await findingsOf(hub, caseId))?.find((one) => one.id === id);
      return finding.state !== 'ORDERED' && finding;
    });
  const actionsOf = async (person: string, identifier: string): Promise<Record<string, string | null>> => {
    const query = 'query($id: ID!) { license(identifier: $id) { actions { name allowed refusal { code } } } }';
    const { data } = await hub.ask(person, query, { id: identifier });
    return Object.fromEntries(
      data.license.actions.map((one: Shown) => [one.name, one.allowed ? null : one.refusal.code]),
    );
  };
  const dutiesOf = async (schema: 'cases' | 'licenses', identifier: string): Promise<string[]> => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    const rows =
      await sql`select kind, closed_at is null as open from ${sql(schema)}.duty where identifier = ${identifier}`;
    await sql.end();
    return rows.map((row) => `${row.kind} ${row.open ? 'open' : 'closed'}`).sort();
  };
  const told = (identifier: string, duties: string[]) =>
    until(`cases know the duties ${duties.join(', ')}`, async () => {
      const found = await dutiesOf('cases', identifier);
      return JSON.stringify(found) === JSON.stringify(duties);
    });

  test('is declined with a reason, by the approver of the issuing organ, once', async () => {
    const { caseId, identifier } = await licensed();
    const id = await order(caseId, 'SUSPENSION');
    await told(identifier, ['ORDER_OPEN open']);
    expect(await actionsOf(APPROVER, identifier)).toMatchObject({ declineOrder: null, suspendLicense: null });
    expect(await decline({ order: id }, 'yudu-lyj.clerk')).toBe('ROLE_NOT_ALLOWED');
    expect(await decline({ order: id }, 'yudu-sfj.approver')).toBe('ORGAN_WITHOUT_POWER');
    expect(await decline({ order: 'x' })).toBe('ORDER_UNKNOWN');
    expect(await decline({ order: id, reason: ' ' })).toBe('REASON_MISSING');
    expect(await decline({ order: id, dryRun: true })).toBeNull();
    expect(await orderOf(id)).toMatchObject({ state: 'OPEN' });
    const both = await Promise.all([decline({ order: id }), decline({ order: id })]);
    expect(both.sort()).toEqual(['ORDER_ANSWERED', null].sort());
    expect(await own('suspend', { identifier, order: id })).toBe('ORDER_ANSWERED');
    expect(await endOf(caseId, id)).toMatchObject({ state: 'DECLINED', answer: '已当场改正' });
    await told(identifier, ['ORDER_OPEN closed']);
    expect(await actionsOf(APPROVER, identifier)).toMatchObject({ declineOrder: 'ORDER_UNKNOWN' });
  });

  test('is carried out only by the ordered act on the ordered license', async () => {
    const [one, two] = [await licensed(), await licensed()];
    const id = await order(one.caseId, 'SUSPENSION');
    expect(await own('suspend', { identifier: two.identifier, order: id })).toBe('ORDER_UNKNOWN');
    expect(await own('suspend', { identifier: two.identifier, order: 'x' })).toBe('ORDER_UNKNOWN');
    for (const name of ['revoke', 'rescind', 'withdraw']) {
      expect(await own(name, { identifier: one.identifier, order: id })).toBe('LICENSE_ACT_NOT_ALLOWED');
    }
    expect(await own('suspend', { identifier: one.identifier, order: id }, SUPERVISOR)).toBe('ROLE_NOT_ALLOWED');
    const both = await Promise.all([
      own('suspend', { identifier: one.identifier, order: id }),
      own('suspend', { identifier: one.identifier, order: id }),
    ]);
    expect(both).toContain(null);
    for (const refusal of both) {
      expect([null, 'LICENSE_BUSY', 'LICENSE_ACT_NOT_ALLOWED', 'ORDER_ANSWERED']).toContain(refusal);
    }
    expect(await orderOf(id)).toMatchObject({ state: 'CARRIED_OUT' });
    // The sealed statement contains the id of the order and the supervisor's reason.
    const sql = postgres(hub.adminUrl, { max: 1 });
    const [statement] = await sql`select record from licenses.act where order_id = ${id} and state = 'DONE'`;
    await sql.end();
    expect(statement?.record).toMatchObject({ CZ: 'SUSPEND', SM: 'SUSPENSION：检查发现问题', KZ_JGZL: id });
    expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);
  });

  test('keeps paper and document in the same state when orders suspend, restore and revoke a license', async () => {
    const { caseId, identifier } = await licensed();
    const steps = [
      ['SUSPENSION', 'suspend', 'SUSPENDED'],
      ['LIFTED', 'restore', 'VALID'],
      ['REVOCATION', 'revoke', 'REVOKED'],
    ] as const;
    for (const [kind, name, state] of steps) {
      const id = await order(caseId, kind);
      const input = { identifier, order: id };
      const done = await act(
        hub,
        APPROVER,
        `${name}License`,
        'OwnActInput',
        input,
        'license { state paper { validity } }',
      );
      expect(done.license).toEqual({ state, paper: { validity: state } });
      expect(await endOf(caseId, id)).toMatchObject({ state: 'CARRIED_OUT' });
      await until('cases know the state', async () => {
        const retry = await refusalOf(hub, SUPERVISOR, 'recordFinding', 'RecordFindingInput', {
          case: caseId,
          kind,
          text: '再次',
          dryRun: true,
        });
        return retry === 'LICENSE_ACT_NOT_ALLOWED';
      });
    }
    expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);
  });

  test('is overtaken if the license reaches the ordered state, or ends, by another act', async () => {
    const one = await licensed();
    const suspension = await order(one.caseId, 'SUSPENSION');
    const revocation = await order(one.caseId, 'REVOCATION');
    expect(await own('suspend', { identifier: one.identifier })).toBeNull();
    expect(await endOf(one.caseId, suspension)).toMatchObject({ state: 'OVERTAKEN', answer: '证照已处于“暂扣”状态' });
    expect(await orderOf(revocation)).toMatchObject({ state: 'OPEN' });
    // An open order blocks all other acts, even a restoration that nobody ordered.
    expect(await own('restore', { identifier: one.identifier })).toBe('ORDER_OPEN');
    expect(await actionsOf(APPROVER, one.identifier)).toMatchObject({
      restoreLicense: 'ORDER_OPEN',
      revokeLicense: null,
    });
    expect(
      await refusalOf(hub, APPROVER, 'cancelLicense', 'CancelLicenseInput', {
        identifier: one.identifier,
        reason: '依法注销',
      }),
    ).toBeNull();
    expect(await endOf(one.caseId, revocation)).toMatchObject({ state: 'OVERTAKEN', answer: '证照已处于“注销”状态' });
    expect(
      await refusalOf(hub, SUPERVISOR, 'recordFinding', 'RecordFindingInput', {
        case: one.caseId,
        kind: 'NOTICE',
        text: '知悉',
      }),
    ).toBeNull();
    await told(one.identifier, ['ORDER_OPEN closed', 'ORDER_OPEN closed']);
  });

  test('is taken back if the supervisor lifts it before anybody carried it out', async () => {
    const { caseId, identifier } = await licensed();
    const suspension = await order(caseId, 'SUSPENSION');
    const lifted = await order(caseId, 'LIFTED');
    // Both orders arrived in one stream, in the order in which the supervisor recorded them.
    const sql = postgres(hub.adminUrl, { max: 1 });
    const streams = await sql`select stream, payload->>'orderId' as id from cases.outbox_event
      where type = 'SupervisionOrdered' and payload->>'orderId' in ${sql([suspension, lifted])} order by revision`;
    await sql.end();
    expect(streams.map((row) => row.id)).toEqual([suspension, lifted]);
    expect(new Set(streams.map((row) => row.stream)).size).toBe(1);
    expect(await endOf(caseId, suspension)).toMatchObject({ state: 'OVERTAKEN', answer: '监管部门已撤回' });
    expect(await endOf(caseId, lifted)).toMatchObject({ state: 'OVERTAKEN', answer: '证照已处于“有效”状态' });
    expect(await own('suspend', { identifier, order: suspension })).toBe('ORDER_ANSWERED');
  });

  test('stays open and cannot be declined while its act waits for the seal; a lifting waits behind it', async () => {
    const { caseId, identifier } = await licensed();
    const id = await order(caseId, 'SUSPENSION');
    // Suspends the seal in seals only. Licenses find out when they ask for the signature, after all other checks.
    const sql = postgres(hub.adminUrl, { max: 1 });
    await sql`update seals.seal set state = 'SUSPENDED' where id = ${SEAL.seal}`;
    expect(await own('suspend', { identifier, order: id })).toBe('SEAL_SUSPENDED');
    await told(identifier, ['ORDER_OPEN open', 'SEAL_WAITING open']);
    expect(await decline({ order: id })).toBe('LICENSE_BUSY');
    expect(await actionsOf(APPROVER, identifier)).toMatchObject({
      suspendLicense: 'LICENSE_BUSY',
      revokeLicense: 'LICENSE_BUSY',
    });
    const lifted = await order(caseId, 'LIFTED');
    expect(await orderOf(id)).toMatchObject({ state: 'OPEN' });
    expect(await orderOf(lifted)).toMatchObject({ state: 'OPEN' });
    await sql`update seals.seal set state = 'IN_USE' where id = ${SEAL.seal}`;
    await sql.end();
    // The resumer finishes only what the approver authorised.
    expect(await endOf(caseId, id)).toMatchObject({ state: 'CARRIED_OUT' });
    await told(identifier, ['ORDER_OPEN closed', 'ORDER_OPEN open', 'SEAL_WAITING closed']);
    expect(await own('restore', { identifier, order: lifted })).toBeNull();
    expect(await endOf(caseId, lifted)).toMatchObject({ state: 'CARRIED_OUT' });
    expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);
  });

  test('blocks a change; a recall is an open duty until the sheet of the revoked version is back', async () => {
    const window = ROUTES.WINDOW_FORWARD;
    const matter = { issue: 'yd2022-3-01', change: 'yd2022-3-05' };
    const land = { ...window, matter: matter.issue, decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' };
    const caseId = await grantCase(hub, land);
    const license = await issue(hub, land, caseId, 1);
    const { identifier, number } = license;
    const sheet = { identifier, blankNumber: blankNumber(land, 1) };
    expect(await refusalOf(hub, land.prints, 'deliverCertificate', 'CertificateInput', sheet)).toBeNull();
    await known(hub, caseId);
    const changed = await grantCase(hub, land, { matter: matter.change, licenseNumber: number });
    const found = await find(hub, 'yudu-zrzyj.supervisor', { case: caseId, kind: 'REVOCATION', text: '越界勘查' });
    await ordered(hub, found.id);
    const change = { case: changed, blankNumber: blankNumber(land, 2) };
    expect(await refusalOf(hub, land.prints, 'changeLicense', 'CaseActInput', change)).toBe('ORDER_OPEN');
    expect(await actionsOf(land.prints, identifier)).toMatchObject({
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
      ).data.supervisionOrders.edges.some((edge: Shown) => edge.node.number === number),
    ).toBe(false);

    expect(await own('revoke', { identifier, order: found.id }, 'ganzhou-zrzyj.approver')).toBeNull();
    await told(identifier, ['ORDER_OPEN closed', 'RECALL_OPEN open']);
    expect(await refusalOf(hub, land.prints, 'changeLicense', 'CaseActInput', change)).toBe('LICENSE_ACT_NOT_ALLOWED');

    // The change can no longer be done. The organ that decided gives the grant up, and the case ends.
    const give = (person: string, input: object = {}) =>
      refusalOf(hub, person, 'voidTask', 'VoidTaskInput', { case: changed, reason: '证照已吊销', ...input });
    expect(await give('window-yudu')).toBe('ROLE_NOT_ALLOWED');
    expect(await give(APPROVER)).toBe('ORGAN_WITHOUT_POWER');
    expect(await give('ganzhou-zrzyj.approver', { reason: ' ' })).toBe('REASON_MISSING');
    expect(await give('ganzhou-zrzyj.approver', { case: crypto.randomUUID() })).toBe('CASE_NOT_GRANTED');
    expect(await give('ganzhou-zrzyj.approver', { case: caseId })).toBe('LICENSE_BUSY');
    expect(await give('ganzhou-zrzyj.approver', { dryRun: true })).toBeNull();
    const tasks = '{ certificateTasks(first: 100) { edges { node { case { id } actions { name allowed } } } } }';
    const open = async () =>
      (await hub.ask('ganzhou-zrzyj.approver', tasks)).data.certificateTasks.edges.map((edge: Shown) => edge.node);
    expect(await open()).toEqual([
      {
        case: { id: changed },
        actions: [
          { name: 'changeLicense', allowed: false },
          { name: 'voidTask', allowed: true },
        ],
      },
    ]);
    expect(await give('ganzhou-zrzyj.approver')).toBeNull();
    expect(await give('ganzhou-zrzyj.approver')).toBe('TASK_VOIDED');
    expect(await open()).toEqual([]);
    expect(await refusalOf(hub, land.prints, 'changeLicense', 'CaseActInput', change)).toBe('TASK_VOIDED');
    const ended = await until('the case has ended', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { step result } }', { id: changed });
      return data.case.result && data.case;
    });
    expect(ended).toEqual({ step: 'VOIDED', result: 'VOIDED' });

    expect(
      await refusalOf(hub, land.prints, 'recallCertificate', 'CertificateInput', { ...sheet, dryRun: true }),
    ).toBeNull();
    expect(await dutiesOf('licenses', identifier)).toContain('RECALL_OPEN open');
    expect(await refusalOf(hub, land.prints, 'recallCertificate', 'CertificateInput', sheet)).toBeNull();
    await told(identifier, ['ORDER_OPEN closed', 'RECALL_OPEN closed']);
    expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);
  });
});
