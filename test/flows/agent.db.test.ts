import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

/** Who acts for an applicant (代办人) and where papers go (送达地址), from the application to the delivery. */

const ROUTE = ROUTES.WINDOW_FORWARD;
const CLERK = ROUTE.accepts;
const [YESTERDAY, TODAY, TOMORROW] = ['2026-03-01', '2026-03-02', '2026-03-03'];
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const AGENT = {
  ...{ name: '赵代办', codeKind: 'PASSPORT', code: 'USA-E12345678', phone: '138 0000 1234' },
  ...{ authority: 'MANDATE', until: TOMORROW },
};
const CONTACT = { phone: '0797-6330000', address: '江西省赣州市于都县贡江镇示范路1号' };
const COMPLETE = {
  agent: { ...AGENT, phone: '13800001234', acts: [] },
  contact: { ...CONTACT, recipient: null },
};
const MASKED = {
  agent: { ...COMPLETE.agent, code: 'USA-*******78', phone: '138****1234' },
  contact: { recipient: null, phone: '**********00', address: '江西省赣州市于都县****' },
};
const PARTIES = `agent { name codeKind code phone authority until acts } contact { recipient phone address }`;

const clock = testClock(TODAY);
let hub: TestHub;
let sql: postgres.Sql;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

const apply = (name: string, more: object, person: string = CLERK) => {
  const input = { matter: ROUTE.matter, applicant: COMPANY, fields: linesFor(ROUTE.matter), ...more };
  return runMutation(
    ...([hub, person, name, 'ApplicationInput', input] as const),
    `case { id: uuid step } refusals { code path }`,
  );
};
const take = (name: string, type: string, input: object, person: string = CLERK) =>
  runMutation(hub, person, name, type, input, 'case { step } refusals { code path }');
const refusalsOf = async (answer: Promise<{ refusals: { code: string; path: string[] }[] }>) =>
  (await answer).refusals.map(({ code, path }) => `${code} ${path.slice(1).join('.')}`);

async function noticesOf(id: string, kind: string) {
  const rows = await sql`select id, content from cases.notice where case_id = ${id} and kind = ${kind}`;
  const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
  const [row] = rows;
  const file = await hub.hub.app.inject({ url: `/cases/notices/${row?.id}.pdf`, headers });
  return { content: row?.content, count: rows.length, status: file.statusCode };
}

describe('who may act for whom', () => {
  test.each([
    ['AGENT_NOT_AUTHORISED agent.until', { until: YESTERDAY }, COMPANY],
    ['', { until: TODAY }, COMPANY],
    ['', { until: null }, COMPANY],
    ['FIELD_MALFORMED agent.authority', { authority: 'GUARDIAN' }, COMPANY],
    ['', { authority: 'GUARDIAN' }, CITIZEN],
    ['FIELD_MALFORMED agent.authority', { authority: 'LEGAL_REPRESENTATIVE' }, CITIZEN],
    ['', { authority: 'LEGAL_REPRESENTATIVE' }, COMPANY],
    [
      'FIELD_MALFORMED agent.codeKind',
      { authority: 'LEGAL_REPRESENTATIVE', codeKind: 'FOREIGN_ORGANISATION', code: 'HKG/1234567' },
      COMPANY,
    ],
    ['HOLDER_CODE_INVALID agent.code', { code: 'E12345678' }, COMPANY],
    ['FIELD_MALFORMED agent.code', CITIZEN, CITIZEN],
    ['FIELD_MALFORMED agent.phone', { phone: '一三八' }, COMPANY],
    ['NAME_DOT_WRONG agent.name', { name: '阿不都.热合曼' }, COMPANY],
  ])('%s for %j', async (refusal, change, applicant) => {
    const input = { applicant, agent: { ...AGENT, ...change }, dryRun: true };
    for (const name of ['receiveApplication', 'acceptCase'])
      expect((await refusalsOf(apply(name, input))).join(), name).toBe(refusal);
  });

  test('an address for service has a telephone number and an address', async () => {
    expect(await refusalsOf(apply('acceptCase', { contact: { phone: '1', address: ' ' }, dryRun: true }))).toEqual([
      'FIELD_MALFORMED contact.phone',
      'FIELD_MALFORMED contact.address',
    ]);
  });
});

