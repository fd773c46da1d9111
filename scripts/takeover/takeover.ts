import { existsSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { connect } from '../../db/client.ts';
import { migrateDatabase, toDatabaseUrl } from '../../db/migrate.ts';
import { insertTakeover } from '../../subgraphs/cases/person/store.ts';
import { HUB_DATABASE } from '../hub/check/database-state.ts';
import { takeHubLock } from '../hub/check/hub-lock.ts';
import { buildInUseRefusal, type CheckedHub, openChecked } from '../hub/check/open.ts';
import { BootError, lockFolder } from '../hub/folder.ts';
import { readMarker, writeMarker } from '../hub/marker.ts';
import { locatePersonKeyFile, locateSignerKeyFile, renewTokenKey } from '../hub/secrets.ts';
import { endAll, listCredentials, openPersonKeys, writePersonKeys } from '../person-keys/keys.ts';
import { describeKept, type Planned, planEndings } from './endings.ts';

/**
 * Takes the folder of a demonstration over into production: ends what the demonstration entered, by one transaction,
 * then what its files hold, and marks the folder last. Whatever interrupts it, the next run does the rest.
 */

export interface TakeoverOptions {
  dataFolder: string;
  databaseUrl: string | null;
  /** Otherwise it only lists. */
  isConfirmed: boolean;
  /** Name of the operator in the records. */
  operator: string;
  now: Date;
  say(line: string): void;
}

export type TakeoverOutcome = 'NOTHING' | 'LISTED' | 'DONE';

const KEYS_REASON = '演示转为正式运行：须重新登记';

/** Throws BootError and StartRefusal, before anything is changed, if the folder is not that of a stopped, whole hub. */
export async function takeOver(options: TakeoverOptions): Promise<TakeoverOutcome> {
  const { dataFolder, databaseUrl, say } = options;
  const noHub = () => new BootError(`${dataFolder} 中没有系统 — there is no hub in this data folder`);
  // Locking would create a missing folder.
  if (!existsSync(join(dataFolder, 'secrets.json'))) throw noHub();
  const stopSteps = [lockFolder(dataFolder)];
  try {
    const marker = readMarker(dataFolder);
    if (marker !== null && marker !== 'UNREADABLE' && marker.demonstration === false) {
      say(`${dataFolder} 已是正式系统，无须接管 — the folder is of production already: nothing to do`);
      return 'NOTHING';
    }
    const hub = await openChecked({
      ...{ dataFolder, databaseUrl },
      onOpen: (server) => stopSteps.push(() => server.stop()),
      onFirstStart: async () => {
        throw noHub();
      },
    });
    if (!hub.state.database?.hasHub) throw noHub();
    const hubUrl = toDatabaseUrl(hub.database.url, HUB_DATABASE);
    const lock = await takeHubLock(hubUrl, () => {});
    if (!lock.isHeld) throw buildInUseRefusal(hub.state);
    stopSteps.push(lock.release);
    return await takeOverOpen(options, hub, hubUrl);
  } finally {
    for (let step = stopSteps.pop(); step; step = stopSteps.pop()) await step();
  }
}

async function takeOverOpen(
  { dataFolder, isConfirmed, operator, now, say }: TakeoverOptions,
  { secrets }: CheckedHub,
  hubUrl: string,
): Promise<TakeoverOutcome> {
  if (isConfirmed) await migrateDatabase(hubUrl, secrets.databaseKey);
  const sql = postgres(hubUrl, { max: 1, onnotice: () => {} });
  try {
    const planned = await planEndings(sql, now);
    for (const line of describe(planned)) say(line);
    const keyFile = locatePersonKeyFile(locateSignerKeyFile(dataFolder));
    const keys = existsSync(keyFile) ? openPersonKeys(keyFile) : null;
    if (keys) {
      const credentials = listCredentials(keys, now);
      say(`本人签名的凭据和登记人 credentials of persons, and registrars: ${credentials.length}`);
      for (const credential of credentials) say(`  ${credential}`);
      if (keys.organs.length > 0)
        say(`  仍须本人签名的机关 organs that go on needing them: ${keys.organs.map(({ organ }) => organ).join('、')}`);
    }
    say('签发演示令牌的密钥 the key of demo tokens: 更换 replaced');
    say('保留 stays:');
    for (const line of await describeKept(sql)) say(`  ${line}`);
    if (!isConfirmed) {
      say('以上只是列出，什么也没有改动；办理请加 --confirm — nothing was changed; add --confirm to do it');
      return 'LISTED';
    }
    await endPlanned(hubUrl, planned, operator, now);
    if (keys) writePersonKeys(keyFile, endAll(keys, { at: now, reason: KEYS_REASON }));
    renewTokenKey(dataFolder);
    // Last: the folder is one of production only when nothing of the demonstration is left.
    writeMarker(dataFolder, { demonstration: false, takenOver: { at: now.toISOString(), by: operator } });
    say('已接管，请按 docs/sign-in.md 以正式方式启动 — done: start the hub in production');
    return 'DONE';
  } finally {
    await sql.end();
  }
}

function describe(planned: readonly Planned[]): string[] {
  return planned.flatMap(({ ending: { name, reason }, items }) => [
    `${name}: ${items.length}（${reason}）`,
    ...items.map(({ line }) => `  ${line}`),
  ]);
}

/** Ends everything by one transaction. */
async function endPlanned(hubUrl: string, planned: readonly Planned[], operator: string, at: Date): Promise<void> {
  const pool = connect(hubUrl, 'tongquan-takeover', 1);
  try {
    await pool.db.transaction(async (tx) => {
      await insertTakeover(tx, { at, operator });
      for (const { ending, items } of planned) {
        for (const { id } of items) await ending.end(tx, id, { operator, reason: ending.reason, at });
      }
    });
  } finally {
    await pool.close();
  }
}
