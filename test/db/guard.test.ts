import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { waitUntil } from '../support/until.ts';

/** The guard of the database where the kernel cannot end it together with the hub. */

const GUARD = join(import.meta.dirname, '../../db/guard.ts');
/** Starts a process, guards it, and prints the pids of both. */
const PARENT = `
import { spawn } from 'node:child_process';
import { startGuard } from ${JSON.stringify(GUARD)};
const child = spawn('sleep', ['3600'], { detached: true, stdio: 'ignore' });
console.log(JSON.stringify([child.pid, startGuard(child.pid).pid]));
setInterval(() => {}, 1_000);
`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('SIGKILL of a process ends the process that it has guarded, and the guard', async () => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) => parent.stdout.once('data', (chunk) => resolve(String(chunk))));
  const pids: number[] = JSON.parse(line);
  expect(pids.map(isRunning)).toEqual([true, true]);
  parent.kill('SIGKILL');
  await waitUntil('both have ended', async () => !pids.some(isRunning));
});