/** Asks as somebody who has signed in as the holder of a code. */
async function askAs(holderCode: string, query: string, variables: object) {
  const person = { ...requireDemoPerson('applicant-citizen'), id: `holder-${holderCode}`, holderCode };
  const headers = { authorization: `Bearer ${await tokenFor(person, clock())}` };
  return (await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query, variables } })).json();
}

describe('a case of an agent', () => {
  let id: string;
  beforeAll(async () => {
    const accepted = await apply('acceptCase', { agent: AGENT, contact: CONTACT });
    if (!accepted.case) throw new Error(JSON.stringify(accepted));
    id = accepted.case.id;
  });

  const QUERY = `query($id: ID!) { case(id: $id) { ${PARTIES} } }`;
  test.each([
    ['the clerk of the window', CLERK, MASKED],
    ['a reviewer of the deciding organ', 'ganzhou-xzspj.reviewer', MASKED],
    ['the auditor', 'auditor', MASKED],
    ['a clerk of another organ', 'yudu-lyj.clerk', null],
    ['another citizen', 'applicant-citizen', null],
  ])('shows %s what a code would show', async (_, person, shown) => {
    expect((await hub.ask(person, QUERY, { id })).data.case).toEqual(shown);
  });

  test('shows the applicant everything, and the agent nothing', async () => {
    expect((await askAs(COMPANY.code, QUERY, { id })).data.case).toEqual(COMPLETE);
    expect((await askAs(AGENT.code, QUERY, { id })).data.case).toBeNull();
  });

  test('discloses both for a purpose, recorded, and nothing in a rehearsal', async () => {
    const disclose = (dryRun: boolean) => {
      const input = { case: id, purpose: 'EXAMINATION', dryRun };
      return runMutation(hub, CLERK, 'discloseApplicant', 'DiscloseApplicantInput', input, PARTIES);
    };
    expect(await disclose(true)).toMatchObject(MASKED);
    expect(await disclose(false)).toMatchObject(COMPLETE);
    const [reading] = await sql`select object from cases.reading where subject = ${id}`;
    expect(reading).toMatchObject({ object: 'CODE' });
  });

  test('is named on the receipt, and receives the decision, with the address on the receipt of it', async () => {
    const agent = { name: AGENT.name, authority: '委托代理人' };
    const printed = (kind: string) =>
      waitUntil(`${kind} is sealed`, async () => {
        const notice = await noticesOf(id, kind);
        return notice.status === 200 && notice;
      });
    expect(await printed('ACCEPTANCE')).toMatchObject({ content: { agent } });
    await take(
      'examineCase',
      'ExamineCaseInput',
      { case: id, finding: 'REFUSED', opinion: '不符合条件' },
      ROUTE.examines,
    );
    await take('forwardCase', 'CaseNoteInput', { case: id }, ROUTE.forwards);
    const decision = { case: id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
    await take('decideCase', 'DecideCaseInput', decision, ROUTE.decides);
    const deliver = (delivery: object, dryRun = false) =>
      take('deliverDecision', 'DeliverDecisionInput', { case: id, delivery, dryRun });
    await waitUntil('the decision is sealed', async () => (await deliver({}, true)).refusal === null);

    clock.set('2026-03-04');
    for (const delivery of [{ receiver: 'AGENT' }, { recipient: AGENT.name }])
      expect(await refusalsOf(deliver(delivery))).toEqual(['AGENT_NOT_AUTHORISED delivery.receiver']);
    clock.set('2026-03-03');
    expect((await deliver({ receiver: 'AGENT' })).case).toEqual({ step: 'DELIVERED' });
    const query = 'query($id: ID!) { case(id: $id) { delivery { recipient toAgent method } } }';
    expect((await hub.ask('auditor', query, { id })).data.case.delivery).toEqual({
      ...{ recipient: AGENT.name, toAgent: true, method: 'IN_PERSON' },
    });
    const contact = { phone: MASKED.contact.phone, address: CONTACT.address };
    expect(await printed('DELIVERY')).toMatchObject({ content: { agent, contact }, count: 1 });
    clock.set(TODAY);
  });
});

describe('an authorisation that ends while the case waits', () => {
  test('keeps it from being accepted, and a supplement renews it, or removes the agent', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 2; i++)
      ids.push((await apply('receiveApplication', { agent: { ...AGENT, until: TODAY } })).case.id);
    const [renewed = '', removed = ''] = ids;
    for (const id of ids) await take('askSupplement', 'AskSupplementInput', { case: id, items: ['委托书'] });
    clock.set(TOMORROW);
    const supplement = (id: string, more: object) => take('supplementCase', 'SupplementInput', { case: id, ...more });
    expect(await refusalsOf(supplement(renewed, { note: '已补' }))).toEqual(['AGENT_NOT_AUTHORISED agent']);
    expect(await refusalsOf(supplement(renewed, { agent: { ...AGENT, until: TODAY } }))).toEqual([
      'AGENT_NOT_AUTHORISED agent.until',
    ]);
    expect(await refusalsOf(supplement(renewed, { agent: AGENT, removesAgent: true }))).toEqual([
      'FIELD_MALFORMED removesAgent',
    ]);
    expect((await supplement(renewed, { agent: AGENT, contact: CONTACT })).case).toEqual({ step: 'RECEIVED' });
    expect((await supplement(removed, { removesAgent: true })).case).toEqual({ step: 'RECEIVED' });
    const steps = await sql`select data from cases.case_step where step = 'SUPPLEMENTED' and case_id in ${sql(ids)}
      order by data->'agent' = 'null'`;
    const { name, authority, until } = AGENT;
    expect(steps.map(({ data }) => data)).toEqual([
      { agent: { name, authority, until, acts: [] }, changesContact: true },
      { agent: null },
    ]);
    clock.set('2026-03-04');
    const accept = (id: string) => take('acceptApplication', 'CaseInput', { case: id });
    expect(await refusalsOf(accept(renewed))).toEqual(['AGENT_NOT_AUTHORISED ']);
    const actions = 'query($id: ID!) { case(id: $id) { actions { name allowed refusal { code } } } }';
    const shown = (await hub.ask(CLERK, actions, { id: renewed })).data.case.actions;
    expect(shown).toContainEqual({
      ...{ name: 'acceptApplication', allowed: false, refusal: { code: 'AGENT_NOT_AUTHORISED' } },
    });
    expect((await accept(removed)).case).toEqual({ step: 'ACCEPTED' });
    clock.set(TODAY);
  });
});

