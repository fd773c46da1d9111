import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { registerLedger } from '../support/ledger.ts';
import { createTestLibrary } from '../support/library.ts';
import { actForOrgan } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

/** Registration of existing paper does not wait for others: a library of version 1, or a seal of the organ. */

const { DIRECT } = ROUTES;
const HEADER = '证照编号,持证主体,持证主体代码,颁发日期,有效期截止';
const ledgerOf = (number: string) => `${HEADER}\n${number},${COMPANY.name},${COMPANY.code},2019-03-05,长期\n`;

let hub: TestHub;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let sql: postgres.Sql;
let root: string;
beforeAll(async () => {
  library = await createTestLibrary();
  hub = await createTestHub({ library: { ...library.settings, protocolPauseMs: 100 } });
  sql = postgres(hub.adminUrl, { max: 1 });
  root = await hub.hub.seals.rootCertificate();
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await library?.stop();
});

const identifierOf = async (number: string): Promise<string> => {
  const [row] = await sql`select head_identifier from licenses.license where number = ${number}`;
  return row?.head_identifier;
};
const readDelivery = async (identifier: string) => {
  const query = `query($id: ID!) { license(identifier: $id) { collection { state }
    statements { state stated collected attempts lastError } } }`;
  return (await hub.ask('auditor', query, { id: identifier })).data.license;
};

test('a library of version 1 is not sent the entry, and others are; with version 2 it gets entry and act', async () => {
  await library.open(root, [], 1);
  const number = '于林采旧字第1号';
  await registerLedger(hub, 'yudu-lyj', DIRECT.matter, ledgerOf(number));
  const identifier = await identifierOf(number);
  const acted = await actForOrgan(hub, 'yudu-lyj', 'suspend', { identifier });
  expect(acted.license).toMatchObject({ state: 'SUSPENDED' });
  const issued = await issueGrantedLicense(hub, DIRECT, await grantCase(hub, DIRECT), 1);
  await waitUntil('the other is collected', async () => (await library.receipts(issued.number)).length === 1);
  await waitUntil('the entry is parked', async () => (await readDelivery(identifier)).statements.state === 'PARKED');
  expect((await readDelivery(identifier)).statements).toEqual({
    ...{ state: 'PARKED', stated: 1, collected: 0, attempts: 0, lastError: null },
  });
  expect((await library.copies()).map((copy) => copy.identifier)).toEqual([issued.identifier]);
  expect(await library.receipts(number)).toEqual([]);
  expect([...(await sql`select 1 from licenses.duty where kind = 'COLLECTION_REFUSED'`)]).toEqual([]);

  await library.close();
  await library.open(root);
  await sql`update licenses.outbox_delivery set next_attempt_at = now() where delivered < head`;
  await waitUntil('entry and act are collected', async () => (await library.receipts(number)).length === 1);
  expect(await library.statements(number)).toMatchObject([{ revision: 1, follows: 0 }]);
  expect(await readDelivery(identifier)).toMatchObject({
    collection: { state: 'COLLECTED' },
    statements: { state: 'COLLECTED', stated: 1, collected: 1 },
  });
});

test('an organ without a seal registers its paper, and cannot act on it before it has one', async () => {
  const organ = 'yudu-sfj';
  // What remains of an organ whose seals licenses never heard of.
  await sql`delete from licenses.seal_fact where organ = ${organ}`;
  const number = '于司旧字第1号';
  await registerLedger(hub, organ, 'yd2022-1-08', ledgerOf(number));
  const identifier = await identifierOf(number);
  const { data } = await hub.ask(`${organ}.approver`, 'query($id: ID!) { license(identifier: $id) { state origin } }', {
    id: identifier,
  });
  expect(data.license).toEqual({ state: 'VALID', origin: 'REGISTERED' });
  const acted = await actForOrgan(hub, organ, 'suspend', { identifier });
  expect(acted.refusal.code).toMatch(/^SEAL_/);
});
