import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { logFailure } from '../../subgraphs/kernel/environment/log.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { endAfter, startProcess } from '../../subgraphs/kernel/environment/stop.ts';
import { readConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { parseLogKey } from '../witness/note.ts';
import { createLibrary } from './app.ts';
import { openDatabase } from './database.ts';
import { makeKeys } from './key.ts';
import { connectHub } from './reconciliation/hub.ts';
import { reconcile } from './reconciliation/reconcile.ts';

/**
 * Starts the reference city library with the LIBRARY_* variables, or with the settings that `npm start` wrote to
 * `library.json` of DATA_FOLDER. `--keys` only creates missing keys and prints the public keys. `--reconcile` compares
 * with the hub what was not compared yet, with `--all` everything. The exit code is 1 if anything differs.
 */

const DEFAULT_PORT = 4010;
const environment = readEnvironment('library');
const hubSettingsFile = join(environment.DATA_FOLDER, 'library.json');

const settingsSchema = z.object({
  databaseUrl: z.url({ protocol: /^postgres(ql)?$/ }),
  rootPemPath: z.string().min(1),
  clientId: z.string().min(1),
  clientSecret: z.string().min(16),
  name: z
    .string()
    .regex(/^[^\p{White_Space}+]{1,128}$/u)
    .default('library.tongquan.test/ganzhou'),
  /** Separated by commas. */
  logKey: z.string().default(''),
  protocol: z.literal(['1', '2']).default('2'),
  hubUrl: z.url({ protocol: /^https?$/ }).optional(),
  hubToken: z.string().min(1).optional(),
  port: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT),
});
type Settings = z.infer<typeof settingsSchema>;

const VARIABLES = {
  databaseUrl: 'LIBRARY_DATABASE_URL',
  rootPemPath: 'LIBRARY_ROOT_PEM',
  clientId: 'LIBRARY_CLIENT_ID',
  clientSecret: 'LIBRARY_CLIENT_SECRET',
  name: 'LIBRARY_NAME',
  logKey: 'LIBRARY_LOG_KEY',
  protocol: 'LIBRARY_PROTOCOL',
  hubUrl: 'LIBRARY_HUB_URL',
  hubToken: 'LIBRARY_HUB_TOKEN',
  port: 'LIBRARY_PORT',
} as const satisfies Record<keyof Settings, string>;

/** Reads the settings of `shape`. Throws an Error that names the missing or wrong variables. */
function readSettings<Shape extends z.ZodType>(shape: Shape): z.infer<Shape> {
  const environmentSettings = Object.entries(VARIABLES).flatMap(([key, name]) => {
    const value = environment[name];
    return value === undefined ? [] : [[key, value] as const];
  });
  const parseResult = shape.safeParse({ ...readHubSettings(), ...Object.fromEntries(environmentSettings) });
  if (parseResult.success) return parseResult.data;
  const missing = [...new Set(parseResult.error.issues.map(({ path }) => VARIABLES[path[0] as keyof Settings]))];
  throw new Error(`缺少或不正确的设置 ${missing.join('、')}；先运行 npm start 会在 ${hubSettingsFile} 留下设置`);
}

function readHubSettings(): object {
  try {
    return JSON.parse(readFileSync(hubSettingsFile, 'utf8')) as object;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${hubSettingsFile} 无法读取`, { cause: error });
  }
}

function readRootPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new Error(`根证书文件 ${path} 无法读取`);
  }
}

/** Returns one line that says what to fix. */
function toErrorLine(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'EADDRINUSE') return '端口已被占用（LIBRARY_PORT）';
  if (code && /^(ECONN|ENOTFOUND|ETIMEDOUT|CONNECT)/.test(code))
    return `数据库无法连接（LIBRARY_DATABASE_URL）：${code}`;
  return (message ?? String(error)).split('\n')[0] ?? '';
}

async function printKeys(): Promise<void> {
  const { databaseUrl, name } = readSettings(settingsSchema.pick({ databaseUrl: true, name: true }));
  console.log(JSON.stringify(await makeKeys(databaseUrl, name)));
}

async function runReconciliation(): Promise<void> {
  const {
    databaseUrl: url,
    hubUrl,
    hubToken,
    logKey,
  } = readSettings(settingsSchema.pick({ databaseUrl: true, logKey: true, hubUrl: true, hubToken: true }).required());
  const log = parseLogKey(logKey.split(',')[0] ?? '');
  const { sql, close } = await openDatabase(url);
  try {
    const isWhole = process.argv.includes('--all');
    const now = () => new Date();
    const reconciliation = await reconcile({ sql, hub: connectHub(hubUrl, hubToken), log, isWhole, now });
    for (const difference of reconciliation.differences) console.log(difference);
    const growthNote = reconciliation.hasGrown ? '' : '，自上次对账未增长';
    console.log(
      `枢纽日志 ${reconciliation.size} 项（根 ${reconciliation.root}）${growthNote}；核对 ${reconciliation.compared} 次操作，差异 ${reconciliation.differences.length} 处`,
    );
    if (reconciliation.differences.length > 0) process.exitCode = 1;
  } finally {
    await close();
  }
}

async function serve(): Promise<void> {
  const { port, rootPemPath, logKey, protocol, hubUrl: _, hubToken: __, ...rest } = readSettings(settingsSchema);
  const rootPem = readRootPem(rootPemPath);
  startProcess({ service: 'library', level: environment.LOG_LEVEL });
  const logKeys = logKey.split(',').filter((logKeyText) => logKeyText !== '');
  const app = await createLibrary({
    ...rest,
    rootPem,
    logKeys,
    protocol: protocol === '1' ? 1 : 2,
    now: () => new Date(),
    onError: logFailure,
    connections: readConnectionLimits(environment),
  });
  // Also if the hub that started the library dies without stopping it: the library must not keep the port.
  endAfter(() => app.close());
  try {
    console.log(`城市证照库 ${await app.listen({ port, host: environment.HOST })}`);
  } catch (error) {
    await app.close();
    throw error;
  }
}

const run = process.argv.includes('--keys')
  ? printKeys
  : process.argv.includes('--reconcile')
    ? runReconciliation
    : serve;
run().catch((error) => {
  console.error(`${run === runReconciliation ? '对账没有完成' : '城市证照库无法启动'}：${toErrorLine(error)}`);
  process.exit(1);
});
