import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANNOUNCED_KINDS, type AnnouncedKind } from '../../subgraphs/kernel/proposal/announcement.ts';
import { testClock } from '../support/clock.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { decideLedger, proposeLedger } from '../support/ledger.ts';
import { findRefusalOfAct } from '../support/own-act.ts';
import { decideApplication, submitApplication } from '../support/seal-applications.ts';
import { recordFinding, waitForLicense, waitForOrder } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';

/** What waits for a second person in other subgraphs is shown to whoever may decide it, and to nobody else. */

interface Item {
  id: string;
  kind: string;
  message: string;
  dueOn: string | null;
  proposalId: string | null;
  case: { id: string } | null;
  license: { identifier: string } | null;
}

const ORGAN = 'yudu-lyj';
const [REVIEWER, APPROVER, KEEPER] = [`${ORGAN}.reviewer`, `${ORGAN}.approver`, `${ORGAN}.keeper`];
const SEAL_APPROVER = `${ORGAN}.sealapprover`;
const OVERLAY = { matterId: 'yd2022-3-31', version: 1, divisionCode: '360731', validFrom: '2026-03-10' };

const clock = testClock('2026-03-02T01:00:00Z');
let hub: TestHub;
let sql: postgres.Sql;
let serial = 0;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

/** The field by which an item links to what its decider decides, and what is read of that. */
const LINKS: Partial<Record<AnnouncedKind, string>> = {
  IMPORT_PROPOSED: 'importProposal',
  REGISTRATION_PROPOSED: 'registration',
  SEAL_APPLICATION_WAITING: 'sealApplication',
  BLANK_TRANSFER_PROPOSED: 'blankTransfer',
};
const readLink = async (person: string, kind: AnnouncedKind) => {
  const link = 'uuid state actions(allowed: true) { name }';
  const query = `query($kind: AttentionKind!) { attention(first: 100, filter: { kinds: [$kind] }) { edges { node {
    importProposal { ${link} } registration { ${link} } sealApplication { ${link} } blankTransfer { ${link} } } } } }`;
  const { data, errors } = await hub.ask(person, query, { kind });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.attention.edges[0].node;
};

const succeed = async (person: string, name: string, type: string, input: object, fields: string) => {
  const payload = await runMutation(hub, person, name, type, input, fields);
  expect(payload.refusal).toBeNull();
  return payload;
};
const listItems = async (person: string, kind: AnnouncedKind): Promise<Item[]> => {
  const query = `query($kind: AttentionKind!) { attention(first: 100, filter: { kinds: [$kind] }) { edges { node {
    id kind message dueOn proposalId case { id: uuid } license { identifier } } } } }`;
  const { data, errors } = await hub.ask(person, query, { kind });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.attention.edges.map(({ node }: { node: Item }) => node);
};
const awaitItems = (person: string, kind: AnnouncedKind, count: number) =>
  waitUntil(`${person} sees ${count} of ${kind}`, async () => (await listItems(person, kind)).length === count);

const voidTask = (person: string, id: string) =>
  succeed(person, 'voidTask', 'VoidTaskInput', { case: id, reason: '申请人放弃' }, 'waitsForSecondPerson');
const receiveBlanks = (person: string, prefix: string) =>
  succeed(person, 'receiveBlanks', 'ReceiveBlanksInput', { prefix, from: 1, to: 3 }, 'waitsForSecondPerson');
const writeOff = (person: string, prefix: string) =>
  succeed(
    ...([person, 'writeOffBlanks', 'WriteOffBlanksInput'] as const),
    ...([{ prefix, from: 2, to: 3, reason: 'DAMAGED', remark: '受潮' }, 'waitsForSecondPerson'] as const),
  );
const decline = (person: string, order: string) =>
  succeed(person, 'declineOrder', 'DeclineOrderInput', { order, reason: '已当场改正' }, 'waitsForSecondPerson');
const issueLicense = async () => {
  const caseId = await grantCase(hub, ROUTES.DIRECT);
  const license = await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, ++serial);
  await waitForLicense(hub, caseId);
  return { caseId, identifier: license.identifier as string };
};
const orderSuspension = async () => {
  const license = await issueLicense();
  const finding = { case: license.caseId, kind: 'SUSPENSION', text: '检查发现问题' };
  const { id } = await recordFinding(hub, `${ORGAN}.supervisor`, finding);
  return { ...license, order: (await waitForOrder(hub, id)).id as string };
};
const proposeOverlay = () => {
  const input = { format: 'JSON', text: JSON.stringify({ ...OVERLAY, promisedDays: ++serial }) };
  return succeed('administrator', 'importGuideOverlay', 'ImportGuideInput', input, 'proposal { id: uuid }');
};

