import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROPOSALS, type ProposalKind } from '../../subgraphs/cases/proposal/proposal.ts';
import { MAX_WAITING_PROPOSALS } from '../../subgraphs/kernel/proposal/proposal.ts';
import { testClock } from '../support/clock.ts';
import { findRefusalCode, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createPlatformKeys, PLATFORM_ORGAN } from '../support/platform.ts';
import { approverOf } from '../support/proposal.ts';

/** No act of administration takes effect by one person (提议、批准). */

const FIELDS = 'proposal { id: uuid kind state organ { code } content endedBy decision }';
const EFFECTS =
  'platform { id: uuid } webhook { id: uuid } calendar { year } agreement { number } secret movedCases people { subject }';
const EXCEPTION = {
  ...{ organ: 'yudu-jtysj', kind: 'EXAMINER_DECIDES', validFrom: '2026-03-02', validTo: '2026-04-01' },
  ...{ reason: '休假', approvingOrgan: 'ganzhou-jtysj' },
};
const DAYS = ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'];

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: testClock('2026-03-02') });
});
afterAll(() => hub?.stop());

const registrationInput = async () => ({
  ...{ organ: PLATFORM_ORGAN, name: '赣州市审批平台', url: 'http://127.0.0.1:9/' },
  publicKey: (await createPlatformKeys()).publicKey,
});
const propose = async (name: string, input: object, person = 'administrator') => {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  return runMutation(hub, person, name, type, input, `${FIELDS} ${EFFECTS}`);
};
const decide = (person: string, proposal: string, overrides: object = {}) => {
  const input = { proposal, approve: true, ...overrides };
  return runMutation(hub, person, 'decideProposal', 'DecideProposalInput', input, `${FIELDS} ${EFFECTS}`);
};
const listPlatforms = async () =>
  (await hub.ask('auditor', '{ platforms(first: 9) { edges { node { id: uuid name secretVersion } } } }')).data
    .platforms.edges;
const stateOf = async (id: string) => {
  const query = '{ proposals(first: 50) { edges { node { id: uuid state } } } }';
  const { edges } = (await hub.ask('auditor', query)).data.proposals;
  return edges.find(({ node }: { node: { id: string } }) => node.id === id)?.node.state;
};

