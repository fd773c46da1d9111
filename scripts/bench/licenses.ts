import { join } from 'node:path';
import postgres from 'postgres';
import { connect } from '../../db/client.ts';
import { SUBGRAPHS } from '../../db/migrate.ts';
import { deriveRolePassword, toRoleUrl } from '../../db/roles.ts';
import { readOrgans } from '../../seeds/load.ts';
import { createParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { performAct } from '../../subgraphs/licenses/act/issue-workflow.ts';
import { prepareCaseAct } from '../../subgraphs/licenses/act/prepare-workflow.ts';
import { renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { createSeals } from '../../subgraphs/seals/index.ts';
import type { Client } from '../demo/client.ts';
import { findDemoPerson } from '../demo/people.ts';
import type { RunningHub } from '../hub/boot.ts';
import { findRunningDatabase } from '../hub/running-database.ts';
import { locateSignerKeyFile } from '../hub/secrets.ts';
import { blankPrefix } from '../hub/seed.ts';
import { startSigner } from '../hub/signer.ts';
import { cpuOfChildren, cpuOfDatabase } from './cpu.ts';

/** Measures whole licenses for `npm run bench`: the cost of one license in each process. */

/** Clerks that work concurrently. */
const CLERK_COUNT = 8;
const BLANKS_PER_BATCH = 1_000;
const MAX_WAIT_MS = 60_000;
const POLL_MS = 50;
const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };
const ORGAN = 'yudu-lyj';
const CLERK = `${ORGAN}.clerk`;

export interface Bench {
  running: RunningHub;
  client: Client;
  dataFolder: string;
}

/** CPU milliseconds of one license in each process, and licenses per second of wall-clock time. */
export interface Cost {
  hub: number;
  signer: number;
  database: number;
  perSecond: number;
}

const prefix = blankPrefix(readOrgans().find((organ) => organ.id === ORGAN)?.uscc ?? '');
/** Last used blank number. Starts above the numbers that every organ receives at the first start. */
let lastBlank = 100_000;
const nextBlank = () => `${prefix}${String(++lastBlank).padStart(8, '0')}`;

/** Creates `count` granted cases and returns their ids. Clerks may then issue their licenses. */
export async function grantCases({ running, client, dataFolder }: Bench, count: number): Promise<string[]> {
  for (let from = lastBlank + 1; from <= lastBlank + count; from += BLANKS_PER_BATCH)
    await running.hub.licenses.receiveBlanks(ORGAN, { prefix, from, to: from + BLANKS_PER_BATCH - 1 });
  const ids: string[] = [];
  await runByClerks(count, async (i) => {
    const fields = [{ label: '采伐地点', text: `于都县示范乡示范村 ${i + 1} 林班` }];
    const input = { matter: 'yd2022-1-07', applicant: COMPANY, fields };
    const accepted = await client.act(CLERK, 'acceptCase', 'ApplicationInput', input, 'case { id }');
    const id: string = accepted.case.id;
    const examination = { case: id, finding: 'APPROVED' };
    await client.act(`${ORGAN}.reviewer`, 'examineCase', 'ExamineCaseInput', examination, 'case { id }');
    const decision = { case: id, decision: 'GRANTED', authoriseSeal: true };
    await client.act(`${ORGAN}.approver`, 'decideCase', 'DecideCaseInput', decision, 'case { id }');
    ids.push(id);
  });
  await waitUntilSettled(dataFolder);
  return ids;
}

/**
 * Issues licenses through the public API. Ends when cases have the events, the log's checkpoint is cosigned
 * and the city library has collected the licenses.
 */
export async function issueThroughApi(bench: Bench, ids: readonly string[]) {
  const issued: { identifier: string; digest: string }[] = [];
  const cost = await measureCost(bench, ids.length, async () => {
    await runByClerks(ids.length, async (i) => {
      const input = { case: ids[i], blankNumber: nextBlank() };
      const fields = 'license { identifier document { digest } }';
      const { license } = await bench.client.act(CLERK, 'issueLicense', 'CaseActInput', input, fields);
      issued.push({ identifier: license.identifier, digest: license.document.digest });
    });
    await waitUntilSettled(bench.dataFolder);
  });
  return { issued, cost };
}

/**
 * Issues licenses by the workflow alone, with PDF, code, signature, timestamp and database rows. Neither the public
 * API nor the processing after an issue runs. The hub of the bench must be stopped first.
 */
export async function issueByWorkflow(
  { running, dataFolder }: Bench,
  ids: readonly string[],
  warmUpCount: number,
): Promise<Cost> {
  const { secrets } = running;
  const open = (role: string) =>
    connect(toRoleUrl(findRunningDatabase(dataFolder), role, deriveRolePassword(secrets.databaseKey, role)), 'bench');
  const [sealsPool, licensesPool] = [open('tq_seals'), open('tq_licenses')];
  const signer = await startSigner(locateSignerKeyFile(dataFolder), secrets);
  const now = () => new Date();
  const send = { licenses: async () => [], cases: async () => [] };
  const { sign, signCode, attest, picture } = createSeals({
    ...{ db: sealsPool.db, now, signer: signer.signer, send },
    parsers: createParserPool(),
  });
  const deps = {
    db: licensesPool.db,
    now,
    identity: secrets.serviceKeys.identities.licenses,
    personSigning: async () => ({ organs: [], rpId: null, credentials: [] }),
    publicUrl: running.url,
    render: renderSealable,
    ...{ sign, signCode, attest, picture },
  };
  const clerk = findDemoPerson(CLERK);
  if (!clerk) throw new Error(`nobody is ${CLERK}`);
  const issue = async (caseId: string) => {
    const sheets = { blankNumber: nextBlank(), duplicateBlanks: [] };
    const request = { caseId, sheets, act: 'ISSUE' as const };
    const { waitingFor } = await performAct(deps, (tx) => prepareCaseAct(tx, deps, clerk, request));
    if (waitingFor !== null) throw new Error(waitingFor);
  };
  const issueAll = (caseIds: readonly string[]) => runByClerks(caseIds.length, (i) => issue(caseIds[i] ?? ''));
  try {
    await issueAll(ids.slice(0, warmUpCount));
    return await measureCost({ dataFolder }, ids.length - warmUpCount, () => issueAll(ids.slice(warmUpCount)));
  } finally {
    await signer.stop();
    await Promise.all([sealsPool.close(), licensesPool.close()]);
  }
}

async function runByClerks(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const clerk = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: CLERK_COUNT }, clerk));
}

