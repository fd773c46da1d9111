import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Account,
  type Binaries,
  buildCommand,
  EmbeddedError,
  ENDS_WITH_PARENT,
  findServerAccount,
  locateBinaries,
} from './binaries.ts';
import { startGuard } from './guard.ts';

/** The version of PostgreSQL that a data folder must have (file `PG_VERSION`). */
const MAJOR_VERSION = '18';
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** Maximum duration of a fast shutdown. After it the server gets an immediate shutdown. */
const FAST_STOP_TIMEOUT_MS = 3_500;
const IMMEDIATE_STOP_TIMEOUT_MS = 1_000;
/** Another process may take the port between the check here and the server's bind. */
const MAX_PORT_ATTEMPTS = 5;
/** The next start truncates a server log that is longer. */
const MAX_LOG_BYTES = 10_000_000;

export interface EmbeddedOptions {
  /** The server's data folder. It is created if it is missing. */
  folder: string;
  /** Password of the superuser `postgres`. */
  password: string;
  /** The file for the server's own messages. */
  logFile: string;
  /** The port to listen on. Default: a free port. */
  port?: number;
  /** False only in tests: a crash may then lose all data. */
  durable?: boolean;
}

/** A running PostgreSQL that belongs to this process. */
export interface EmbeddedServer {
  /** URL of the superuser, database `postgres`. */
  url: string;
  pid: number;
  port: number;
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 on a free port of 127.0.0.1. First it stops a server that a killed hub left on the same folder.
 * The server has its own process group, so that Ctrl-C in a terminal reaches only the hub. Throws EmbeddedError.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const pgBinaries = locateBinaries();
  mkdirSync(dirname(options.folder), { recursive: true });
  const account = findServerAccount([pgBinaries.root, options.folder]);
  requireVersion(options.folder);
  await stopLeftoverServer(options.folder);
  if (!existsSync(join(options.folder, 'PG_VERSION'))) initialiseFolder(options, pgBinaries, account);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await findFreePort());
    const child = launchServer(options, pgBinaries, account, port);
    if (await waitUntilReady(child, options.folder)) return toEmbeddedServer(child, port, options.password);
    if (attempt === MAX_PORT_ATTEMPTS || !/could not bind/.test(readLogTail(options.logFile))) {
      throw new EmbeddedError(
        `PostgreSQL did not start: ${readLogTail(options.logFile).trim().split('\n').at(-1) ?? ''} (see ${options.logFile})`,
      );
    }
  }
}

function requireVersion(folder: string): void {
  const file = join(folder, 'PG_VERSION');
  if (!existsSync(file)) return;
  const version = readFileSync(file, 'utf8').trim();
  if (version === MAJOR_VERSION) return;
  throw new EmbeddedError(
    `${folder} belongs to PostgreSQL ${version}, this hub brings PostgreSQL ${MAJOR_VERSION}: move the folder away or upgrade it with pg_upgrade`,
  );
}

/**
 * Runs initdb with UTF-8, the built-in locale C.UTF-8 (the same text order on every system) and SCRAM passwords only.
 */
