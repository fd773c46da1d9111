import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** Reads until its input ends, then stops the process that it guards. */
const SCRIPT = 'cat >/dev/null; kill -INT "$0"';

/**
 * Sends SIGINT to `pid` when this process ends for whatever reason, also by SIGKILL. For systems on which the kernel
 * cannot be asked to do so. Returns the guard; it must be killed when the guarded process has ended.
 */
export function startGuard(pid: number): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', SCRIPT, String(pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guard.on('error', () => {});
  guard.unref();
  (guard.stdin as (Writable & { unref?: () => void }) | null)?.unref?.();
  return guard;
}
