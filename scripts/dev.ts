import { type ChildProcess, spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { inheritEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { endAfter } from '../subgraphs/kernel/environment/stop.ts';

/**
 * `npm run dev`: runs `npm start` and restarts it whenever a source file changes. Data and tokens are kept. A changed
 * schema is composed first. If a start fails, waits for the next change. Passes its own arguments on.
 */

const ROOT = join(import.meta.dirname, '..');
/** What holds the sources of a hub. */
export const FOLDERS = ['db', 'gateway', 'scripts', 'seeds', 'subgraphs'];
/** What a start reads. Generated files are left out: composing writes them. */
const SOURCE = /\.(css|csv|graphql|js|json|sql|svg|ts|txt|typ)$/;
const GENERATED = /(\.gen\.ts|supergraph\.graphql)$/;
/** Editors write a file in several steps, and branches change many files at once. */
const SETTLE_MS = 200;

let hub: ChildProcess | null = null;
let starts = 0;
let isStopping = false;
let timer: NodeJS.Timeout | undefined;
const changed = new Set<string>();
let pendingRestart: Promise<void> = Promise.resolve();

/** Starts a hub. The channel tells it to stop if this process ends for whatever reason. */
function startHub(): void {
  const options = [...process.argv.slice(2), ...(starts++ === 0 ? [] : ['--no-tokens'])];
  const child = spawn(process.execPath, ['scripts/start.ts', ...options], {
    cwd: ROOT,
    env: inheritEnvironment({}),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  hub = child;
  child.once('exit', (code) => {
    if (hub !== child) return;
    hub = null;
    if (isStopping) process.exit(code ?? 1);
    console.error('[dev] the hub has ended; the next change starts it again');
  });
}

async function stopHub(): Promise<void> {
  const child = hub;
  hub = null;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await exited;
}

/** Runs another script. Returns whether it succeeded. */
async function runScript(file: string): Promise<boolean> {
  const child = spawn(process.execPath, [file], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  return (await new Promise((done) => child.once('exit', done))) === 0;
}

async function restart(): Promise<void> {
  const files = [...changed].sort();
  changed.clear();
  if (files.length === 0 || isStopping) return;
  console.error(
    `\n[dev] changed: ${files.slice(0, 5).join(', ')}${files.length > 5 ? ` and ${files.length - 5} more` : ''}`,
  );
  const isComposed = !files.some((file) => file.endsWith('.graphql')) || (await runScript('scripts/compose.ts'));
  await stopHub();
  if (isComposed && !isStopping) startHub();
}

function watchFolders(): void {
  for (const folder of FOLDERS) {
    watch(join(ROOT, folder), { recursive: true }, (_event, file) => {
      if (file === null || !SOURCE.test(file) || GENERATED.test(file)) return;
      changed.add(`${folder}/${file}`);
      clearTimeout(timer);
      timer = setTimeout(() => {
        pendingRestart = pendingRestart.then(restart);
      }, SETTLE_MS);
    });
  }
}

if (import.meta.main) {
  watchFolders();
  // A hub that is left behind by a second signal stops by itself, because its channel has closed.
  endAfter(() => {
    isStopping = true;
    return pendingRestart.then(stopHub);
  });
  startHub();
}