interface PeerCase {
  /** The first person asks. Returns the second person's decision, and what makes every decision impossible. */
  propose: () => Promise<{ item: Partial<Item>; decide: () => Promise<unknown>; end: () => Promise<unknown> }>;
  decider: string;
  others: string[];
  message: string;
}
/** One case of each kind. A new kind does not compile without its own. */
const CASES: Record<AnnouncedKind, PeerCase> = {
  TASK_VOID_PROPOSED: {
    async propose() {
      const id = await grantCase(hub, ROUTES.DIRECT);
      await voidTask(REVIEWER, id);
      const issue = () => issueGrantedLicense(hub, ROUTES.DIRECT, id, ++serial);
      return { item: { case: { id }, dueOn: '2026-03-09' }, decide: () => voidTask(APPROVER, id), end: issue };
    },
    decider: APPROVER,
    others: [REVIEWER, KEEPER, 'yudu-sfj.approver', 'auditor', 'administrator'],
    message: '作废制证任务',
  },
  ORDER_DECLINE_PROPOSED: {
    async propose() {
      const { identifier, order } = await orderSuspension();
      await decline(REVIEWER, order);
      const suspend = async () =>
        expect(await findRefusalOfAct(hub, ORGAN, 'suspend', { identifier, order })).toBeNull();
      return { item: { license: { identifier } }, decide: () => decline(APPROVER, order), end: suspend };
    },
    decider: APPROVER,
    others: [REVIEWER, KEEPER, 'yudu-sfj.approver', 'auditor', 'administrator'],
    message: '不采取监管部门要求的措施',
  },
  BLANKS_PROPOSED: {
    async propose() {
      const prefix = `AB${++serial}`;
      await receiveBlanks(KEEPER, prefix);
      const lapse = async () => clock.advance(7 * 86_400_000);
      return { item: { dueOn: '2026-03-09' }, decide: () => receiveBlanks(SEAL_APPROVER, prefix), end: lapse };
    },
    decider: SEAL_APPROVER,
    others: [KEEPER, APPROVER, 'yudu-sfj.sealapprover', 'auditor', 'administrator'],
    message: '00000003 号',
  },
  BLANK_WRITE_OFF_PROPOSED: {
    async propose() {
      const prefix = `AC${++serial}`;
      for (const person of [KEEPER, SEAL_APPROVER]) await receiveBlanks(person, prefix);
      await writeOff(SEAL_APPROVER, prefix);
      const lapse = async () => clock.advance(7 * 86_400_000);
      return { item: { dueOn: '2026-03-09' }, decide: () => writeOff(KEEPER, prefix), end: lapse };
    },
    decider: KEEPER,
    others: [SEAL_APPROVER, APPROVER, 'yudu-sfj.keeper', 'auditor', 'administrator'],
    message: '00000003 号，损毁',
  },
  BLANK_TRANSFER_PROPOSED: {
    async propose() {
      const prefix = `AD${++serial}`;
      for (const person of ['yudu-sfj.keeper', 'yudu-sfj.sealapprover']) await receiveBlanks(person, prefix);
      const range = { organ: ORGAN, prefix, from: 1, to: 3, remark: '调剂' };
      const { transfer } = await succeed(
        ...(['yudu-sfj.keeper', 'transferBlanks', 'TransferBlanksInput', range, 'transfer { id: uuid }'] as const),
      );
      const proposal = transfer.id;
      const type = 'DecideBlankTransferInput';
      const decide = () =>
        succeed(KEEPER, 'decideBlankTransfer', type, { proposal, approve: true }, 'transfer { state }');
      const withdraw = () =>
        succeed(
          ...(['yudu-sfj.keeper', 'withdrawBlankTransfer', 'WithdrawBlankTransferInput', { proposal }] as const),
          'transfer { state }',
        );
      return { item: { proposalId: proposal, dueOn: null }, decide, end: withdraw };
    },
    decider: KEEPER,
    others: ['yudu-sfj.keeper', 'yudu-sfj.sealapprover', APPROVER, 'auditor', 'administrator'],
    message: '00000003 号',
  },
  IMPORT_PROPOSED: {
    async propose() {
      const { proposal } = await proposeOverlay();
      const input = { proposal: proposal.id };
      const decide = () =>
        succeed(
          'yudu-xzspj.approver',
          'decideImport',
          'DecideImportInput',
          { ...input, approve: true },
          'guide { version }',
        );
      const withdraw = () =>
        succeed('administrator', 'withdrawImport', 'WithdrawImportInput', input, 'proposal { state }');
      return { item: { proposalId: proposal.id }, decide, end: withdraw };
    },
    decider: 'yudu-xzspj.approver',
    others: ['administrator', 'administrator-deputy', 'yudu-xzspj.keeper', 'xingguo-xzspj.approver', 'auditor'],
    message: '办事指南县级差异',
  },
  REGISTRATION_PROPOSED: {
    async propose() {
      const ledger = `证照编号,持证主体,持证主体代码,颁发日期,有效期截止
待批准${++serial},${COMPANY.name},${COMPANY.code},2019-03-05,长期\n`;
      const { registration } = await proposeLedger(hub, REVIEWER, ROUTES.DIRECT.matter, ledger);
      const decide = () => decideLedger(hub, APPROVER, registration.id);
      const input = { registration: registration.id };
      const withdraw = () =>
        succeed(REVIEWER, 'withdrawRegistration', 'WithdrawRegistrationInput', input, 'registration { state }');
      return { item: { proposalId: registration.id }, decide, end: withdraw };
    },
    decider: APPROVER,
    others: [REVIEWER, KEEPER, 'yudu-sfj.approver', 'auditor', 'administrator'],
    message: '1 件',
  },
  SEAL_APPLICATION_WAITING: {
    async propose() {
      const input = { seal: `${ORGAN}-license-seal`, matter: `yd2022-1-0${++serial % 9}`, reason: '新增事项' };
      const { application } = await submitApplication(hub.ask, KEEPER, 'applyForSealGrant', input);
      const subject = { application: application.id };
      const decide = () => decideApplication(hub.ask, SEAL_APPROVER, { ...subject, approve: true });
      const withdraw = () =>
        succeed(KEEPER, 'withdrawSealApplication', 'SealApplicationInput', subject, 'application { state }');
      return { item: { proposalId: application.id }, decide, end: withdraw };
    },
    decider: SEAL_APPROVER,
    others: [KEEPER, APPROVER, 'yudu-sfj.sealapprover', 'auditor', 'administrator'],
    message: '于都县林业局证照专用章，申请用印授权',
  },
};