test('the counter of licenses hands the paper to an agent whose authorisation covers it', async () => {
  const agent = { ...AGENT, acts: ['APPLY'] };
  const issue = async (more: object, serial: number) => {
    const granted = await grantCase(hub, ROUTE, more);
    const { identifier, paper } = await issueGrantedLicense(hub, ROUTE, granted, serial);
    const deliver = (delivery: object) => {
      const input = { identifier, blankNumber: paper.blankNumber, delivery };
      return runMutation(hub, ROUTE.prints, 'deliverCertificate', 'CertificateInput', input, 'refusals { code path }');
    };
    return { granted, deliver };
  };
  const uncovered = await issue({ agent }, 1);
  expect(await refusalsOf(uncovered.deliver({ receiver: 'AGENT' }))).toEqual([
    'AGENT_NOT_AUTHORISED delivery.receiver',
  ]);
  const covered = await issue({ agent: { ...agent, acts: ['APPLY', 'COLLECT'] }, contact: CONTACT }, 2);
  expect(await refusalsOf(covered.deliver({ receiver: 'AGENT' }))).toEqual([]);
  const content = await waitUntil('the receipt is written', async () => {
    const { content: written } = await noticesOf(covered.granted, 'DELIVERY');
    return written;
  });
  expect(content).toMatchObject({
    delivery: { recipient: AGENT.name, receiver: 'AGENT' },
    contact: { address: CONTACT.address },
  });
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});