function initialiseFolder(options: EmbeddedOptions, pgBinaries: Binaries, account: Account | null): void {
  const { folder } = options;
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    // A killed initdb leaves nothing worth keeping. A folder without `base` may belong to somebody else.
    if (!existsSync(join(folder, 'base')))
      throw new EmbeddedError(`${folder} is neither empty nor a PostgreSQL data folder`);
    rmSync(folder, { recursive: true });
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const passwordFile = `${folder}.password`;
  writeFileSync(passwordFile, options.password, { mode: 0o600 });
  if (account) {
    chownSync(folder, account.uid, account.gid);
    chownSync(passwordFile, account.uid, account.gid);
  }
  try {
    const { command, args, runAs } = buildCommand(account, join(pgBinaries.root, 'bin/initdb'), [
      ...['-D', folder, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'],
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'],
      ...(options.durable === false ? ['--no-sync'] : []),
    ]);
    const result = spawnSync(command, args, {
      cwd: dirname(folder),
      encoding: 'utf8',
      env: buildEnvironment(),
      ...runAs,
    });
    if (result.status !== 0) {
      throw new EmbeddedError(`initdb failed: ${(result.error?.message ?? result.stderr).trim().split('\n').at(-1)}`);
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** The server must not read settings that are meant for another PostgreSQL (PGPORT, PGOPTIONS …). */
function buildEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/bin:/bin', TZ: 'UTC', LC_ALL: 'C' };
}

const SETTINGS: readonly string[] = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=64MB',
  'timezone=UTC',
  'log_timezone=UTC',
  'logging_collector=off',
];
/** Faster settings for tests, whose data may be lost when the machine crashes. */
const NON_DURABLE_SETTINGS: readonly string[] = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

function launchServer(
  options: EmbeddedOptions,
  pgBinaries: Binaries,
  account: Account | null,
  port: number,
): ChildProcess {
  const settings = [...SETTINGS, `port=${port}`, ...(options.durable === false ? NON_DURABLE_SETTINGS : [])];
  const { command, args, runAs } = buildCommand(account, join(pgBinaries.root, 'bin/postgres'), [
    '-D',
    options.folder,
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  const isTooLong = existsSync(options.logFile) && statSync(options.logFile).size > MAX_LOG_BYTES;
  const log = openSync(options.logFile, isTooLong ? 'w' : 'a', 0o600);
  const child = spawn(command, args, {
    cwd: options.folder,
    detached: true,
    stdio: ['ignore', log, log],
    env: buildEnvironment(),
    ...runAs,
  });
  closeSync(log);
  if (!ENDS_WITH_PARENT && child.pid !== undefined) {
    const guard = startGuard(child.pid);
    child.once('exit', () => guard.kill('SIGKILL'));
  }
  return child;
}

/** Waits until `postmaster.pid` reports that the server is ready. Returns false if the server ended or timed out. */
async function waitUntilReady(child: ChildProcess, folder: string): Promise<boolean> {
  let failed: Error | null = null;
  child.once('error', (error) => {
    failed = error;
  });
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await pause(POLL_MS)) {
    if (failed || child.exitCode !== null || child.signalCode !== null) return false;
    const postmasterFile = readPostmasterFile(folder);
    if (postmasterFile && postmasterFile.pid === child.pid && postmasterFile.status === 'ready') return true;
  }
  child.kill('SIGQUIT');
  return false;
}

function toEmbeddedServer(child: ChildProcess, port: number, password: string): EmbeddedServer {
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const pid = child.pid ?? 0;
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    pid,
    port,
    ended,
    stop: () => stopServer(pid, ended),
  };
}

/**
 * Stops the server: first a fast shutdown (SIGINT: ends connections, writes all data), then an immediate one (SIGQUIT),
 * then SIGKILL.
 */
async function stopServer(pid: number, ended: Promise<void>): Promise<void> {
  for (const [signal, timeoutMs] of [
    ['SIGINT', FAST_STOP_TIMEOUT_MS],
    ['SIGQUIT', IMMEDIATE_STOP_TIMEOUT_MS],
    ['SIGKILL', IMMEDIATE_STOP_TIMEOUT_MS],
  ] as const) {
    if (!sendSignal(pid, signal)) return;
    const timer = new AbortController();
    const hasEnded = await Promise.race([
      ended.then(() => true),
      pause(timeoutMs, false, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    if (hasEnded) return;
  }
}

/**
 * Stops the server that a killed hub left on this folder.
 * Ignores a stale `postmaster.pid`, because PostgreSQL detects it itself.
 */
async function stopLeftoverServer(folder: string): Promise<void> {
  const leftover = readPostmasterFile(folder);
  if (!leftover || !isServerOf(leftover.pid, folder)) return;
  const ended = (async () => {
    while (isServerOf(leftover.pid, folder)) await pause(POLL_MS);
  })();
  await stopServer(leftover.pid, ended);
}

/**
 * Returns whether process `pid` is a PostgreSQL server of this folder. Another process may have got the same number.
 */
function isServerOf(pid: number, folder: string): boolean {
  const command = readCommandLine(pid);
  return command !== null && /\bpostgres\b/.test(command[0] ?? '') && command.includes(folder);
}

function readCommandLine(pid: number): string[] | null {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(' ');
  } catch {
    return null;
  }
}

function readPostmasterFile(folder: string): { pid: number; status: string } | null {
  try {
    const lines = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 1 ? { pid, status: (lines[7] ?? '').trim() } : null;
  } catch {
    return null;
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function readLogTail(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-4_000) : '';
}

/** Returns a port of 127.0.0.1 that was free at the time of the check. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