describe.each(Object.keys(ANNOUNCED_KINDS) as AnnouncedKind[])('%s', (kind) => {
  const { propose, decider, others, message } = CASES[kind];

  test('is shown to exactly those who may decide it, until one does', async () => {
    const { item, decide } = await propose();
    await awaitItems(decider, kind, 1);
    expect(await listItems(decider, kind)).toMatchObject([{ ...item, message: expect.stringContaining(message) }]);
    const links = { importProposal: null, registration: null, sealApplication: null, blankTransfer: null };
    const link = { uuid: item.proposalId, state: 'WAITING', actions: [{ name: ANNOUNCED_KINDS[kind] }] };
    const field = LINKS[kind];
    expect(await readLink(decider, kind)).toEqual(field === undefined ? links : { ...links, [field]: link });
    for (const person of others) expect([person, await listItems(person, kind)]).toEqual([person, []]);
    await decide();
    await awaitItems(decider, kind, 0);
  });

  test('disappears when nobody can decide it any more', async () => {
    clock.set('2026-03-02T01:00:00Z');
    const { end } = await propose();
    await awaitItems(decider, kind, 1);
    await end();
    await awaitItems(decider, kind, 0);
    clock.set('2026-03-02T01:00:00Z');
  });
});

test('a list of delegations, which acts for no organ, is shown to the other administrator', async () => {
  const input = { csv: 'matter,valid_from,outcome_name\nyd2022-1-07,2026-06-01,新证', basis: '某文〔2026〕1号' };
  await succeed('administrator', 'importDelegations', 'ImportDelegationsInput', input, 'proposal { id }');
  await awaitItems('administrator-deputy', 'IMPORT_PROPOSED', 1);
  for (const person of ['administrator', 'yudu-xzspj.approver', 'auditor'])
    expect(await listItems(person, 'IMPORT_PROPOSED')).toEqual([]);
});

test('events that come again change nothing', async () => {
  const readCopy = () => sql`select * from cases.peer_proposal order by proposal_id`;
  const before = await readCopy();
  expect(before.length).toBeGreaterThan(8);
  for (const schema of ['licenses', 'matters', 'seals']) {
    const table = sql(`${schema}.outbox_delivery`);
    await sql`update ${table} set delivered = 0, next_attempt_at = now()
      where consumer = 'cases' and stream like 'proposal:%'`;
    await waitUntil(`${schema} has sent all again`, async () => {
      const [row] = await sql`select count(*) from ${table} where consumer = 'cases' and delivered < head`;
      return Number(row?.count) === 0;
    });
  }
  expect(await readCopy()).toEqual(before);
});

test('what waited before seals announced it is announced at the start', async () => {
  const input = { seal: `${ORGAN}-license-seal`, reason: '换证' };
  const { application } = await submitApplication(hub.ask, KEEPER, 'applyForSealRotation', input);
  await awaitItems(SEAL_APPROVER, 'SEAL_APPLICATION_WAITING', 1);
  const stream = `proposal:${application.id}`;
  for (const table of ['outbox_event', 'outbox_delivery', 'outbox_stream'])
    await sql`delete from ${sql(`seals.${table}`)} where stream = ${stream}`;
  await sql`delete from cases.inbox where stream = ${stream}`;
  await sql`delete from cases.peer_proposal where proposal_id = ${application.id}`;
  expect(await listItems(SEAL_APPROVER, 'SEAL_APPLICATION_WAITING')).toEqual([]);
  await hub.hub.seals.prepare();
  await awaitItems(SEAL_APPROVER, 'SEAL_APPLICATION_WAITING', 1);
  const count = () => sql`select count(*) from seals.outbox_event where stream like 'proposal:%'`;
  const before = await count();
  await hub.hub.seals.prepare();
  expect(await count()).toEqual(before);
});
