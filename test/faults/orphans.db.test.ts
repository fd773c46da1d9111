import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/hub/port.ts';
import { createScratchDatabase } from '../support/database.ts';
import { listProcesses } from '../support/processes.ts';
import { sampleCases } from '../support/sample.ts';
import { waitUntil } from '../support/until.ts';
import { copyStartedFolder } from './hub-place.ts';

/**
 * Whatever ends npm or one of the processes ends all of them. Input 37 of the shared cases. Each process is found by
 * the folder that it names, and only those are ended. A run tries some of the ways, TEST_SAMPLE=all all.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let base: string;
let libraryDatabase: { url: string; drop(): Promise<void> };
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'tongquan-orphans-'));
  libraryDatabase = await createScratchDatabase();
  await copyStartedFolder(join(base, 'start'));
});
afterAll(async () => {
  for (const { pid } of listProcesses(base)) endProcess(pid, 'SIGKILL');
  await waitUntil('nothing of the tests is left running', async () => listProcesses(base).length === 0);
  await libraryDatabase?.drop();
  rmSync(base, { recursive: true, force: true });
});

function endProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) throw new Error('no such process');
  try {
    process.kill(pid, signal);
  } catch {}
}

interface Run {
  npm: ChildProcess;
  folder: string;
  out(): string;
  /** Resolves when npm has ended. */
  ended: Promise<unknown>;
}

