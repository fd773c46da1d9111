import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { retryWaitingPushes } from '../../subgraphs/cases/supervision/workflow.ts';
import { type Envelope, readEnvelope } from '../../subgraphs/kernel/events/events.ts';
import { testClock } from '../support/clock.ts';
import { findRefusalCode, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { administer } from '../support/proposal.ts';
import { decideCase, type GraphqlNode, listPushes, recordFinding } from '../support/supervision.ts';

const SUPERVISOR = 'yudu-lyj.supervisor';

/**
 * Tests the deadline of three working days: over a holiday, across midnight and in a year without a calendar.
 * Also tests organs that are named after the decision.
 */
describe('the dual push in time', () => {
  const clock = testClock('2022-09-29');
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const listInbox = async (filter: object): Promise<string[]> => {
    const query =
      'query($f: ApprovalPushFilter) { approvalPushes(filter: $f, first: 100) { edges { node { id: uuid } } } }';
    const { data } = await hub.ask(SUPERVISOR, query, { f: filter });
    return data.approvalPushes.edges.map((edge: GraphqlNode) => edge.node.id);
  };
  const listAttention = async (): Promise<GraphqlNode[]> => {
    const kinds = ['PUSH_OVERDUE', 'PUSH_WITHOUT_ORGAN', 'RECTIFICATION_OVERDUE'];
    const query = `query($f: AttentionFilter) { attention(filter: $f, first: 100) {
      edges { node { kind dueOn organs { id: code } case { id: uuid } pushId findingId } } } }`;
    const { data, errors } = await hub.ask('auditor', query, { f: { kinds } });
    if (errors) throw new Error(JSON.stringify(errors));
    return data.attention.edges.map((edge: GraphqlNode) => edge.node);
  };
  const toOrgans = (...ids: string[]) => ids.map((id) => ({ id }));
  const nameIndustryOrgans = async (matter: string, industry: { city?: string; county?: string }): Promise<void> => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    const [newestEvent] =
      await sql`select * from matters.outbox_event where stream = ${`matter:${matter}`} order by revision desc limit 1`;
    const [inboxRow] =
      await sql`select revision from cases.inbox where producer = 'matters' and stream = ${`matter:${matter}`}`;
    await sql.end();
    const event = readEnvelope({
      ...newestEvent,
      occurredAt: clock().toISOString(),
      revision: inboxRow?.revision + 1,
    }) as Extract<Envelope, { type: 'DelegationChanged' }>;
    for (const delegation of event.payload.delegations) Object.assign(delegation.industry, industry);
    await hub.hub.cases.receive('matters', event);
  };

  test('the third working day after 2022-09-29 is 2022-10-09; after it the push is overdue', async () => {
    const id = await decideCase(hub, ROUTES.DIRECT, 'GRANTED');
    const lateCaseId = await decideCase(hub, ROUTES.DIRECT, 'GRANTED');
    const [push] = (await listPushes(hub, id)) ?? [];
    const [latePush] = (await listPushes(hub, lateCaseId)) ?? [];
    expect(push).toMatchObject({ dueOn: '2022-10-09', missingYear: null, overdue: false, onTime: null });
    clock.set('2022-10-09T23:59:59+08:00');
    expect(await listInbox({ overdue: true })).toEqual([]);
    expect(await findRefusalCode(hub, SUPERVISOR, 'signPush', 'PushActInput', { push: push.id })).toBeNull();
    clock.set('2022-10-10T00:00:00+08:00');
    expect(await listInbox({ overdue: true })).toEqual([latePush.id]);
    expect(await listInbox({ overdue: false })).toEqual([push.id]);
    expect(await listAttention()).toMatchObject([
      { kind: 'PUSH_OVERDUE', pushId: latePush.id, case: { id: lateCaseId }, dueOn: '2022-10-09' },
    ]);
    expect(await findRefusalCode(hub, SUPERVISOR, 'signPush', 'PushActInput', { push: latePush.id })).toBeNull();
    expect((await listPushes(hub, id))?.[0]).toMatchObject({ onTime: true, overdue: false });
    expect((await listPushes(hub, lateCaseId))?.[0]).toMatchObject({ onTime: false, overdue: false });
    expect(await listAttention()).toEqual([]);
  });

  test('a push waits until its industry organ is named; the approver never replaces it', async () => {
    const id = await decideCase(hub, ROUTES.WINDOW_FORWARD, 'GRANTED');
    const pushes = (await listPushes(hub, id)) ?? [];
    expect(pushes.map((item) => [item.level, item.organ, item.state])).toEqual([
      ['COUNTY', null, 'WAITING_FOR_ORGAN'],
      ['CITY', null, 'WAITING_FOR_ORGAN'],
    ]);
    expect((await listAttention()).map((item) => [item.kind, item.organs])).toEqual([
      ['PUSH_WITHOUT_ORGAN', toOrgans('ganzhou-xzspj')],
      ['PUSH_WITHOUT_ORGAN', toOrgans('ganzhou-xzspj')],
    ]);
    await nameIndustryOrgans(ROUTES.WINDOW_FORWARD.matter, { county: 'yudu-sjj' });
    const [county, city] = (await listPushes(hub, id)) ?? [];
    expect(county).toMatchObject({ state: 'SENT', organ: { id: 'yudu-sjj' } });
    expect(city).toMatchObject({ state: 'WAITING_FOR_ORGAN' });
    // The organ can now see the case and record a finding.
    const finding = await recordFinding(hub, 'yudu-sjj.supervisor', {
      push: county.id,
      kind: 'RECTIFICATION',
      text: '补充台账',
      dueOn: '2022-10-20',
    });
    clock.set('2022-10-21');
    expect((await listAttention()).filter((item) => item.kind === 'RECTIFICATION_OVERDUE')).toMatchObject([
      { findingId: finding.id, organs: toOrgans('yudu-sjj', 'ganzhou-xzspj'), dueOn: '2022-10-20' },
    ]);
    // The push of a case that is decided after the naming goes directly to the organ.
    await nameIndustryOrgans(ROUTES.WINDOW_FORWARD.matter, { county: 'yudu-sjj', city: 'ganzhou-xzspj' });
    const nextCaseId = await decideCase(hub, ROUTES.WINDOW_FORWARD, 'GRANTED');
    expect((await listPushes(hub, nextCaseId))?.map((item) => item.organ.id)).toEqual(['yudu-sjj', 'ganzhou-xzspj']);
  });

  test('in a year without a calendar the last day is unknown; loading the calendar sets it', async () => {
    clock.set('2027-01-04');
    const id = await decideCase(hub, ROUTES.DIRECT, 'REJECTED');
    expect((await listPushes(hub, id))?.[0]).toMatchObject({
      dueOn: null,
      missingYear: 2027,
      onTime: null,
      overdue: false,
    });
    const statutoryHolidays = ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'];
    const notice = { year: 2027, source: '示范通知', holidays: [...statutoryHolidays, '2027-01-05'], makeUpDays: [] };
    const loadAnswer = await administer(hub, 'loadCalendar', 'LoadCalendarInput', notice, '__typename');
    expect(loadAnswer.refusal).toBeNull();
    const { db, close } = connect(hub.databaseUrls.cases, 'test');
    await retryWaitingPushes({ db, now: clock });
    await close();
    expect((await listPushes(hub, id))?.[0]).toMatchObject({ dueOn: '2027-01-08', missingYear: null });
  });
});
