import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { EmbeddedError } from '../../db/binaries.ts';
import { migrateDatabase, SUBGRAPHS, toDatabaseUrl } from '../../db/migrate.ts';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { parseWitnesses } from '../../subgraphs/seals/log/witness-client.ts';
import { listDisagreements } from '../hub/check/agreement.ts';
import type { StartRefusal } from '../hub/check/checks.ts';
import { HUB_DATABASE, type LogState } from '../hub/check/database-state.ts';
import { type PublishedLog, readPublishedLog } from '../hub/check/folder-state.ts';
import { type CheckedHub, openChecked } from '../hub/check/open.ts';
import { describeSilence } from '../hub/check/witness-sizes.ts';
import { BootError, lockFolder } from '../hub/folder.ts';
import { writeMarker } from '../hub/marker.ts';
import { askLibrary } from './library.ts';
import { readVerifiedLog, type VerifiedLog } from './log-files.ts';
import { listLost, listSeenVersions } from './lost.ts';
import { listReportLines } from './report.ts';
import { leapSequences, publishAgain, restoreDatabase, suspendSeals } from './restore.ts';
import { planSequences } from './series.ts';

/**
 * `npm run resume`: brings a hub on whose database was set back (`docs/operations.md`). Lists what is lost; with
 * `--confirm` takes the log's leaves back and skips every number that has been seen. The hub must be stopped.
 */

const EXIT = { nothing: 0, done: 0, planned: 1, unable: 2 } as const;
const USAGE = `用法 usage: npm run resume [-- --confirm] [--log FOLDER]
  --confirm  照所列办理；没有时只列出 does what the run without it lists
  --log      日志的另一份完整拷贝 another, whole copy of the published log
退出码 exit code: 0 已办理或无须办理 done or nothing to do，1 只列出 only listed，2 无法办理 unable`;

const environment = readEnvironment('resume', { LOG_WITNESSES: parseWitnesses });

function parseOptions() {
  try {
    return parseArgs({ options: { confirm: { type: 'boolean', default: false }, log: { type: 'string' } } }).values;
  } catch {
    throw new BootError(USAGE);
  }
}

async function resume(): Promise<number> {
  const { confirm, log: logCopy } = parseOptions();
  const { DATA_FOLDER: dataFolder, DATABASE_URL, LOG_WITNESSES } = environment;
  const stopSteps = [lockFolder(dataFolder)];
  try {
    const hub = await openChecked({
      dataFolder,
      databaseUrl: DATABASE_URL ?? null,
      witnesses: LOG_WITNESSES ?? [],
      onOpen: (server) => stopSteps.push(() => server.stop()),
      onFirstStart: async () => {
        throw new BootError(`${dataFolder} 中没有系统 — there is no hub in this data folder`);
      },
      tolerates: ({ check }) => check.isResumable,
    });
    for (const { name } of hub.state.silentWitnesses ?? []) console.log(describeSilence(name));
    if (hub.refusals.length === 0) {
      console.log('没有需要恢复的 — nothing to resume');
      return EXIT.nothing;
    }
    return await resumeOpen(hub, { isConfirmed: confirm === true, logFolder: logCopy ?? join(dataFolder, 'log') });
  } finally {
    for (let step = stopSteps.pop(); step; step = stopSteps.pop()) await step();
  }
}

async function resumeOpen(
  hub: CheckedHub,
  { isConfirmed, logFolder }: { isConfirmed: boolean; logFolder: string },
): Promise<number> {
  const { state, database, secrets, refusals } = hub;
  const stored = state.database?.log;
  if (!stored) throw new BootError('数据库中没有日志 — the database has no log');
  for (const { message } of refusals) console.log(message);
  const { published, log } = await readLostLog(hub, stored, logFolder);
  const hubUrl = toDatabaseUrl(database.url, HUB_DATABASE);
  const sql = postgres(hubUrl, { max: 1, onnotice: () => {} });
  try {
    const lost = await listLost(sql, log?.lostLeaves ?? []);
    const identifiers = listSeenVersions(lost).map(({ identifier }) => identifier);
    const { LIBRARY_URL } = environment;
    const collected = LIBRARY_URL ? await askLibrary(LIBRARY_URL, secrets.librarySecret, identifiers) : [];
    const sequences = await planSequences(sql, SUBGRAPHS, { lost, collected });
    for (const line of listReportLines(lost, collected, sequences)) console.log(line);
    if (!isConfirmed) {
      console.log('以上只是列出，什么也没有改动；办理请加 --confirm — nothing was changed; add --confirm to do it');
      return EXIT.planned;
    }
    await migrateDatabase(hubUrl, secrets.databaseKey);
    await leapSequences(sql, sequences);
    await suspendSeals(hubUrl, lost);
    const from = dayOf(stored.newestAt ?? new Date());
    await restoreDatabase(sql, published, log, { lost, collected, from, today: dayOf(new Date()) });
    await acceptRest(hub, stored, sql);
    if (hasRefused(refusals, 'LOG_MISSING', 'LOG_TRUNCATED')) {
      const folder = join(state.folder.folder, 'log');
      rmSync(join(folder, 'checkpoint'), { force: true });
      await publishAgain(hubUrl, folder);
    }
    console.log('已办理，请启动系统 — done: start the hub');
    return EXIT.done;
  } finally {
    await sql.end();
  }
}

function hasRefused(refusals: readonly StartRefusal[], ...codes: readonly string[]): boolean {
  return refusals.some(({ check }) => codes.includes(check.code));
}

/** Reads the published log if it has more than the database. Throws BootError if a witness has seen even more. */
async function readLostLog(
  { state, refusals }: CheckedHub,
  stored: LogState,
  logFolder: string,
): Promise<{ published: PublishedLog | null; log: VerifiedLog | null }> {
  const published = readPublishedLog(logFolder);
  if (published === 'UNREADABLE') throw new BootError(`${logFolder}/checkpoint 无法读取 — cannot be read`);
  const seen = Math.max(state.database?.witnessedSize ?? 0, ...(state.aheadWitnesses ?? []).map(({ size }) => size));
  if (seen > Math.max(published?.size ?? 0, stored.size)) {
    throw new BootError(
      `见证人签过 ${seen} 条，而 ${logFolder} 没有：请用 --log 指出日志的较新拷贝 — a witness has signed ${seen} leaves: name a newer copy of the log by --log`,
    );
  }
  const isBehind = hasRefused(refusals, 'DATABASE_BEHIND_LOG', 'DATABASE_BEHIND_WITNESS');
  if (!published || !isBehind) return { published, log: null };
  return { published, log: await readVerifiedLog(logFolder, published, stored) };
}

/** Remembers what stays lost, so that the next start does not refuse because of it. */
async function acceptRest({ state, refusals }: CheckedHub, { newestAt }: LogState, sql: postgres.Sql): Promise<void> {
  const disagreements = await listDisagreements(sql);
  const isClockAccepted = newestAt !== null && hasRefused(refusals, 'CLOCK_BEHIND');
  writeMarker(state.folder.folder, {
    accepted: Object.fromEntries(disagreements.map(({ name, count }) => [name, count])),
    ...(isClockAccepted ? { acceptedClock: newestAt.toISOString() } : {}),
  });
}

try {
  process.exitCode = await resume();
} catch (error) {
  const isExplained = error instanceof BootError || error instanceof EmbeddedError;
  console.error(isExplained ? error.message : error);
  process.exitCode = EXIT.unable;
}
process.exit();