/** Runs a script by npm, as the leader of a process group, like a shell. */
function runScript(script: string, folder: string, environment: NodeJS.ProcessEnv, args: readonly string[] = []): Run {
  const npm = spawn('npm', ['run', script, '--', ...args], {
    cwd: ROOT,
    detached: true,
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, DATA_FOLDER: folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (out += chunk));
  return { npm, folder, out: () => out, ended: new Promise((resolve) => npm.once('exit', resolve)) };
}

async function waitFor(run: Run, line: RegExp): Promise<void> {
  const dead = run.ended.then(() => {
    throw new Error(`ended: ${run.out()}`);
  });
  await Promise.race([waitUntil(`it prints ${line}`, async () => line.test(run.out())), dead]);
}

const find = (run: Run, command: RegExp) => listProcesses(run.folder).find((found) => command.test(found.command))?.pid;
const HUB = /node\S* scripts\/start\.ts/;
const SIGNER = /signer\/main\.ts/;
const DATABASE = /bin\/postgres -D/;

async function expectNothingLeft({ folder }: Run): Promise<void> {
  await waitUntil('nothing is left', async () => listProcesses(folder).length === 0).catch(() => {});
  expect(listProcesses(folder)).toEqual([]);
}

/** The ways to end a hub that `npm start` runs. */
const WAYS: Record<string, (run: Run) => void | Promise<void>> = {
  'SIGTERM to npm': ({ npm }) => endProcess(npm.pid, 'SIGTERM'),
  'SIGINT to npm': ({ npm }) => endProcess(npm.pid, 'SIGINT'),
  'SIGHUP to npm': ({ npm }) => endProcess(npm.pid, 'SIGHUP'),
  'SIGKILL of npm': ({ npm }) => endProcess(npm.pid, 'SIGKILL'),
  'SIGHUP to all, as of a closed terminal': ({ npm }) => void process.kill(-(npm.pid ?? 0), 'SIGHUP'),
  'SIGTERM to the hub': (run) => endProcess(find(run, HUB), 'SIGTERM'),
  'SIGHUP to the hub': (run) => endProcess(find(run, HUB), 'SIGHUP'),
  'SIGKILL of the hub': (run) => endProcess(find(run, HUB), 'SIGKILL'),
  'a second signal, to a hub that cannot stop': async (run) => {
    const database = find(run, DATABASE);
    endProcess(database, 'SIGSTOP');
    endProcess(run.npm.pid, 'SIGTERM');
    await waitUntil('it stops', async () => /stopping/.test(run.out()));
    await new Promise((resolve) => setTimeout(resolve, 700));
    endProcess(run.npm.pid, 'SIGTERM');
    await waitUntil('the hub has ended', async () => find(run, HUB) === undefined);
    endProcess(database, 'SIGCONT');
  },
  'SIGTERM to npm after the signer was killed': async (run) => {
    const signer = find(run, SIGNER);
    endProcess(signer, 'SIGKILL');
    await waitUntil('it has another signer', async () => ![signer, undefined].includes(find(run, SIGNER)));
    endProcess(run.npm.pid, 'SIGTERM');
  },
};

describe('npm start', () => {
  let run: Run;
  beforeEach(async () => {
    const [port, libraryPort] = [await findFreePort(), await findFreePort()];
    run = runScript('start', join(base, 'start'), { PORT: String(port), LIBRARY_PORT: String(libraryPort) });
    await waitFor(run, /^ready /m);
  });

  test.each(sampleCases('ways to end a hub', Object.keys(WAYS), 3))('%s', { timeout: 240_000 }, async (way) => {
    for (const command of [HUB, SIGNER, DATABASE, /city-library\/main\.ts/]) expect(find(run, command)).toBeDefined();
    await WAYS[way]?.(run);
    await expectNothingLeft(run);
  });
});

test('npm run dev, SIGKILL of npm', { timeout: 240_000 }, async () => {
  const [port, libraryPort] = [await findFreePort(), await findFreePort()];
  const run = runScript('dev', join(base, 'start'), { PORT: String(port), LIBRARY_PORT: String(libraryPort) });
  await waitFor(run, /^ready /m);
  endProcess(run.npm.pid, 'SIGKILL');
  await expectNothingLeft(run);
});

test.each(sampleCases('scripts with a hub', ['demo', 'bench', 'bench:log'], 1))(
  'npm run %s, SIGKILL of npm while its hub starts',
  async (script) => {
    const run = runScript(script, join(base, script.replace(':', '-')), { PORT: String(await findFreePort()) });
    mkdirSync(run.folder, { recursive: true });
    await waitUntil('its database runs', async () => find(run, DATABASE) !== undefined);
    endProcess(run.npm.pid, 'SIGKILL');
    await expectNothingLeft(run);
  },
  240_000,
);

/** The scripts that run one process: what each needs, and what it prints when it listens. */
const SERVERS: Record<string, { line: RegExp; environment: (folder: string) => Promise<NodeJS.ProcessEnv> }> = {
  library: {
    line: /城市证照库 http/,
    environment: async (folder) => {
      writeFileSync(join(folder, 'root.pem'), readFileSync(join(base, 'start/root.pem')));
      return {
        LIBRARY_DATABASE_URL: libraryDatabase.url,
        LIBRARY_ROOT_PEM: join(folder, 'root.pem'),
        LIBRARY_CLIENT_ID: 'hub',
        LIBRARY_CLIENT_SECRET: 'a-secret-of-the-library',
        LIBRARY_PORT: String(await findFreePort()),
      };
    },
  },
  witness: {
    line: /见证 witness http/,
    environment: async (folder) => ({
      WITNESS_FOLDER: join(folder, 'witness'),
      WITNESS_PORT: String(await findFreePort()),
      WITNESS_NAME: 'witness.test',
      WITNESS_LOGS: JSON.parse(readFileSync(join(base, 'start/library.json'), 'utf8')).logKey,
    }),
  },
  supervisor: {
    line: /监管系统：http/,
    environment: async () => ({
      SUPERVISOR_WEBHOOK: crypto.randomUUID(),
      SUPERVISOR_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
      SUPERVISOR_PORT: String(await findFreePort()),
    }),
  },
  platform: {
    line: /审批平台 .*http/,
    environment: async (folder) => {
      const own = join(folder, 'approval-platform');
      mkdirSync(own, { recursive: true });
      const { privateKey } = generateKeyPairSync('ed25519');
      writeFileSync(join(own, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
      const url = 'http://127.0.0.1:1';
      const registration = { platformId: crypto.randomUUID(), secretVersion: 1, organ: 'ganzhou-xzspj' };
      const addresses = { audience: url, secret: Buffer.alloc(32).toString('base64url'), url };
      writeFileSync(join(own, 'registration.json'), JSON.stringify({ ...registration, ...addresses }));
      return {};
    },
  },
};

const ENDINGS = Object.keys(SERVERS).flatMap((script) =>
  (['SIGTERM', 'SIGKILL'] as const).map((signal) => [script, signal] as const),
);

test.each(sampleCases('ways to end a server', ENDINGS, 3))(
  'npm run %s, %s to npm',
  { timeout: 240_000 },
  async (script, signal) => {
    const folder = join(base, `${script} ${signal}`);
    mkdirSync(folder, { recursive: true });
    const environment = (await SERVERS[script]?.environment(folder)) ?? {};
    const args = script === 'platform' ? ['--port', String(await findFreePort())] : [];
    const run = runScript(script, folder, environment, args);
    await waitFor(run, SERVERS[script]?.line ?? /never/);
    endProcess(run.npm.pid, signal);
    await expectNothingLeft(run);
  },
);