/** Inputs that take effect if approved, one per kind, in an order that lets each find what it needs. */
async function buildInputs(): Promise<[ProposalKind, (platform: string, key: string) => object][]> {
  const registration = await registrationInput();
  const { publicKey } = await createPlatformKeys();
  const agreement = {
    ...{ number: '示范〔2026〕9号', cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj', matters: ['yd2022-2-44'] },
    ...{ validFrom: '2026-01-01', validTo: null, scanDigest: '0'.repeat(64) },
  };
  const webhook = { organ: 'yudu-slj', url: 'http://127.0.0.1:9/hook' };
  const reviewer = { subject: 'new-reviewer', name: '新审查人', organ: 'yudu-slj', roles: ['REVIEWER'] };
  return [
    ['RECORD_AGREEMENT', () => agreement],
    ['END_AGREEMENT', () => ({ number: agreement.number, on: '2026-05-01', reason: '重新签订' })],
    ['LOAD_CALENDAR', () => ({ year: 2027, source: '示范（测试）', holidays: DAYS, makeUpDays: [] })],
    ['REGISTER_PLATFORM', () => registration],
    ['CHANGE_PLATFORM', (platform) => ({ platform, renewSecret: true })],
    ['ADD_PLATFORM_KEY', (platform) => ({ platform, publicKey })],
    ['END_PLATFORM_KEY', (platform, key) => ({ platform, key })],
    ['REMOVE_PLATFORM', (platform) => ({ platform })],
    ['REGISTER_WEBHOOK', () => webhook],
    ['REMOVE_WEBHOOK', () => ({ organ: webhook.organ })],
    ['RECORD_EXCEPTION', () => EXCEPTION],
    ['CHANGE_PEOPLE', () => ({ changes: [{ action: 'ENTER', ...reviewer }] })],
  ];
}

/** All rows of what proposals change, as text. */
async function readRegister(): Promise<string> {
  const query = `{ platforms(first: 50) { edges { node { id: uuid name url secretVersion removedAt keys { id: kid validTo } } } }
    webhooks(first: 50) { edges { node { id: uuid organ { id: code } endedAt } } }
    agreements(first: 50) { edges { node { number validTo } } }
    calendars(first: 50) { edges { node { year version } } }
    dutyExceptions(first: 50) { edges { node { id: uuid } } }
    people(first: 9, filter: { subject: "new-reviewer" }) { edges { node { organ { id: code } inForce } } } }`;
  return JSON.stringify((await hub.ask('auditor', query)).data);
}

test('every kind takes effect by the second person only, and shows a secret to nobody else', async () => {
  const inputs = await buildInputs();
  expect(inputs.map(([kind]) => kind)).toEqual(Object.keys(PROPOSALS));
  let platform = '';
  let key = '';
  for (const [kind, buildInput] of inputs) {
    const before = await readRegister();
    const proposer = kind === 'RECORD_EXCEPTION' ? 'yudu-jtysj.approver' : 'administrator';
    const proposed = await propose(PROPOSALS[kind].mutation, buildInput(platform, key), proposer);
    expect(proposed).toMatchObject({ refusal: null, proposal: { kind, state: 'WAITING' } });
    const { id, organ } = proposed.proposal;
    const nothing = { platform: null, webhook: null, calendar: null, agreement: null, secret: null, movedCases: null };
    expect(proposed).toMatchObject(nothing);
    expect((await decide('administrator', id)).refusal.code).toMatch(/^(ROLE_NOT_ALLOWED|SECOND_PERSON_NEEDED)$/);
    expect((await decide('xingguo-lyj.approver', id)).refusal.code).toMatch(/^(ROLE_NOT_ALLOWED|NOT_YOUR_RECORD)$/);
    const approver = approverOf({ id, kind, organ });
    expect(await decide(approver, id, { dryRun: true })).toMatchObject({ refusal: null, secret: null });
    expect(await readRegister()).toBe(before);
    const approved = await decide(approver, id);
    expect(approved).toMatchObject({ refusal: null, proposal: { state: 'APPROVED' } });
    expect(await readRegister()).not.toBe(before);
    const makesSecret = ['REGISTER_PLATFORM', 'CHANGE_PLATFORM', 'REGISTER_WEBHOOK'].includes(kind);
    expect(approved.secret === null).toBe(!makesSecret);
    platform = approved.platform?.id ?? platform;
    if (kind === 'REGISTER_PLATFORM') {
      const { data } = await hub.ask('auditor', '{ platforms(first: 1) { edges { node { keys { id: kid } } } } }');
      key = data.platforms.edges[0].node.keys[0].id;
    }
    expect((await decide(approver, id)).refusal.code).toBe('PROPOSAL_DECIDED');
  }
});

describe('a proposal', () => {
  test('is refused at once for what it could not do, and a rehearsal shows what it would do', async () => {
    const input = await registrationInput();
    expect((await propose('registerPlatform', { ...input, organ: 'nobody' })).refusal.code).toBe('ORGAN_UNKNOWN');
    expect(await propose('registerPlatform', { ...input, dryRun: true })).toMatchObject({
      ...{ refusal: null, proposal: null, secret: null, platform: { id: expect.any(String) } },
    });
    expect((await propose('registerPlatform', input, 'ganzhou-xzspj.approver')).refusal.code).toBe('ROLE_NOT_ALLOWED');
  });

  test('is withdrawn by its author only, and then cannot be approved', async () => {
    const { proposal } = await propose('registerPlatform', await registrationInput());
    const withdraw = (person: string) =>
      findRefusalCode(hub, person, 'withdrawProposal', 'WithdrawProposalInput', { proposal: proposal.id });
    expect(await withdraw('administrator-deputy')).toBe('NOT_YOUR_RECORD');
    expect(await withdraw('administrator')).toBeNull();
    expect(await withdraw('administrator')).toBe('PROPOSAL_DECIDED');
    expect((await decide(`${PLATFORM_ORGAN}.approver`, proposal.id)).refusal.code).toBe('PROPOSAL_DECIDED');
    expect(await stateOf(proposal.id)).toBe('WITHDRAWN');
  });

  test('is rejected with a reason and changes nothing', async () => {
    const before = await listPlatforms();
    const { proposal } = await propose('registerPlatform', await registrationInput());
    const approver = `${PLATFORM_ORGAN}.approver`;
    expect((await decide(approver, proposal.id, { approve: false })).refusal.code).toBe('REASON_MISSING');
    expect(await decide(approver, proposal.id, { approve: false, reason: '公钥与函件不符' })).toMatchObject({
      proposal: { state: 'REJECTED', decision: '公钥与函件不符' },
    });
    expect(await listPlatforms()).toEqual(before);
  });

  test('is carried out once by two approvals at once', async () => {
    const { proposal } = await propose('registerPlatform', await registrationInput());
    const approvals = [1, 2, 3].map(() => decide(`${PLATFORM_ORGAN}.approver`, proposal.id));
    const codes = (await Promise.all(approvals)).map(({ refusal }) => refusal?.code ?? 'done');
    expect(codes.sort()).toEqual(['PROPOSAL_DECIDED', 'PROPOSAL_DECIDED', 'done']);
  });

  test('that no longer fits is refused when it is approved, and waits', async () => {
    const { proposal } = await propose('registerWebhook', { organ: 'yudu-slj', url: 'http://127.0.0.1:9/a' });
    await decide('yudu-slj.supervisor', proposal.id);
    const removal = await propose('removeWebhook', { organ: 'yudu-slj' });
    const second = await propose('removeWebhook', { organ: 'yudu-slj' });
    expect((await decide('yudu-slj.supervisor', removal.proposal.id)).refusal).toBeNull();
    expect((await decide('yudu-slj.supervisor', second.proposal.id)).refusal.code).toBe('WEBHOOK_UNKNOWN');
    expect(await stateOf(second.proposal.id)).toBe('WAITING');
  });

  test('waits with a bounded number of others of its author, and leaves other authors their own', async () => {
    const inputOf = (i: number) => ({ organ: 'yudu-slj', url: `http://127.0.0.1:9/${i}` });
    let code: string | undefined;
    for (let i = 0; i <= MAX_WAITING_PROPOSALS && code === undefined; i++) {
      code = (await propose('registerWebhook', inputOf(i))).refusal?.code;
    }
    expect(code).toBe('PROPOSALS_TOO_MANY');
    expect((await propose('registerWebhook', inputOf(0), 'administrator-deputy')).refusal).toBeNull();
  });

  test('is unknown by a made-up id, and its list is for administrators, auditors and its organ', async () => {
    expect((await decide('ganzhou-xzspj.approver', crypto.randomUUID())).refusal.code).toBe('PROPOSAL_UNKNOWN');
    expect((await decide('ganzhou-xzspj.approver', 'x')).refusal.code).toBe('PROPOSAL_UNKNOWN');
    const query = '{ proposals(first: 50) { edges { node { organ { id: code } } } } }';
    const { data } = await hub.ask('yudu-slj.supervisor', query);
    const organs = data.proposals.edges.map(({ node }: { node: { organ: { id: string } } }) => node.organ.id);
    expect([...new Set(organs)]).toEqual(['yudu-slj']);
    expect((await hub.ask('applicant-company', query)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});
