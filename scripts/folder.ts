import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** What stops a start, in one line for a person. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

/** Several starts may clear away the same dead hub's lock at once; each looks again after losing. */
const LOCK_ATTEMPTS = 5;

/**
 * Takes a data folder for this process alone: a second hub on it would stop the first one's database. Makes the folder
 * where it is missing. Gives the step that lets go of it. Throws BootError where it cannot be written or is in use.
 */
export function takeFolder(folder: string): () => Promise<void> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    accessSync(folder, constants.W_OK);
  } catch {
    throw new BootError(`数据目录 ${folder} 不可写 — the data folder cannot be written`);
  }
  const lock = join(folder, 'hub.lock');
  const draft = `${lock}.${process.pid}`;
  const mine = identityOf(process.pid);
  writeFileSync(draft, mine);
  try {
    for (let attempt = 1; !linked(draft, lock); attempt++) {
      const holder = read(lock);
      const pid = Number(holder.split(' ')[0]);
      if (attempt === LOCK_ATTEMPTS || isAlive(pid, holder)) {
        throw new BootError(`数据目录 ${folder} 正由进程 ${pid} 使用 — the data folder is in use by process ${pid}`);
      }
      clearAway(lock, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return async () => {
    if (read(lock) === mine) rmSync(lock, { force: true });
  };
}

/** Link, unlike write, fails where the lock is there already, and never shows half a file. */
function linked(draft: string, lock: string): boolean {
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead hub's lock, but puts back one that another start made in the meantime. */
function clearAway(lock: string, holder: string): void {
  const aside = `${lock}.dead.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (read(aside) !== holder) linked(aside, lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** A process by its number and, where the system tells it, the time it started: numbers are used again. */
function identityOf(pid: number): string {
  if (!existsSync('/proc/self/stat')) return String(pid);
  // The second field is the command in brackets and may hold blanks; the start time is the 20th after it.
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return `${pid} ${fields[19] ?? ''}`;
}

function isAlive(pid: number, holder: string): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' && identityOf(pid) === holder;
  }
  return identityOf(pid) === holder && !isCollectable(pid);
}

/** Whether a process has ended and only waits for its parent to notice. */
function isCollectable(pid: number): boolean {
  return read(`/proc/${pid}/stat`).split(') ').at(-1)?.startsWith('Z') ?? false;
}