/** Waits until every event is delivered and a checkpoint over every leaf is cosigned. */
async function waitUntilSettled(dataFolder: string): Promise<void> {
  const sql = postgres(findRunningDatabase(dataFolder), { max: 1, onnotice: () => {} });
  const undelivered = SUBGRAPHS.map((name) => `select 1 from ${name}.outbox_delivery where delivered < head`);
  const uncosigned = `select 1 from seals.log_head where size > (select coalesce(max(size), 0) from seals.log_cosignature)`;
  const pendingQuery = [...undelivered, 'select 1 from seals.log_pending', uncosigned].join(' union all ');
  try {
    for (const deadline = Date.now() + MAX_WAIT_MS; (await sql.unsafe(pendingQuery)).length > 0; ) {
      if (Date.now() > deadline) throw new Error('the hub does not come to rest');
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  } finally {
    await sql.end();
  }
}

export async function measureCost(
  { dataFolder }: Pick<Bench, 'dataFolder'>,
  count: number,
  work: () => Promise<void>,
): Promise<Cost> {
  const measureCpu = () => {
    const { user, system } = process.cpuUsage();
    const hub = (user + system) / 1000;
    return { hub, signer: cpuOfChildren('signer/main.ts'), database: cpuOfDatabase(join(dataFolder, 'postgres')) };
  };
  const [before, from] = [measureCpu(), performance.now()];
  await work();
  const perSecond = (count * 1000) / (performance.now() - from);
  const after = measureCpu();
  const costPerLicense = (part: keyof typeof before) => (after[part] - before[part]) / count;
  return {
    hub: costPerLicense('hub'),
    signer: costPerLicense('signer'),
    database: costPerLicense('database'),
    perSecond,
  };
}
