import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { importDelegations } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';
import { forkHub } from './fork-hub.ts';

const hex = () => randomBytes(32).toString('hex');
/** The last matter of the list. The test locks its stream, so that the import stops there after writing all others. */
const LOCKED_MATTER = 'yd2022-3-04';
const LIST = [
  'matter,valid_from,county_organ,outcome_name',
  'yd2022-1-07,2030-01-01,yudu-xzspj,新林木采伐许可证',
  'yd2022-3-02,2030-01-01,yudu-xzspj,',
  'yd2022-3-03,2030-01-01,yudu-xzspj,',
  `${LOCKED_MATTER},2030-01-01,yudu-xzspj,`,
].join('\n');
const TABLES = ['delegation', 'industry_organ', 'outcome', 'outbox_event', 'delegation_import', 'delegation_change'];

let hub: TestHub;
let sql: postgres.Sql;
let child: ChildProcess;
beforeAll(async () => {
  hub = await createTestHub();
  sql = postgres(hub.adminUrl, { max: 3 });
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await sql?.end();
  await hub?.stop();
});

/** Starts another hub on the same database in its own process. */
const startOtherHub = () =>
  forkHub(hub, { keyEncryptionKey: hex(), derivationKey: hex(), serviceKeys: generateServiceKeys() }, null);

const readRegister = () => Promise.all(TABLES.map((table) => sql`select * from matters.${sql(table)} order by 1, 2`));
const importList = () => importDelegations(hub, { csv: LIST }, 'unchanged changes { line matter { id: code } }');

test('a hub killed during an import changes nothing, and a repeated approval does all of it', async () => {
  const input = { csv: LIST };
  const proposed = await runMutation(
    hub,
    'administrator',
    'importDelegations',
    'ImportDelegationsInput',
    input,
    'proposal { id }',
  );
  const before = await readRegister();
  const started = await startOtherHub();
  child = started.child;
  const exitSignal = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const authorization = `Bearer ${await tokenFor(requireDemoPerson('administrator-deputy'), new Date())}`;

  await sql.begin(async (transaction) => {
    await transaction`select 1 from matters.outbox_stream where stream = ${`matter:${LOCKED_MATTER}`} for update`;
    const pendingImport = fetch(`${started.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({
        query: 'mutation($id: ID!) { decideImport(input: { proposal: $id, approve: true }) { proposal { state } } }',
        variables: { id: proposed.proposal.id },
      }),
    }).catch(() => null);
    await waitUntil('the import stands before its last matter', async () => {
      const blockedBackends = await sql`select 1 from pg_stat_activity where wait_event_type = 'Lock'
        and datname = current_database() and application_name = 'tongquan-matters' and query like '%outbox_stream%'`;
      return blockedBackends.length > 0;
    });
    child.kill('SIGKILL');
    expect(await exitSignal).toBe('SIGKILL');
    expect(await pendingImport).toBeNull();
    // The killed transaction has not committed.
    expect(await readRegister()).toEqual(before);
  });
  await waitUntil('its transaction is gone', async () => {
    const remainingLocks = await sql`select 1 from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`;
    return remainingLocks.length === 0;
  });
  expect(await readRegister()).toEqual(before);

  expect(await importList()).toMatchObject({
    refusal: null,
    unchanged: 0,
    changes: [2, 3, 4, 5].map((line) => ({ line })),
  });
  const [after] =
    await sql`select county_organ from matters.delegation where matter_id = ${LOCKED_MATTER} and valid_from = '2030-01-01'`;
  expect(after?.county_organ).toBe('yudu-xzspj');
  expect(await importList()).toMatchObject({ refusal: null, unchanged: 4, changes: [] });
});
