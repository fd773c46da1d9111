import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { z } from 'zod';
import { ensureDatabase, toDatabaseUrl } from '../../db/migrate.ts';
import { deriveRolePassword, makeRole, toRoleUrl } from '../../db/roles.ts';
import { isolateEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { LIBRARY_DATABASE as DATABASE, LIBRARY_ROLE as ROLE } from './check/database-state.ts';
import { BootError } from './folder.ts';
import type { Secrets } from './secrets.ts';

/** The reference city library as a peer of the hub, started by `npm start`: its database, its keys, its process. */

export const LIBRARY_CLIENT_ID = 'tongquan-hub';
const LIBRARY_NAME = 'library.tongquan.test/ganzhou';
const LIBRARY_MAIN = join(import.meta.dirname, '../city-library/main.ts');
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 2_000;

const publicKeys = z.object({
  name: z.string(),
  receiptKey: z.record(z.string(), z.unknown()),
  witnessKey: z.string(),
});

/** The prepared library: its database, and the name and public keys by which the hub knows it. */
export interface PeerLibrary {
  databaseUrl: string;
  name: string;
  /** JWK as text. */
  receiptKey: string;
  witnessKey: string;
}

/**
 * Creates the library's database and lets the library create its keys there. Reads the public keys once and stores them
 * in `library-keys.json`. The hub accepts only these keys from then on.
 */
export async function prepareLibrary(
  folder: string,
  adminUrl: string,
  secrets: Secrets,
  signal?: AbortSignal,
): Promise<PeerLibrary> {
  const password = deriveRolePassword(secrets.databaseKey, ROLE);
  const client = postgres(await ensureDatabase(adminUrl, DATABASE), { max: 1, onnotice: () => {} });
  try {
    await makeRole(client, ROLE, password, 'public');
    await client.unsafe(`grant create, connect on database ${DATABASE} to ${ROLE}`);
    await client.unsafe(`grant create, usage on schema public to ${ROLE}`);
  } finally {
    await client.end({ timeout: 2 });
  }
  const url = toRoleUrl(toDatabaseUrl(adminUrl, DATABASE), ROLE, password);
  const file = join(folder, 'library-keys.json');
  if (!existsSync(file)) {
    const draft = `${file}.draft`;
    writeFileSync(draft, await requestPublicKeys(url, signal), { flush: true });
    renameSync(draft, file);
  }
  const { name, receiptKey, witnessKey } = readKeys(file);
  return { databaseUrl: url, name, receiptKey: JSON.stringify(receiptKey), witnessKey };
}

/** Starts the library in its own process to create its keys. The hub never holds the private keys. */
async function requestPublicKeys(url: string, signal?: AbortSignal): Promise<string> {
  const env = isolateEnvironment('library', { LIBRARY_DATABASE_URL: url, LIBRARY_NAME });
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [LIBRARY_MAIN, '--keys'], {
      env,
      signal,
      timeout: START_TIMEOUT_MS,
    });
    return stdout;
  } catch (error) {
    throw new BootError(
      `城市证照库没有给出公钥 — the library told no keys: ${(error as { stderr?: string }).stderr ?? error}`,
    );
  }
}

function readKeys(file: string): z.infer<typeof publicKeys> {
  try {
    return publicKeys.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new BootError(`${file} 无法读取 — cannot be read; without it the keys are asked for again`);
  }
}

/** Settings that the hub writes for the library. */
export interface LibrarySettings {
  port: number;
  rootPem: string;
  /** The key of the hub's log. */
  logKey: string;
  hubUrl: string;
}

/** Writes the library's settings: its database, the trusted root, the hub's credentials, and the log to follow. */
export function writeLibrarySettings(
  folder: string,
  peer: PeerLibrary,
  secrets: Secrets,
  settings: LibrarySettings,
): void {
  const { rootPem, ...rest } = settings;
  const rootPemPath = join(folder, 'root.pem');
  writeFileSync(rootPemPath, rootPem);
  const { databaseUrl, name } = peer;
  const client = { clientId: LIBRARY_CLIENT_ID, clientSecret: secrets.librarySecret };
  const text = JSON.stringify({ databaseUrl, name, rootPemPath, ...client, ...rest }, null, 2);
  writeFileSync(join(folder, 'library.json'), text, { mode: 0o600 });
}

/** Starts the library as a child in its own process group. Returns the function that stops it. */
export async function startLibrary(
  folder: string,
  host: string,
  onErrorStream: (stream: Readable) => void,
): Promise<() => Promise<void>> {
  const settings = JSON.parse(readFileSync(join(folder, 'library.json'), 'utf8')) as Record<string, unknown>;
  const child = spawn(process.execPath, [LIBRARY_MAIN], {
    detached: true,
    // The channel closes when this process ends, for whatever reason. The library then stops too.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: isolateEnvironment('library', {
      HOST: host,
      LIBRARY_DATABASE_URL: String(settings.databaseUrl),
      LIBRARY_ROOT_PEM: String(settings.rootPemPath),
      LIBRARY_CLIENT_ID: String(settings.clientId),
      LIBRARY_CLIENT_SECRET: String(settings.clientSecret),
      LIBRARY_NAME: String(settings.name),
      LIBRARY_LOG_KEY: String(settings.logKey),
      LIBRARY_PORT: String(settings.port),
    }),
  });
  if (child.stderr) onErrorStream(child.stderr);
  await new Promise<void>((done, fail) => {
    const timer = setTimeout(
      () => fail(new BootError('城市证照库没有启动 — the library did not start')),
      START_TIMEOUT_MS,
    );
    child.stdout?.once('data', () => {
      clearTimeout(timer);
      done();
    });
    child.once('exit', (code) => fail(new BootError(`城市证照库启动失败（${code}）— the library failed to start`)));
  });
  return () => stopChild(child);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
