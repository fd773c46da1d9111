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

/** A reason that stops the start. Its message is one line for a person. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

/** Several starts may remove the lock of the same dead hub at once. A start that loses the race tries again. */
const MAX_LOCK_ATTEMPTS = 5;

/**
 * Locks a data folder for this process: a second hub on it would stop the first one's database. Creates the folder
 * if it is missing. Returns the function that unlocks it. Throws BootError if it is not writable or is in use.
 */
export function lockFolder(folder: string): () => Promise<void> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    accessSync(folder, constants.W_OK);
  } catch {
    throw new BootError(`数据目录 ${folder} 不可写 — the data folder cannot be written`);
  }
  const lock = join(folder, 'hub.lock');
  const draft = `${lock}.${process.pid}`;
  const ownIdentity = identifyProcess(process.pid);
  writeFileSync(draft, ownIdentity);
  try {
    for (let attempt = 1; !tryLink(draft, lock); attempt++) {
      const holder = readOrEmpty(lock);
      const pid = Number(holder.split(' ')[0]);
      if (attempt === MAX_LOCK_ATTEMPTS || isAlive(pid, holder)) {
        throw new BootError(`数据目录 ${folder} 正由进程 ${pid} 使用 — the data folder is in use by process ${pid}`);
      }
      removeDeadLock(lock, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return async () => {
    if (readOrEmpty(lock) === ownIdentity) rmSync(lock, { force: true });
  };
}

/** Creates the lock. Unlike a write, a link fails if the lock exists, and never shows a partial file. */
function tryLink(draft: string, lock: string): boolean {
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead hub's lock. Restores it if another start has created it in the meantime. */
function removeDeadLock(lock: string, holder: string): void {
  const asidePath = `${lock}.dead.${process.pid}`;
  try {
    renameSync(lock, asidePath);
    if (readOrEmpty(asidePath) !== holder) tryLink(asidePath, lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    rmSync(asidePath, { force: true });
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Identifies a process by its pid and, where the system reports it, its start time. Pids are reused. */
function identifyProcess(pid: number): string {
  if (!existsSync('/proc/self/stat')) return String(pid);
  // The second field is the command in brackets and may contain spaces. The start time is the 20th field after it.
  const fields = readOrEmpty(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return `${pid} ${fields[19] ?? ''}`;
}

function isAlive(pid: number, holder: string): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' && identifyProcess(pid) === holder;
  }
  return identifyProcess(pid) === holder && !isZombie(pid);
}

/** Returns whether a process has ended and waits for its parent to collect it (a zombie). */
function isZombie(pid: number): boolean {
  return readOrEmpty(`/proc/${pid}/stat`).split(') ').at(-1)?.startsWith('Z') ?? false;
}
