import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { COMPANY, ROUTES } from '../support/flow.ts';
import { makeSeededTemplate, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { decideLedger, proposeLedger } from '../support/ledger.ts';
import { waitUntil } from '../support/until.ts';
import { forkHub } from './fork-hub.ts';

/** The process that enters a ledger of existing paper is killed half way: the next one goes on where it was. */

const LINES = 2_500;
const ORGAN = 'yudu-lyj';
const HEADER = '证照编号,持证主体,持证主体代码,颁发日期,有效期截止';
const LEDGER = `${HEADER}\n${Array.from(
  { length: LINES },
  (_, i) => `于林采字〔2019〕第${i + 1}号,${COMPANY.name},${COMPANY.code},2019-03-05,长期`,
).join('\n')}\n`;
const keys = {
  keyEncryptionKey: Buffer.from(RUN_KEY_ENCRYPTION_KEY).toString('hex'),
  derivationKey: randomBytes(32).toString('hex'),
  serviceKeys: generateServiceKeys(),
};

let database: TestDatabase;
let sql: postgres.Sql;
const children: ChildProcess[] = [];
beforeAll(async () => {
  database = await createTestDatabase(await makeSeededTemplate());
  sql = postgres(database.adminUrl, { max: 1 });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await sql?.end();
  await database?.drop();
});

/** Starts the hub in a process of its own. */
async function startHub() {
  const { child, url } = await forkHub({ databaseUrls: database.urls }, keys, null);
  children.push(child);
  const ask: TestHub['ask'] = async (person, query, variables = {}) => {
    const authorization = `Bearer ${await tokenFor(requireDemoPerson(person ?? ''), new Date())}`;
    const headers = { 'content-type': 'application/json', authorization };
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, ...((await response.json()) as object) } as Awaited<ReturnType<TestHub['ask']>>;
  };
  return { child, hub: { ask } as TestHub };
}

const readEntered = async (): Promise<number> => {
  const [row] = await sql`select entered::int as entered from licenses.registration_progress`;
  return row?.entered ?? 0;
};

test('a ledger is entered to its end, each license once', async () => {
  const doomed = await startHub();
  const exit = new Promise((resolve) => doomed.child.once('exit', (_, signal) => resolve(signal)));
  const { registration } = await proposeLedger(doomed.hub, `${ORGAN}.reviewer`, ROUTES.DIRECT.matter, LEDGER);
  expect((await decideLedger(doomed.hub, `${ORGAN}.approver`, registration.id)).refusal).toBeNull();
  await waitUntil('some licenses are entered', async () => (await readEntered()) >= 200);
  doomed.child.kill('SIGKILL');
  expect(await exit).toBe('SIGKILL');
  const entered = await readEntered();
  expect(entered).toBeGreaterThanOrEqual(200);
  expect(entered).toBeLessThan(LINES);
  const [before] = await sql`select count(*)::int as licenses from licenses.license`;
  expect(before?.licenses).toBe(entered);

  await startHub();
  await waitUntil('the rest is entered', async () => (await readEntered()) === LINES);
  const [after] = await sql`select (select count(*)::int from licenses.license) as licenses,
    (select count(*)::int from licenses.act where act = 'REGISTER' and state = 'DONE') as acts,
    (select count(*)::int from seals.register_statement) as stated,
    (select sum(jsonb_array_length(payload->'licenses'))::int from licenses.outbox_event
      where type = 'LicensesRegistered') as announced`;
  expect({ ...after }).toEqual({ licenses: LINES, acts: LINES, stated: LINES, announced: LINES });
  await waitUntil('cases know all', async () => {
    const [row] = await sql`select count(*)::int as known from cases.license_fact`;
    return row?.known === LINES;
  });
  expect(await findInconsistencies(database.adminUrl)).toEqual([]);
});
