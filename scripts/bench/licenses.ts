import { join } from 'node:path';
import postgres from 'postgres';
import { connect } from '../../db/client.ts';
import { SUBGRAPHS } from '../../db/migrate.ts';
import { rolePassword, roleUrl } from '../../db/roles.ts';
import { readOrgans } from '../../seeds/load.ts';
import { renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { perform } from '../../subgraphs/licenses/issue.ts';
import { prepareCaseAct } from '../../subgraphs/licenses/prepare.ts';
import { createSeals } from '../../subgraphs/seals/index.ts';
import type { Running } from '../boot.ts';
import type { Client } from '../client.ts';
import { demoPerson } from '../people.ts';
import { runningDatabase } from '../running-database.ts';
import { keyFileOf } from '../secrets.ts';
import { blankPrefix } from '../seed.ts';
import { startSigner } from '../signer.ts';
import { cpuOfChildren, cpuOfDatabase } from './cpu.ts';

/** Measures whole licenses for `npm run bench`: the cost of one license in each process. */

/** Clerks that work concurrently. */
const CLERKS = 8;
const RECEIVED_AT_ONCE = 1_000;
const PATIENCE_MS = 60_000;
const POLL_MS = 50;
const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };
const ORGAN = 'yudu-lyj';
const CLERK = `${ORGAN}.clerk`;

export interface Bench {
  running: Running;
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

const prefix = blankPrefix(readOrgans().find((one) => one.id === ORGAN)?.uscc ?? '');
/** Last used blank number. Starts above the numbers that every organ receives at the first start. */
let blanks = 100_000;
const nextBlank = () => `${prefix}${String(++blanks).padStart(8, '0')}`;

/** Creates `count` granted cases and returns their ids. Clerks may then issue their licenses. */
export async function grant({ running, client, dataFolder }: Bench, count: number): Promise<string[]> {
  for (let from = blanks + 1; from <= blanks + count; from += RECEIVED_AT_ONCE)
    await running.hub.licenses.receiveBlanks(ORGAN, { prefix, from, to: from + RECEIVED_AT_ONCE - 1 });
  const ids: string[] = [];
  await byClerks(count, async (i) => {
    const fields = [{ label: '采伐地点', text: `于都县示范乡示范村 ${i + 1} 林班` }];
    const input = { matter: 'yd2022-1-07', applicant: COMPANY, fields };
    const made = await client.act(CLERK, 'acceptCase', 'ApplicationInput', input, 'case { id }');
    const id: string = made.case.id;
    const examined = { case: id, finding: 'APPROVED' };
    await client.act(`${ORGAN}.reviewer`, 'examineCase', 'ExamineCaseInput', examined, 'case { id }');
    const decision = { case: id, decision: 'GRANTED', authoriseSeal: true };
    await client.act(`${ORGAN}.approver`, 'decideCase', 'DecideCaseInput', decision, 'case { id }');
    ids.push(id);
  });
  await settled(dataFolder);
  return ids;
}

/**
 * Issues licenses through the public API. Ends when cases have the events, the log's checkpoint is cosigned
 * and the city library has collected the licenses.
 */
export async function throughTheDoor(bench: Bench, ids: readonly string[]) {
  const issued: { identifier: string; digest: string }[] = [];
  const cost = await costOf(bench, ids.length, async () => {
    await byClerks(ids.length, async (i) => {
      const input = { case: ids[i], blankNumber: nextBlank() };
      const fields = 'license { identifier document { digest } }';
      const { license } = await bench.client.act(CLERK, 'issueLicense', 'CaseActInput', input, fields);
      issued.push({ identifier: license.identifier, digest: license.document.digest });
    });
    await settled(bench.dataFolder);
  });
  return { issued, cost };
}

/**
 * Issues licenses by the workflow alone, with PDF, code, signature, timestamp and database rows. Neither the public
 * API nor the processing after an issue runs. The hub of the bench must be stopped first.
 */
export async function byTheWorkflow(
  { running, dataFolder }: Bench,
  ids: readonly string[],
  warm: number,
): Promise<Cost> {
  const { secrets } = running;
  const open = (role: string) =>
    connect(roleUrl(runningDatabase(dataFolder), role, rolePassword(secrets.databaseKey, role)), 'bench');
  const [ofSeals, ofLicenses] = [open('tq_seals'), open('tq_licenses')];
  const signer = await startSigner(keyFileOf(dataFolder), secrets);
  const now = () => new Date();
  const send = { licenses: async () => {} };
  const { sign, signCode, picture } = createSeals({ db: ofSeals.db, now, signer: signer.signer, send });
  const deps = {
    db: ofLicenses.db,
    now,
    authorisationKey: secrets.authorisationKeys.licenses,
    publicUrl: running.url,
    render: renderSealable,
    ...{ sign, signCode, picture },
  };
  const clerk = demoPerson(CLERK);
  if (!clerk) throw new Error(`nobody is ${CLERK}`);
  const issue = async (caseId: string) => {
    const asked = { caseId, blankNumber: nextBlank(), act: 'ISSUE' as const };
    const { waitingFor } = await perform(deps, (tx) => prepareCaseAct(tx, deps, clerk, asked));
    if (waitingFor !== null) throw new Error(waitingFor);
  };
  const issueAll = (some: readonly string[]) => byClerks(some.length, (i) => issue(some[i] ?? ''));
  try {
    await issueAll(ids.slice(0, warm));
    return await costOf({ dataFolder }, ids.length - warm, () => issueAll(ids.slice(warm)));
  } finally {
    await signer.stop();
    await Promise.all([ofSeals.close(), ofLicenses.close()]);
  }
}

async function byClerks(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const clerk = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: CLERKS }, clerk));
}

/** Waits until every event is delivered and a checkpoint over every leaf is cosigned. */
async function settled(dataFolder: string): Promise<void> {
  const sql = postgres(runningDatabase(dataFolder), { max: 1, onnotice: () => {} });
  const undelivered = SUBGRAPHS.map((name) => `select 1 from ${name}.outbox_delivery where delivered < head`);
  const uncosigned = `select 1 from seals.log_head where size > (select coalesce(max(size), 0) from seals.log_cosignature)`;
  const waiting = [...undelivered, 'select 1 from seals.log_pending', uncosigned].join(' union all ');
  try {
    for (const end = Date.now() + PATIENCE_MS; (await sql.unsafe(waiting)).length > 0; ) {
      if (Date.now() > end) throw new Error('the hub does not come to rest');
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  } finally {
    await sql.end();
  }
}

async function costOf(
  { dataFolder }: Pick<Bench, 'dataFolder'>,
  count: number,
  work: () => Promise<void>,
): Promise<Cost> {
  const reckon = () => {
    const { user, system } = process.cpuUsage();
    const hub = (user + system) / 1000;
    return { hub, signer: cpuOfChildren('signer/main.ts'), database: cpuOfDatabase(join(dataFolder, 'postgres')) };
  };
  const [before, from] = [reckon(), performance.now()];
  await work();
  const perSecond = (count * 1000) / (performance.now() - from);
  const after = reckon();
  const each = (of: keyof typeof before) => (after[of] - before[of]) / count;
  return { hub: each('hub'), signer: each('signer'), database: each('database'), perSecond };
}
